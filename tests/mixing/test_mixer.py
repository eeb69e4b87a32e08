"""The pipeline from Python: shapes, invariances and levels, with random weights."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from megami.audio import Multitrack, framed_level_db, integrated_loudness, read_audio, read_multitrack
from megami.embeddings import level_db
from megami.errors import UserError
from megami.mixing.mixer import Mix, Mixer
from megami.mixing.options import check_loudness, check_options, check_sampling

RATE = 44100


@pytest.fixture(scope="module")
def mixer(random_weights) -> Mixer:
    return Mixer.from_pretrained(random_weights, device="cpu")


@pytest.fixture(scope="module")
def song(dry_tracks) -> Multitrack:
    return read_multitrack(dry_tracks(3, 1.5))


def with_tracks(song: Multitrack, audio: torch.Tensor) -> Multitrack:
    return Multitrack(tuple(f"t{index}" for index in range(len(audio))), audio, song.sample_rate)


def test_what_the_parts_give(mixer, song):
    content = mixer.content(song)
    assert content.shape == (3, 256) and torch.allclose(content.norm(dim=-1), torch.ones(3), atol=1e-5)
    embeddings = mixer.generate(content, num_mixes=2, steps=3)
    assert embeddings.shape == (2, 3, 256) and torch.allclose(embeddings.norm(dim=-1), torch.ones(2, 3), atol=1e-5)
    wet = mixer.process(song, embeddings[0])
    assert wet.shape == (3, 2, song.num_samples) and torch.isfinite(wet).all()


@pytest.mark.parametrize("adapt", [True, False])
def test_dry_content_is_adapted_where_the_preset_says_so(mixer, song, adapt):
    alone = replace(mixer.preset, adapt_dry=adapt, stem_bank=False)
    adapting = Mixer(replace(mixer.networks, preset=alone), "cpu")
    heard = mixer.networks.content_encoder(song.mono())
    expected = mixer.networks.adaptor(heard) if adapt else heard
    torch.testing.assert_close(adapting.content(song), expected, rtol=0, atol=1e-4)
    assert not torch.allclose(mixer.networks.adaptor(heard), heard, atol=1e-2)


def test_content_does_not_depend_on_level_or_company(mixer, song):
    alone = mixer.content(song.select([1]))[0]
    louder = mixer.content(with_tracks(song, 3.0 * song.audio[1:2]))[0]
    assert torch.allclose(alone, louder, atol=1e-4)
    assert torch.allclose(mixer.content(song)[1], alone, atol=1e-5)  # shorter than a segment: heard whole


def test_a_track_that_rests_in_the_loudest_segment_is_heard_where_it_plays(mixer, song):
    alone = replace(mixer.preset, segment_seconds=0.5, stem_bank=False)  # by a bank, a track is heard wherever it plays
    short = Mixer(replace(mixer.networks, preset=alone), "cpu")
    half = RATE // 2
    early, late = torch.zeros(1, RATE), torch.zeros(1, RATE)
    early[0, :half] = song.audio[0, 0, :half]
    late[0, half:] = 0.1 * song.audio[1, 0, :half]
    both = short.content(with_tracks(song, torch.stack([early, late])))
    assert torch.allclose(both[0], short.content(with_tracks(song, early[None, :, :half]))[0], atol=1e-5)
    assert torch.allclose(both[1], short.content(with_tracks(song, late[None, :, half:]))[0], atol=1e-5)


def test_permuting_tracks_permutes_the_answer(mixer, song):
    order = [2, 0, 1]
    content = mixer.content(song)
    assert torch.allclose(mixer.content(song.select(order)), content[order], atol=1e-5)
    drawn = mixer.generate(content, 2, steps=4, seed=5)
    assert torch.allclose(mixer.generate(content[order], 2, steps=4, seed=5), drawn[:, order], atol=1e-4)


def test_a_mix_depends_on_the_seed_and_its_number_only(mixer, song):
    content = mixer.content(song)
    three = mixer.generate(content, 3, steps=4, seed=2)
    assert torch.allclose(mixer.generate(content, 1, steps=4, seed=2)[0], three[0], atol=1e-4)
    assert torch.equal(mixer.generate(content, 3, steps=4, seed=2), three)
    for other in (three[1], mixer.generate(content, 1, steps=4, seed=3)[0]):
        assert (other - three[0]).norm(dim=-1).min() > 0.1
    state = torch.random.get_rng_state()
    mixer.generate(content, 1, steps=2)
    assert torch.equal(torch.random.get_rng_state(), state)


def test_levels_come_from_the_embedding(mixer, song):
    embeddings = mixer.generate(mixer.content(song), 1, steps=4)[0]
    wet = mixer.process(song, embeddings)
    wanted, have = level_db(mixer.preset.embedding, embeddings).clamp(-70.0, 3.0), framed_level_db(wet)
    assert torch.allclose(have.amax(dim=-1), wanted.amax(dim=-1), atol=0.1)  # the louder channel exactly
    quieter = mixer.process(with_tracks(song, 0.1 * song.audio), embeddings)
    assert torch.allclose(framed_level_db(quieter).amax(dim=-1), wanted.amax(dim=-1), atol=0.1)


def test_the_mix_is_the_sum_of_its_tracks_where_the_limiter_is_idle(mixer, song):
    for target in (-35.0, -16.0):
        (one,) = mixer.mix(song, steps=4, loudness_lufs=target, seed=1)
        assert one.audio.shape == (2, song.num_samples) and one.tracks.shape == (3, 2, song.num_samples)
        assert integrated_loudness(one.audio) == pytest.approx(target, abs=1.0)
        total = one.tracks.sum(dim=0)
        assert (one.audio.abs() <= total.abs() + 1e-5).all()
        same = (one.audio - total).abs() < 1e-5
        assert bool(same.all()) if target < -30.0 else float(same.float().mean()) > 0.01


def test_silent_tracks_stay_silent_and_do_not_disturb(mixer, song):
    silence = torch.zeros(1, 1, song.num_samples)
    more = torch.cat([silence, song.audio, silence + 1e-6])
    (plain,), (with_silence,) = (mixer.mix(one, steps=4) for one in (song, with_tracks(song, more)))
    assert torch.equal(plain.audio, with_silence.audio)
    assert torch.equal(plain.tracks, with_silence.tracks[1:4])
    for index in (0, 4):
        assert not with_silence.tracks[index].any() and not with_silence.embeddings[index].any()
    with pytest.raises(UserError, match="all tracks are silent"):
        mixer.mix(with_tracks(song, torch.zeros(2, 1, 1000)))


@pytest.mark.parametrize("samples", [1, 100, 2205, RATE])
@pytest.mark.parametrize("processor", ["structured", "tcn"])
def test_short_songs(random_weights, song, samples, processor):
    short = with_tracks(song, song.audio[:2, :, :samples] + 0.4)
    (one,) = Mixer.from_pretrained(random_weights, "cpu", processor).mix(short, steps=2)
    assert one.audio.shape == (2, samples) and torch.isfinite(one.audio).all() and one.audio.any()


def test_a_quiet_short_track_that_counts_as_playing_is_heard(mixer, song):
    """The level that decides is measured alike by the mixer and by the processor."""
    for level in (0.0005, 0.002, 0.01):
        short = with_tracks(song, torch.stack([song.audio[0, :, :3000], level * torch.ones(1, 3000)]))
        (one,) = mixer.mix(short, steps=2)
        assert bool(one.tracks[1].any()) == bool(one.embeddings[1].any())


def test_stereo_tracks_and_other_rates(mixer, song, dry_tracks):
    stereo = Multitrack(song.names, song.audio.expand(-1, 2, -1), RATE)
    assert torch.equal(mixer.mix(stereo, steps=2)[0].audio, mixer.mix(song, steps=2)[0].audio)
    half = read_multitrack(dry_tracks(2, 1.0, 22050), sample_rate=22050)
    (one,) = mixer.mix(half, steps=2)
    assert one.sample_rate == 22050 and one.audio.shape == (2, 22050) and one.tracks.shape == (2, 2, 22050)


def test_mixes_are_rendered_when_they_are_asked_for(mixer, song, monkeypatch):
    rendered, stages = [], []
    process = Mixer.process
    monkeypatch.setattr(Mixer, "process", lambda *arguments: rendered.append(1) or process(*arguments))
    options = mixer.preset.sampling.but(steps=2)
    mixes = mixer.iterate_mixes(song, 3, options, progress=lambda *report: stages.append(report))
    tracks = [("listening", number, song.num_tracks) for number in range(song.num_tracks)]
    assert rendered == [] and stages == [*tracks, *[("deciding", step, 2) for step in (0, 0, 1)]]
    first = next(mixes)
    assert len(rendered) == 1 and {stage for stage, *_ in stages[song.num_tracks + 3 :]} == {"mix 1"}
    assert len(list(mixes)) == 2 and stages[-1] == ("mix 3", song.num_tracks - 1, song.num_tracks)
    assert torch.equal(first.audio, mixer.mix(song, 3, steps=2)[0].audio)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"num_mixes": 0}, "1 to 100"),
        ({"num_mixes": 101}, "1 to 100"),
        ({"steps": 0}, "1 to 1000"),
        ({"seed": -1}, "seed"),
        ({"guidance": math.nan}, "guidance"),
        ({"guidance": -0.1}, "guidance"),
        ({"temperature": 0.0}, "temperature"),
        ({"temperature": math.inf}, "temperature"),
        ({"loudness_lufs": math.nan}, "LUFS"),
        ({"loudness_lufs": 0.0}, "LUFS"),
        ({"steps": 2.5}, "steps must be a whole number, not 2.5"),
        ({"steps": 2.0}, "steps must be a whole number"),
        ({"steps": "8"}, "steps must be a whole number, not '8'"),
        ({"steps": True}, "steps must be a whole number"),
        ({"num_mixes": 1.5}, "mixes must be a whole number"),
        ({"num_mixes": math.nan}, "mixes must be a whole number"),
        ({"num_mixes": None}, "mixes must be a whole number"),
        ({"seed": 1.5}, "seed must be a whole number"),
        ({"seed": False}, "seed must be a whole number"),
        ({"guidance": "strong"}, "guidance must be a number"),
        ({"guidance": True}, "guidance must be a number"),
        ({"guidance": 1j}, "guidance must be a number"),
        ({"temperature": "warm"}, "temperature must be a number"),
        ({"temperature": math.nan}, "temperature"),
        ({"loudness_lufs": "loud"}, "loudness must be a number"),
        ({"loudness_lufs": True}, "loudness must be a number"),
    ],
)
def test_impossible_options_are_refused_before_anything_is_done(mixer, song, options, words):
    with pytest.raises(UserError, match=words):
        mixer.mix(song, **options)


def test_numbers_of_numpy_are_numbers():
    check_options(np.int64(2), np.uint8(7))
    check_sampling(np.int32(3), np.float32(1.5), np.float64(0.5))
    check_loudness(np.float32(-20.0))


def test_embeddings_that_do_not_fit_are_refused(mixer, song):
    with pytest.raises(UserError, match="3 tracks need embeddings"):
        mixer.process(song, torch.zeros(2, 256))


def test_wet_tracks_never_replace_the_stems_they_were_made_from(tmp_path):
    tracks = torch.zeros(2, 2, 1000)
    one = Mix(tracks.sum(dim=0), tracks, torch.zeros(2, 256), ("drums", "voice"))
    (tmp_path / "voice.wav").write_bytes(b"the only recording")
    with pytest.raises(UserError, match=r"voice\.wav is there already"):
        one.save_tracks(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["voice.wav"]
    assert (tmp_path / "voice.wav").read_bytes() == b"the only recording"
    one.save_tracks(tmp_path, ".flac")
    one.save_tracks(tmp_path, ".flac", overwrite=True)
    alike = Mix(tracks.sum(dim=0), tracks, torch.zeros(2, 256), ("bus/drums", "bus_drums"))
    with pytest.raises(UserError, match="two tracks would be saved as bus_drums"):
        alike.save_tracks(tmp_path)


def test_saving(tmp_path):
    tracks = torch.zeros(2, 2, 1000)
    tracks[0, :, ::10], tracks[1, :, ::10] = 2.0, -1.5
    one = Mix(tracks.sum(dim=0), tracks, torch.zeros(2, 256), ("bus/drums", "voice"))
    assert one.turned_down_db == pytest.approx(6.03, abs=0.01)
    paths = one.save_tracks(tmp_path / "wet", ".flac")
    assert [path.name for path in paths] == ["bus_drums.flac", "voice.flac"]
    total = sum(read_audio(path)[0] for path in paths)
    assert torch.allclose(total * 10 ** (one.turned_down_db / 20), one.audio, atol=1e-5)
    assert torch.allclose(read_audio(one.save(tmp_path / "mix.wav"))[0], one.audio, atol=1e-6)
