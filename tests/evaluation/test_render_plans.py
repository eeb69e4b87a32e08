"""The listening room: every mix at the same loudness, whatever its master fader did."""

import pytest
import torch

from megami.audio import integrated_loudness
from megami.evaluation.render import match_loudness


def noise(tracks: int = 3, seed: int = 0) -> torch.Tensor:
    return 0.1 * torch.randn(tracks, 2, 3 * 44100, generator=torch.Generator().manual_seed(seed))


def test_mixes_are_heard_at_one_loudness():
    for gain in (0.01, 1.0, 3.0):
        heard = match_loudness(gain * noise(), -16.0, 44100)
        assert integrated_loudness(heard.sum(0), 44100) == pytest.approx(-16.0, abs=0.01)


def test_the_balance_of_the_tracks_stays_as_it_was_mixed():
    wet = noise() * torch.tensor([1.0, 0.3, 0.05])[:, None, None]
    ratio = match_loudness(wet, -16.0, 44100) / wet
    torch.testing.assert_close(ratio, ratio.mean().expand_as(ratio))


def test_silence_stays_silent():
    assert not match_loudness(torch.zeros(2, 2, 44100), -16.0, 44100).any()
