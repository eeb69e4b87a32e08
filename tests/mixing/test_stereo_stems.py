"""Songs with stereo stems: they keep their image, are heard where their channels cancel, and can be had in mono."""

from __future__ import annotations

import warnings

import pytest
import torch

from megami.audio import Multitrack, framed_level_db
from megami.errors import SongWarning
from megami.mixing.compat import Compat
from megami.mixing.mixer import Mixer

RATE = 44100
TIME = torch.arange(RATE) / RATE


def tone(hz: float, amplitude: float = 0.2) -> torch.Tensor:
    return amplitude * torch.sin(2 * torch.pi * hz * TIME) * torch.exp(-4 * (TIME % 0.5))


def song(rate: int = RATE, **tracks: tuple[torch.Tensor, torch.Tensor]) -> Multitrack:
    return Multitrack(tuple(tracks), torch.stack([torch.stack(pair) for pair in tracks.values()]), rate)


BASS, LEFT, RIGHT = tone(110.0), tone(440.0), tone(997.0)
WIDE = song(bass=(BASS, BASS), keys=(LEFT, RIGHT))


@pytest.fixture(scope="module", params=["structured", "tcn"])
def mixer(request, tiny_weights) -> Mixer:
    return Mixer.from_pretrained(tiny_weights, "cpu", request.param)


def mixed(mixer: Mixer, dry: Multitrack, **options):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        (mix,) = mixer.mix(dry, steps=1, **options)
    return mix, [str(one.message) for one in caught if issubclass(one.category, SongWarning)]


def amplitude(audio: torch.Tensor, hz: float) -> float:
    """Of a tone in audio [samples], however late it is."""
    turning = torch.polar(torch.ones_like(TIME), 2 * torch.pi * hz * TIME)
    return float((audio * turning).mean().abs())


def test_each_side_of_a_stereo_stem_stays_on_its_side(mixer):
    mix, said = mixed(mixer, WIDE)
    left, right = mix.tracks[1]
    assert amplitude(left, 440.0) > 10 * amplitude(right, 440.0)
    assert amplitude(right, 997.0) > 10 * amplitude(left, 997.0)
    assert not [line for line in said if "cancel" in line]


def test_the_plan_is_that_of_the_mono_fold(mixer):
    mono = Multitrack(WIDE.names, WIDE.mono(), RATE)
    assert torch.equal(mixed(mixer, WIDE)[0].embeddings, mixed(mixer, mono)[0].embeddings)
    assert torch.equal(mixer.content(WIDE), mixer.content(mono))


def test_mono_stems_are_those_of_the_average(mixer):
    mono, _ = mixed(mixer, Multitrack(WIDE.names, WIDE.mono(), RATE))
    asked, _ = mixed(mixer, WIDE, mono_stems=True)
    by_compat, _ = mixed(Mixer(mixer.networks, "cpu", Compat(stems="mono")), WIDE)
    kept, _ = mixed(mixer, WIDE)
    assert torch.equal(asked.tracks, mono.tracks) and torch.equal(by_compat.tracks, mono.tracks)
    assert not torch.equal(kept.tracks[1], mono.tracks[1])


def test_a_song_of_equal_channels_is_mixed_as_a_mono_one(mixer):
    mono, doubled = (
        Multitrack(("bass", "lead"), audio, RATE)
        for audio in (torch.stack([BASS, LEFT])[:, None], torch.stack([BASS, LEFT])[:, None].repeat(1, 2, 1))
    )
    assert torch.equal(mixed(mixer, doubled)[0].audio, mixed(mixer, mono)[0].audio)
    beside, _ = mixed(mixer, song(bass=(BASS, BASS), lead=(LEFT, LEFT), wide=(LEFT, RIGHT)))
    alone, _ = mixed(mixer, Multitrack(beside.names, torch.stack([BASS, LEFT, (LEFT + RIGHT) / 2])[:, None], RATE))
    ratio = beside.tracks[:2].abs().max() / alone.tracks[:2].abs().max()  # of the gains of mastering
    torch.testing.assert_close(beside.tracks[:2], ratio * alone.tracks[:2], rtol=0, atol=1e-5)


@pytest.mark.parametrize("other_side", [-1.0, -0.8])
def test_a_stem_with_one_channel_upside_down_is_heard_and_named(mixer, other_side):
    mix, said = mixed(mixer, song(bass=(BASS, BASS), vocals=(LEFT, other_side * LEFT)))
    assert framed_level_db(mix.tracks[1]).max() > -40.0
    assert [line for line in said if "'vocals'" in line and "cancel" in line]
    assert not [line for line in said if "'bass'" in line and "cancel" in line]


def test_stereo_stems_of_another_rate(mixer):
    mix, _ = mixed(mixer, song(48000, bass=(BASS, BASS), keys=(LEFT, 0 * LEFT)))
    left, right = mix.tracks[1].square().mean(dim=-1)
    assert left > 100 * right
