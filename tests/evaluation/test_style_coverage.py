"""Coverage, precision, agreement and panning, on mixes whose answer is known."""

import numpy as np
import pytest

from megami.evaluation.measures.descriptors import LEVEL, NAMES, PAN
from megami.evaluation.measures.style_coverage import (
    Heard,
    Scale,
    agreement,
    coverage,
    level_distance_db,
    mix_distances,
    panning_balance,
    precision,
    same_engineer_radius,
    share_near,
    style_directions,
    vectors,
)

STYLES = np.array(["a", "b", "c", "a", "b", "c"])
D = len(NAMES)


def mixes(styles, seed, tracks=4, noise=0.1):
    """Mixes in which every track follows one of three far-apart ways: by mix, or by track where a row says so."""
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(9).normal(0, 3, (3, D))
    number = np.array([["abc".index(letter) for letter in row] for row in styles])
    number = np.broadcast_to(number, (len(styles), tracks))
    parts = centres[number] + rng.normal(0, noise, (len(styles), tracks, D))
    return Heard(parts, parts.mean(1), rng.normal(0, 1, len(styles)))


@pytest.fixture
def space():
    reference = [mixes(STYLES, 0)]
    scale = Scale.of(reference)
    radius = same_engineer_radius(reference, [mixes(STYLES, 1)], [STYLES], [STYLES], scale)
    return reference[0], scale, radius


def test_all_styles_cover_and_one_style_covers_a_third(space):
    reference, scale, radius = space
    assert coverage(mixes(STYLES, 2), reference, STYLES, scale, 1.5 * radius) == 1.0
    assert coverage(mixes(["b"] * 5, 2), reference, STYLES, scale, 1.5 * radius) == pytest.approx(1 / 3)


def test_the_mean_of_all_mixes_is_like_none(space):
    reference, scale, radius = space
    middle = Heard(reference.tracks.mean(0, keepdims=True), reference.mixes.mean(0, keepdims=True), np.zeros(1))
    assert precision(middle, reference, scale, 1.5 * radius) == 0
    assert coverage(middle, reference, STYLES, scale, 1.5 * radius) == 0
    assert precision(mixes(STYLES, 3), reference, scale, 1.5 * radius) == 1


def test_along_the_styles_other_faults_do_not_count(space):
    reference, scale, _ = space
    plane = style_directions(reference, STYLES, scale)
    radius = same_engineer_radius([reference], [mixes(STYLES, 1)], [STYLES], [STYLES], scale, [plane])
    points = vectors(reference, scale)
    assert plane.shape == (2, points.shape[1]) and np.allclose(plane @ plane.T, np.eye(2))
    moved = mixes(STYLES, 2)
    fault = np.random.default_rng(3).normal(0, 1, moved.tracks.shape[1:])
    fault -= (plane[:, : fault.size].T @ (plane[:, : fault.size] @ fault.ravel())).reshape(fault.shape)
    moved.tracks[:] += 5 * fault * scale.tracks
    assert precision(moved, reference, scale, 1.5 * radius) == 0
    whole = mix_distances(moved, reference, scale)
    assert (mix_distances(moved, reference, scale, plane) < whole).all()


def test_tracks_by_different_engineers_do_not_agree(space):
    reference, scale, _ = space
    assert agreement(mixes(["a", "c"], 4), reference, STYLES, scale) == 1
    assert agreement(mixes(["aabb", "abca"], 4), reference, STYLES, scale) == 0.5


def test_panning_that_answers_and_panning_to_one_side():
    heard = mixes(["a"], 0, noise=0)
    heard.tracks[..., LEVEL], heard.tracks[..., PAN] = -20, 0
    heard.tracks[0, :, PAN] = [5, -5, 0, 0]
    assert panning_balance(heard) == pytest.approx(1)
    heard.tracks[0, :, PAN] = [5, 5, 0.5, 0]
    assert panning_balance(heard) == pytest.approx(0)
    heard.tracks[0, :, PAN] = [5, 0, 0, 0]
    assert np.isnan(panning_balance(heard))


def test_level_distance_is_the_shift_between_sets():
    a = np.random.default_rng(0).normal(0, 2, 500)
    assert level_distance_db(a, a + 3) == pytest.approx(3, abs=1e-9)
    assert level_distance_db(a, a[::-1]) == 0


def test_one_near_reference_is_enough_for_a_mix():
    distances = np.array([[0.2, 5.0], [3.0, 0.9], [3.0, 2.0]])
    assert [share_near(distances, radius) for radius in (0.1, 0.2, 1.0, 2.5)] == pytest.approx([0, 1 / 3, 2 / 3, 1])
