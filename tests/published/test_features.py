"""The average spectrum for FxNorm: unpickled only if it is the published file byte for byte, else a plain array."""

from __future__ import annotations

import hashlib
import math
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from refusals import refusal

from megami.processor import target_from_fine_curve
from megami.processor.fxnorm import smoothing_rows
from megami.published import loading as published
from megami.published.addresses import FEATURES
from megami.published.loading import FINE_BINS, fine_curve, load_fxnorm


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "features.npy"


def curve(seed: int = 0) -> np.ndarray:
    """A spectrum that falls towards high frequencies, far from smooth: [32769] float64."""
    rng = np.random.default_rng(seed)
    return rng.exponential(1.0, FINE_BINS) / (1 + np.arange(FINE_BINS) / 500)


def publish(path: Path, content: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """Write a pickle as numpy does and let its hash be the published one."""
    np.save(path, content, allow_pickle=True)
    known = replace(FEATURES, sha256=hashlib.sha256(path.read_bytes()).hexdigest())
    monkeypatch.setattr(published, "FEATURES", known)


@pytest.mark.parametrize("shape", [(FINE_BINS,), (FINE_BINS, 1)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_curve_comes_from_the_published_file_and_from_a_plain_array(path, monkeypatch, shape, dtype):
    values = curve().reshape(shape).astype(dtype)
    np.save(path, values)
    plain = fine_curve(path)
    publish(path, {"eq": {"vocals": np.ones(FINE_BINS), "other": values}, "rms": {}}, monkeypatch)
    for found in (plain, fine_curve(path)):
        assert found.shape == (FINE_BINS,) and found.dtype == torch.float32
        np.testing.assert_array_equal(found.numpy(), curve().astype(np.float32))


class Trap:
    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[object, ...]:
        return os.system, (f"touch '{self.marker}'",)


def test_a_pickle_that_is_not_the_published_file_is_not_run(path, marker, monkeypatch):
    content = {"eq": {"other": curve(), "trap": Trap(marker)}}
    np.save(path, content, allow_pickle=True)
    refusal(lambda: fine_curve(path), str(path), "neither the published file nor a plain array", "download it again")
    assert not marker.exists()
    publish(path, content, monkeypatch)
    fine_curve(path)
    assert marker.exists()  # so the trap would have worked


def changed(value: float) -> np.ndarray:
    """The curve with one bin of another value."""
    values = curve()
    values[7] = value
    return values


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (curve()[:-1], "shape [32768], expected [32769]"),
        (np.ones((2, FINE_BINS)), "shape [2, 32769]"),
        (changed(-1e-9), "negative or not finite"),
        (changed(math.nan), "negative or not finite"),
        (changed(1e300), "negative or not finite"),  # too large for single precision
        (np.full(FINE_BINS, "1.0"), "no numbers"),
    ],
    ids=["short", "two", "negative", "nan", "large", "text"],
)
def test_a_curve_that_cannot_be_used_is_refused(path, values, words):
    np.save(path, values)
    refusal(lambda: fine_curve(path), str(path), words)


JUNK = {
    "empty": b"",
    "text": b"no arrays here\n" * 9,
    "unknown version": b"\x93NUMPY\x09\x00\x76\x00" + b"{}" * 60,
    "header that calls": b"\x93NUMPY\x01\x00\x10\x00__import__('os')",
    "long header": b"\x93NUMPY\x02\x00" + (20_000).to_bytes(4, "little") + b"{".ljust(20_000),
}


@pytest.mark.parametrize("name", JUNK)
def test_junk_is_refused(path, name):
    path.write_bytes(JUNK[name])
    refusal(lambda: fine_curve(path), str(path), "download it again")


def test_a_file_that_breaks_off_a_folder_and_a_missing_file_are_refused(path):
    np.save(path, curve())
    path.write_bytes(path.read_bytes()[:5000])
    refusal(lambda: fine_curve(path), str(path), "download it again")
    refusal(lambda: fine_curve(path.parent), str(path.parent), "cannot be read")
    refusal(lambda: fine_curve(path.with_name("none.npy")), "none.npy: no such file")


def smoothed(values: np.ndarray, bin: int) -> float:
    """One bin of the published smoothing: the mean under a Gaussian of standard deviation bin / (3 pi)."""
    if bin == 0:
        return float(values[0])
    distance = (np.arange(len(values)) - bin) * 3 * math.pi / bin
    weights = np.exp(-0.5 * distance**2)
    return float((weights * values).sum() / weights.sum())


def target(values: np.ndarray, bin: int, bins: int) -> float:
    """One bin of the target curve: the smoothed curve half-way between neighbours where the bins' centres fall."""
    place = max(0.0, (bin + 0.5) * len(values) / bins - 0.5)
    below = min(int(place), len(values) - 1)
    above = min(below + 1, len(values) - 1)
    return smoothed(values, below) * (1 - (place - below)) + smoothed(values, above) * (place - below)


def test_a_short_curve_is_smoothed_and_interpolated_as_published():
    values = np.random.default_rng(1).random(65)
    for bins in (65, 9, 13):
        ours = target_from_fine_curve(torch.tensor(values, dtype=torch.float32), bins).numpy()
        np.testing.assert_allclose(ours, [target(values, bin, bins) for bin in range(bins)], rtol=1e-5)


def load_and_compare(folder: Path, values: np.ndarray) -> None:
    """Check FxNorm from a file with this curve, at some bins, against the smoothing as published."""
    np.save(folder / "features.npy", values)
    loaded = load_fxnorm(folder)
    bins = [0, 1, 5, 400, 1300, 2048]
    expected = [target(values.astype(np.float64), bin, 2049) for bin in bins]
    assert loaded.target_curve.shape == (2049,) and loaded.target_curve.dtype == torch.float32
    np.testing.assert_allclose(loaded.target_curve[bins].numpy(), expected, rtol=2e-5)
    assert not loaded.training and not list(loaded.parameters())


def test_fxnorm_gets_the_published_target(tmp_path, monkeypatch):
    monkeypatch.setattr(published, "FINE_BINS", 4099)  # an eighth of the published number, for speed
    load_and_compare(tmp_path, curve()[:4099].astype(np.float32))


@pytest.mark.slow
def test_fxnorm_gets_the_published_target_at_full_size(tmp_path):
    load_and_compare(tmp_path, curve().astype(np.float32))


def test_some_rows_of_the_full_smoothing_are_as_published():
    rows = [0, 1, 7, 8, 6403, 20_800, 32_768]
    ours = smoothing_rows(torch.tensor(rows), FINE_BINS) @ torch.tensor(curve(), dtype=torch.float32)
    np.testing.assert_allclose(ours.numpy(), [smoothed(curve(), row) for row in rows], rtol=2e-5)
