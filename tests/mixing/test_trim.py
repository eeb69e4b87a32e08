"""Trims of a finished mix: faders and pans by hand, and the sum mastered again."""

from __future__ import annotations

import pytest
import torch

from megami.audio import integrated_loudness
from megami.errors import UserError
from megami.mixing import Mix
from megami.mixing.trim import Trim, trimmed

RATE = 44100


@pytest.fixture
def mix() -> Mix:
    """A mix of two noises that no limiter touches."""
    tracks = 0.05 * torch.randn(2, 2, RATE, generator=torch.Generator().manual_seed(0))
    return Mix(tracks.sum(0), tracks, torch.zeros(2, 4), ("vocal", "bass"), sample_rate=RATE)


def test_a_trim_is_a_gain_and_a_balance_and_one_gain_for_all_sets_the_loudness(mix) -> None:
    found = trimmed(mix, {"vocal": Trim(6.0, 0.5)}, loudness_lufs=-20.0)
    common = found.tracks[1] / mix.tracks[1]
    assert torch.allclose(common, common[0, 0].expand_as(common), rtol=1e-5)
    change = found.tracks[0] / mix.tracks[0] / common[0, 0]
    assert torch.allclose(change[0], torch.tensor(0.5 * 10 ** (6 / 20)), rtol=1e-4)  # left is turned down
    assert torch.allclose(change[1], torch.tensor(10 ** (6 / 20)), rtol=1e-4)
    assert torch.allclose(found.audio, found.tracks.sum(0), atol=1e-6)
    assert integrated_loudness(found.audio, RATE) == pytest.approx(-20.0, abs=0.1)


def test_without_trims_a_mix_stays_itself(mix) -> None:
    before = mix.tracks.clone()
    assert trimmed(mix, {}) is mix and trimmed(mix, {"vocal": Trim()}) is mix
    trimmed(mix, {"bass": Trim(-3.0)})
    assert mix.tracks.equal(before)


def test_trims_that_mean_nothing_are_named(mix) -> None:
    with pytest.raises(UserError, match="flute"):
        trimmed(mix, {"flute": Trim(1.0)})
    for wrong in ((100.0, 0.0), (0.0, 1.5), (float("nan"), 0.0), ("loud", 0.0), (True, 0.0)):
        with pytest.raises(UserError, match="of a trim must be a number"):
            Trim(*wrong)
