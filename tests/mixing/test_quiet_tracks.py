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
    error = (shifted.tracks[1] - plain.tracks[1])[:, : RATE // 10]
    assert framed_level_db(error).max() < framed_level_db(plain.tracks[1]).max() - 25  # no thump
    with pytest.raises(UserError, match="all tracks are silent"):
        mixed(mixer, song(spare=0.5 + hiss(-90.0)))
