"""The simulated engineers: what they decide together, and that each can be told from the others by ear."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import torch
from handmade import handmade_song

from megami.effects import Compressor, EffectChain, Equaliser, Pan, Reverb
from megami.studio.engineers.engineer import ENGINEERS, Engineer, EngineeredMix, mix_with_random_engineer
from megami.studio.engineers.equalising import LIMIT_DB, PROFILES_DB, colour_gains_db
from megami.studio.engineers.listening import framed_level, loudness, region_levels_db
from megami.studio.engineers.panning import Seat, place
from megami.studio.engineers.styles import MIX_STYLES, MODERN_WIDE, PARTS

RATE = 44100
BY_NAME = {engineer.name: engineer for engineer in ENGINEERS}


@cache
def mixed(name: str, song_seed: int = 0, seed: int = 0) -> EngineeredMix:
    return BY_NAME[name].mix(handmade_song(song_seed, 2.0), seed)


def effect_of(chain: EffectChain, effect_class: type):
    return next((effect for effect in chain.effects if isinstance(effect, effect_class)), None)


def index(mix: EngineeredMix, track: str) -> int:
    return mix.song.multitrack.names.index(track)


every_engineer = pytest.mark.parametrize("name", sorted(BY_NAME))


@every_engineer
def test_chains_replay_to_the_very_same_samples(name: str) -> None:
    mix = mixed(name)
    for chain, dry, wet in zip(mix.chains, mix.song.multitrack.audio, mix.tracks, strict=True):
        assert np.array_equal(chain.apply(dry.numpy()), wet.numpy())
        assert np.array_equal(EffectChain.from_json(chain.to_json()).apply(dry.numpy()), wet.numpy())


@every_engineer
def test_the_mix_lies_at_minus_8_db_and_is_finite(name: str) -> None:
    mix = mixed(name)
    assert mix.tracks.shape == (6, 2, mix.song.multitrack.audio.shape[-1]) and mix.tracks.dtype == torch.float32
    assert torch.isfinite(mix.tracks).all()
    assert framed_level(mix.audio.numpy(), RATE) == pytest.approx(-8.0, abs=0.01)


@every_engineer
def test_two_guitars_face_each_other_and_the_foundation_stays_central(name: str) -> None:
    for seed in range(2):
        mix = mixed(name, 0, seed)
        pans = [effect_of(chain, Pan) for chain in mix.chains]
        left, right = (pans[index(mix, track)].position for track in ("guitar a", "guitar b"))
        assert left * right < 0 and abs(left + right) < 0.15
        assert all(pans[index(mix, track)] is None for track in ("bass", "drums", "voice"))
        balance = [10 * np.log10(np.mean(np.square(channel))) for channel in mix.audio.numpy()]
        assert abs(balance[0] - balance[1]) < 3.5


def test_places_are_balanced_for_any_number_of_tracks() -> None:
    rng = np.random.default_rng(0)
    for count in range(1, 14):
        seats = [Seat("bass", "electric bass", 0.7)]
        seats += [Seat("chords", ("piano", "electric guitar", "strings")[i % 3], 0.1) for i in range(count)]
        position = place(seats, 1, 0.9, rng)
        assert position[0] == 0 and position[1] == 0 and np.abs(position).max() <= 0.9
        assert abs(position.sum()) <= 0.9
        assert len(set(np.round(position[2:], 6))) == count - 1


@every_engineer
def test_all_tracks_share_one_room(name: str) -> None:
    rooms = [effect_of(chain, Reverb) for chain in mixed(name).chains]
    shared = {(room.decay_s, room.pre_delay_ms, room.damping_hz, room.seed) for room in rooms if room}
    sends = {room.wet for room in rooms if room}
    assert len(shared) == 1 and len(sends) >= 4
    other = effect_of(mixed(name, 1).chains[-1], Reverb)
    assert other.seed != rooms[-1].seed


@every_engineer
def test_loudness_follows_the_style_relative_to_the_lead(name: str) -> None:
    mix, style = mixed(name), BY_NAME[name].style
    lead = index(mix, "voice")
    rest = loudness((mix.audio - mix.tracks[lead]).numpy(), RATE)
    above = loudness(mix.tracks[lead].numpy(), RATE) - rest
    assert style.lead_over_rest_db[0] - 0.1 <= above <= style.lead_over_rest_db[1] + 0.1
    measured = {track: loudness(mix.tracks[index(mix, track)].numpy(), RATE) for track in ("bass", "drums", "pad")}
    for first, second in (("drums", "pad"), ("bass", "pad"), ("bass", "drums")):
        wanted = style.treatment(first).level_db - style.treatment(second).level_db
        assert measured[first] - measured[second] == pytest.approx(wanted, abs=4.0)


@every_engineer
def test_compressors_work_a_few_db(name: str) -> None:
    mix = mixed(name)
    for chain, dry in zip(mix.chains, mix.song.multitrack.audio, strict=True):
        place_of = next(i for i, effect in enumerate(chain.effects) if isinstance(effect, Compressor))
        before = EffectChain(chain.effects[:place_of]).apply(dry.numpy())
        after = chain.effects[place_of].apply(before, RATE)
        loud = np.abs(before) > 10 ** (-12 / 20) * np.abs(before).max()
        change = 20 * np.log10(np.abs(after[loud]) / np.abs(before[loud])) - chain.effects[place_of].makeup_db
        assert 0.5 < -change.mean() < 10.0


def test_the_equaliser_listens_to_the_track_and_to_the_lead() -> None:
    typical = PROFILES_DB[PARTS.index("chords")]
    boomy = typical + np.array([0.0, 8.0, 0.0, 0.0, 0.0])

    def gains(heard: np.ndarray, lead: np.ndarray | None, bass: bool = False) -> np.ndarray:
        return colour_gains_db(heard, "chords", MODERN_WIDE, lead, bass, np.random.default_rng(0))

    assert gains(boomy, None)[1] < gains(typical, None)[1] - 2
    assert gains(typical, typical)[1] < gains(typical, None)[1] - 1
    assert gains(typical, None, bass=True)[0] < gains(typical, None)[0] - 2
    assert np.abs(gains(typical + 60 * np.array([1, -1, 1, -1, 1]), None)).max() <= LIMIT_DB


@pytest.mark.parametrize("name", ["modern wide", "vintage narrow"])
def test_equalisers_stay_within_limits(name: str) -> None:
    for chain in mixed(name).chains:
        settings = effect_of(chain, Equaliser)
        gains = (settings.low_gain_db, settings.peak1_gain_db, settings.peak2_gain_db, settings.peak3_gain_db)
        assert max(map(abs, (*gains, settings.high_gain_db))) <= LIMIT_DB


def test_silent_tracks_stay_as_they_are() -> None:
    song = handmade_song(0, silent=("pad", "voice"))
    mix = ENGINEERS[0].mix(song, 0)
    for track in ("pad", "voice"):
        i = index(mix, track)
        assert torch.equal(mix.tracks[i], song.multitrack.audio[i].expand(2, -1))
    assert framed_level(mix.audio.numpy(), RATE) == pytest.approx(-8.0, abs=0.01)


@pytest.mark.parametrize("without", [("voice",), ("voice", "pad", "guitar a", "guitar b"), ("bass", "drums", "pad")])
def test_songs_without_some_roles_are_mixed_too(without: tuple[str, ...]) -> None:
    for engineer in ENGINEERS[:2]:
        mix = engineer.mix(handmade_song(3, seconds=1.5, without=without), 0)
        assert framed_level(mix.audio.numpy(), RATE) == pytest.approx(-8.0, abs=0.01)


def test_a_silent_song_and_a_very_short_one_do_no_harm() -> None:
    silent = handmade_song(0, 1.0, silent=("bass", "drums", "guitar a", "guitar b", "pad", "voice"))
    assert framed_level(ENGINEERS[0].mix(silent, 0).audio.numpy(), RATE) < -55
    assert torch.isfinite(ENGINEERS[3].mix(handmade_song(0, 0.25), 0).tracks).all()


def test_same_seed_same_mix_other_seed_other_mix() -> None:
    song = handmade_song(0, 1.0)
    first, again, other = (ENGINEERS[1].mix(song, seed) for seed in (5, 5, 6))
    assert first.chains == again.chains and torch.equal(first.tracks, again.tracks)
    assert first.chains != other.chains and not torch.allclose(first.tracks, other.tracks, atol=1e-3)


def test_a_random_engineer_is_drawn_evenly_and_repeatably() -> None:
    song = handmade_song(0, 0.41, without=("bass", "drums", "guitar a", "guitar b", "pad"))
    names = [mix_with_random_engineer(song, seed).engineer for seed in range(30)]
    assert set(names) == set(BY_NAME)
    assert [mix_with_random_engineer(song, seed).engineer for seed in range(5)] == names[:5]


def descriptors(mix: EngineeredMix) -> np.ndarray:
    """Width, colour, crest and how much sound is left between the notes: what anyone hears first in a mix."""
    audio = mix.audio.numpy()
    mid, side = audio.sum(0) / 2, (audio[0] - audio[1]) / 2
    width = 10 * np.log10(np.mean(np.square(side)) / np.mean(np.square(mid)))
    crest = 20 * np.log10(np.abs(audio).max() / np.sqrt(np.mean(np.square(audio))))
    blocks = np.square(mid[: len(mid) // 2205 * 2205].reshape(-1, 2205)).mean(-1)
    gaps = 10 * np.log10(np.percentile(blocks, 10) / blocks.mean())
    return np.array([width, crest, gaps, *region_levels_db(audio, RATE)])


def test_engineers_are_told_apart_on_songs_never_heard() -> None:
    """Nearest centroid, each song left out in turn: far better than the one in five of chance."""
    songs = range(3)
    points = np.array([[descriptors(mixed(e.name, song, song)) for e in ENGINEERS] for song in songs])
    right = 0
    for song in songs:
        known = points[[other for other in songs if other != song]]
        scale = known.std((0, 1))
        distance = np.linalg.norm((points[song][:, None] - known.mean(0)[None]) / scale, axis=-1)
        right += int((distance.argmin(1) == np.arange(len(ENGINEERS))).sum())
    assert right / (len(songs) * len(ENGINEERS)) >= 0.7


def test_styles_are_complete() -> None:
    assert len(ENGINEERS) >= 5 and len({style.number for style in MIX_STYLES}) == len(MIX_STYLES)
    assert all(len(style.treatments) == len(PARTS) for style in MIX_STYLES)
    assert all(isinstance(engineer, Engineer) for engineer in ENGINEERS)
