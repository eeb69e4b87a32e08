"""Songs of numbers far beyond full scale, of clicks and of infrasound: mixed, finite, and named."""

from __future__ import annotations

import warnings

import pytest
import torch

from megami.audio import Multitrack, integrated_loudness, true_peak_db
from megami.errors import SongWarning
from megami.mixing.mixer import Mixer

RATE = 44100
TIME = torch.arange(2 * RATE) / RATE


def song(**tracks: torch.Tensor) -> Multitrack:
    return Multitrack(tuple(tracks), torch.stack(list(tracks.values()))[:, None], RATE)


def tone(hz: float, amplitude: float = 0.1) -> torch.Tensor:
    return amplitude * torch.sin(2 * torch.pi * hz * TIME) * torch.exp(-3 * (TIME % 0.5))


@pytest.fixture(scope="module")
def mixer(tiny_weights) -> Mixer:
    return Mixer.from_pretrained(tiny_weights, "cpu")


def mixed(mixer: Mixer, dry: Multitrack, loudness_lufs: float = -16.0):
    """One mix, which is finite and below the ceiling, and what was said of it."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        (mix,) = mixer.mix(dry, steps=1, loudness_lufs=loudness_lufs)
    assert torch.isfinite(mix.audio).all() and torch.isfinite(mix.tracks).all()
    assert true_peak_db(mix.audio) <= -1.0
    return mix, [str(one.message) for one in caught if issubclass(one.category, SongWarning)]


@pytest.mark.parametrize("scale", [2e3, 1e15, 1e30, 3e38])
def test_numbers_far_beyond_full_scale(mixer, scale):
    mix, said = mixed(mixer, song(bass=tone(110.0), lead=scale * tone(440.0, 1.0)))
    assert [line for line in said if "'lead'" in line and "times full scale" in line and "turned down" in line]
    assert not [line for line in said if "'bass'" in line and "full scale" in line]
    same, _ = mixed(mixer, song(bass=tone(110.0), lead=tone(440.0, 1.0) / tone(440.0, 1.0).abs().max()))
    torch.testing.assert_close(mix.audio, same.audio, atol=1e-4, rtol=1e-3)


def test_what_is_a_little_over_full_scale_stays_as_it_is(mixer):
    _, said = mixed(mixer, song(bass=tone(110.0), lead=tone(440.0, 30.0)))
    assert not [line for line in said if "full scale" in line]


def test_networks_are_given_the_same_of_a_loud_track_everywhere(mixer):
    loud, plain = song(lead=1e20 * tone(440.0, 1.0)), song(lead=tone(440.0, 1.0) / tone(440.0, 1.0).abs().max())
    torch.testing.assert_close(mixer.content(loud), mixer.content(plain), atol=1e-4, rtol=1e-3)


def clicks() -> torch.Tensor:
    audio = torch.zeros_like(TIME)
    audio[:: RATE // 2] = 1.0
    return audio


@pytest.mark.parametrize("kind", ["clicks", "infrasound"])
def test_a_mix_that_stays_quieter_than_asked_for_is_named(mixer, kind):
    track = {"clicks": clicks(), "infrasound": 0.5 * torch.sin(2 * torch.pi * 3.0 * TIME)}[kind]
    mix, said = mixed(mixer, song(odd=track))
    reached = integrated_loudness(mix.audio)
    named = [line for line in said if line.startswith("mix 1: ") and "loudness" in line]
    assert bool(named) == (reached < -17.0)
    assert not named or "no loudness" in named[0] or f"{reached:.1f} LUFS, not -16" in named[0]
    assert named or kind != "clicks"


def test_a_mix_that_is_as_loud_as_asked_for_is_not_named(mixer):
    noise = torch.randn(len(TIME), generator=torch.Generator().manual_seed(0))
    mix, said = mixed(mixer, song(noise=0.1 * noise, bass=tone(110.0)), -26.0)
    assert integrated_loudness(mix.audio) == pytest.approx(-26.0, abs=0.2)
    assert not [line for line in said if line.startswith("mix 1: ")]
