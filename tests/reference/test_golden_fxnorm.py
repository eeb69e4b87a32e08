"""Spectral normalisation against the published one."""

from __future__ import annotations

import pytest
import torch
from run_names import names, piece, settings

from megami.processor import FxNorm, FxNormConfig
from megami.processor.fxnorm import smoothing_rows

TOLERANCE = 2e-4  # of the peak


@pytest.fixture(scope="module")
def case(golden):
    return golden("fxnorm")


def published(tensors: dict[str, torch.Tensor], **level) -> FxNorm:
    return FxNorm(tensors["out.target_curve"], FxNormConfig(shared_division=True, **level))


def assert_close(actual: torch.Tensor, expected: torch.Tensor) -> None:
    torch.testing.assert_close(actual, expected, rtol=0, atol=TOLERANCE * float(expected.abs().max()))


def test_curves(case):
    words, tensors = case
    fxnorm = published(tensors)
    magnitude = fxnorm.mean_magnitude(fxnorm.divide(tensors["in.x"]))
    clamped, smoothed = fxnorm.gain_curves(magnitude)
    torch.testing.assert_close(magnitude, tensors["out.mean_magnitude"], rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(clamped, tensors["out.gain_curve_clamped"], rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(smoothed, tensors["out.gain_curve_smoothed"], rtol=1e-3, atol=1e-4)
    rows = smoothing_rows(torch.tensor(words["case"]["smoothing_row_indices"]), fxnorm.config.bins)
    torch.testing.assert_close(rows, tensors["out.smoothing_rows"], rtol=1e-4, atol=1e-7)


def test_equalised_before_the_level_is_set(case):
    words, tensors = case
    equalised = published(tensors).equalise(tensors["in.x"])
    for name in names(words, "out.equalised_before_rms"):
        assert_close(equalised[..., piece(name)], tensors[name])


def test_every_level(case):
    """With and without gate, all tracks together or one alone: the level counts, and which tracks share a division."""
    words, tensors = case
    for name in names(words, "out.y_"):
        run = settings(name, "out.y_", ("gate", "rms", "track", "alone"))
        place = int(run.get("track", 0))
        tracks = tensors["in.x"][place : place + 1] if "alone" in run else tensors["in.x"]
        out = published(tensors, gate=bool(run["gate"]), level_db=run["rms"])(tracks)
        assert_close(out[..., piece(name)], tensors[name])
