"""The sample song that ships mixed often: whole, as the engineers mix it, and what they make of it again."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from megami.evaluation.measures.descriptors import NAMES
from megami.evaluation.measures.tracks_in_mix import NAMES as MEASURES
from megami.evaluation.mixed_often import KEPT, MixedOften, make_mixed_often, measure_mix, porch_light, read_mixed_often
from megami.studio import ENGINEERS

ROOT = Path(__file__).resolve().parents[2]
DATA, SAMPLES = ROOT / "book" / "data", ROOT / "data_samples"


@pytest.fixture(scope="module")
def shipped() -> MixedOften:
    return read_mixed_often(DATA / "mixed_often.npz")


def test_all_tracks_of_many_mixes_by_every_engineer(shipped: MixedOften) -> None:
    engineers, mixes, tracks, numbers = shipped.points.shape
    assert shipped.engineers == tuple(engineer.name for engineer in ENGINEERS) and engineers == len(ENGINEERS)
    assert shipped.tracks == porch_light(SAMPLES).multitrack.names and tracks == len(shipped.tracks)
    assert mixes >= 30 and numbers == 2
    assert shipped.descriptors.shape == (engineers, mixes, tracks, len(NAMES))
    assert shipped.measures.shape == (engineers, mixes, tracks, len(MEASURES))
    assert all(np.isfinite(getattr(shipped, key)).all() for key in KEPT)


def test_lead_and_bass_stay_in_the_middle_and_the_guitar_takes_both_sides(shipped: MixedOften) -> None:
    pan = dict(zip(shipped.tracks, np.moveaxis(shipped.points[..., 1], 2, 0), strict=True))
    assert np.abs(pan["vocal"]).max() < 0.15 and np.abs(pan["double_bass"]).max() < 0.15
    left = (pan["nylon_guitar"] < 0).mean(1)
    assert ((left > 0.2) & (left < 0.8)).all()


def test_no_two_mixes_are_the_same(shipped: MixedOften) -> None:
    every = shipped.points.reshape(-1, shipped.points[0, 0].size)
    assert len(np.unique(every, axis=0)) == len(every)


@pytest.mark.parametrize(("engineer", "seed"), [(1, 0), (3, 5)])
def test_the_engineers_make_the_same_again(shipped: MixedOften, engineer: int, seed: int) -> None:
    points, described, measures = measure_mix(porch_light(SAMPLES), engineer, seed)
    np.testing.assert_allclose(points, shipped.points[engineer, seed], atol=0.02)
    np.testing.assert_allclose(described, shipped.descriptors[engineer, seed], atol=0.1)
    np.testing.assert_allclose(measures, shipped.measures[engineer, seed], atol=0.1)


def test_a_file_is_put_together_from_its_parts(tmp_path: Path, shipped: MixedOften) -> None:
    for engineer in range(len(ENGINEERS)):
        for seed in range(2):  # already measured, so that nothing is mixed here
            part = {key: getattr(shipped, key)[engineer, seed] for key in KEPT}
            np.savez(tmp_path / f"{engineer:02}_{seed:04}.npz", **part)
    make_mixed_often(tmp_path / "again.npz", SAMPLES, tmp_path, mixes=2)
    again = read_mixed_often(tmp_path / "again.npz")
    for key in KEPT:
        np.testing.assert_array_equal(getattr(again, key), getattr(shipped, key)[:, :2])
    assert again.tracks == shipped.tracks and again.engineers == shipped.engineers


def test_its_hash_is_in_the_repository() -> None:
    sums = dict(reversed(line.split()) for line in (DATA / "SHA256SUMS").read_text(encoding="utf-8").splitlines())
    assert sums["mixed_often.npz"] == hashlib.sha256((DATA / "mixed_often.npz").read_bytes()).hexdigest()
