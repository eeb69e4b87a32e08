"""Tracks with nothing to hear, and with little: what is left out, what is noise, and that it is said."""

from __future__ import annotations

import warnings

import pytest
import torch

from megami.audio import Multitrack, framed_level_db
from megami.errors import SongWarning, UserError
from megami.mixing.mixer import Mixer

RATE = 44100
TIME = torch.arange(2 * RATE) / RATE
NOTES = torch.sin(2 * torch.pi * 440.0 * TIME) * torch.exp(-12 * (TIME % 0.5))


def song(**tracks: torch.Tensor) -> Multitrack:
    return Multitrack(tuple(tracks), torch.stack(list(tracks.values()))[:, None], RATE)


def tone(hz: float, amplitude: float = 0.2) -> torch.Tensor:
    return amplitude * torch.sin(2 * torch.pi * hz * TIME) * torch.exp(-4 * (TIME % 0.5))


def hiss(level_db: float) -> torch.Tensor:
    return 10 ** (level_db / 20) * torch.randn(len(TIME), generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def mixer(tiny_weights) -> Mixer:
    return Mixer.from_pretrained(tiny_weights, "cpu")


def mixed(mixer: Mixer, dry: Multitrack, num_mixes: int = 1):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        mixes = mixer.mix(dry, num_mixes, steps=1)
    return mixes[-1], [str(one.message) for one in caught if issubclass(one.category, SongWarning)]


def test_a_spare_channel_with_an_offset_is_silent_and_the_others_come_out_as_without_it(mixer):
    plain, _ = mixed(mixer, song(bass=tone(110.0), lead=tone(440.0)))
    with_spare, said = mixed(mixer, song(bass=tone(110.0), lead=tone(440.0), spare=0.005 + hiss(-100.0)))
    assert not with_spare.tracks[2].any() and torch.equal(with_spare.tracks[:2], plain.tracks)
    assert [line for line in said if "'spare'" in line and "constant offset" in line]


def test_an_offset_changes_nothing_that_is_heard(mixer):
    plain, _ = mixed(mixer, song(bass=tone(110.0), lead=tone(440.0)))
    shifted, _ = mixed(mixer, song(bass=tone(110.0), lead=tone(440.0) + 0.3))
    tenths = torch.stack([shifted.tracks[1] - plain.tracks[1], plain.tracks[1]]).unflatten(-1, (20, RATE // 10))
    error, level = 10 * torch.log10(tenths.square().mean(dim=(1, 3)))
    below = error - level
    assert below.max() < -20.0  # an offset that stays gives +4 dB and more, and +15 dB at the start
    assert below[0] < below[1:].max() + 3.0  # no thump: the start errs no more than the rest
    with pytest.raises(UserError, match="all tracks are silent"):
        mixed(mixer, song(spare=0.5 + hiss(-90.0)))


@pytest.mark.parametrize("level", [-75.0, -62.0])
def test_a_quiet_track_that_is_left_out_is_named_with_the_threshold(mixer, level):
    quiet = tone(440.0)
    quiet *= 10 ** (level / 20) / quiet[: 2 * RATE // 5].square().mean().sqrt()
    mix, said = mixed(mixer, song(bass=tone(110.0), vocals=quiet, spare=torch.zeros_like(TIME), dither=hiss(-96.0)))
    assert not mix.tracks[1].any()
    (line,) = (line for line in said if "left out" in line)
    assert "'vocals'" in line and "-60 dB" in line and f"{level:.0f} dB" in line


def test_noise_that_is_turned_up_is_named_for_each_mix(mixer):
    mix, said = mixed(mixer, song(bass=tone(110.0), room=hiss(-58.0)), num_mixes=2)
    named = [line for line in said if "noise" in line]
    assert [line.split(":")[0] for line in named] == ["mix 1", "mix 2"]
    reached = float(framed_level_db(mix.tracks[1]).max())
    assert all("'room'" in line for line in named) and f"to {reached:.0f} dB" in named[1] and reached > -45.0


@pytest.mark.parametrize(
    "track",
    [
        hiss(-30.0),  # loud enough to be meant
        0.006 * NOTES + hiss(-80.0),  # quiet, but far above its noise
        torch.cat([torch.zeros(RATE), 0.008 * NOTES[:RATE] + hiss(-70.0)[:RATE]]),
    ],
    ids=["hiss", "quiet notes", "notes after a rest"],
)
def test_what_is_no_noise_floor_is_not_named_so(mixer, track):
    _, said = mixed(mixer, song(bass=tone(110.0), other=track))
    assert not [line for line in said if "noise" in line or "left out" in line]
