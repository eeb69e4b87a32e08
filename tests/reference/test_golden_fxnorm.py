"""Spectral normalisation against the published one."""

from __future__ import annotations

import pytest
import torch

from megami.processor import FxNorm, FxNormConfig
from megami.processor.fxnorm import smoothing_rows

TOLERANCE = 2e-4  # of the peak


@pytest.fixture(scope="module")
def case(golden):
    words, tensors = golden("fxnorm")
    return words["case"], tensors


def published(tensors: dict[str, torch.Tensor], gate: bool = True, level_db: float = -16.0) -> FxNorm:
    config = FxNormConfig(level_db=level_db, gate=gate, shared_division=True)
    return FxNorm(tensors["out.target_curve"], config)


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
    rows = smoothing_rows(torch.tensor(words["smoothing_row_indices"]), fxnorm.config.bins)
    torch.testing.assert_close(rows, tensors["out.smoothing_rows"], rtol=1e-4, atol=1e-7)


def test_equalised_before_the_level_is_set(case):
    _, tensors = case
    equalised = published(tensors).equalise(tensors["in.x"])
    assert_close(equalised[..., :8192], tensors["out.equalised_before_rms_first_8192_samples"])


def test_gated_level(case):
    _, tensors = case
    out = published(tensors)(tensors["in.x"])
    assert_close(out[..., :30000], tensors["out.y_gate1_rms-16_first_30000_samples"])
    assert_close(out[..., -30000:], tensors["out.y_gate1_rms-16_last_30000_samples"])


def test_level_without_gate(case):
    _, tensors = case
    out = published(tensors, gate=False, level_db=-25.0)(tensors["in.x"])
    assert_close(out[..., :8192], tensors["out.y_gate0_rms-25_first_8192_samples"])


def test_a_track_of_its_own(case):
    _, tensors = case
    alone = published(tensors)(tensors["in.x"][1:2])
    assert_close(alone[..., :8192], tensors["out.y_track1_alone_gate1_rms-16_first_8192_samples"])
