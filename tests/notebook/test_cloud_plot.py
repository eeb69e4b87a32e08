"""Clouds and arrows: what is drawn is what was given, in few characters."""

from __future__ import annotations

import re

import numpy as np
import pytest

from megami.errors import UserError
from megami.notebook import animation, arrow_lines, figure, plot_clouds
from megami.notebook.cloud_plot import draw_dots

LIMITS = (-3.0, 3.0, -3.0, 3.0)
WORDS = "A cloud of points beside another cloud of points."


def cloud(count: int, seed: int = 0) -> np.ndarray:
    return np.clip(np.random.default_rng(seed).normal(size=(count, 2)), -2.9, 2.9)


def test_each_cloud_has_a_panel_with_its_name_and_mean():
    made = plot_clouds({"one": cloud(50), "two": cloud(50, 1)}, cloud(80, 2), limits=LIMITS, alt=WORDS)
    axes = made.figure.axes
    assert [axis.get_title(loc="left") for axis in axes] == ["one", "two"]
    for axis, seed in zip(axes, (0, 1), strict=True):
        (mean,) = axis.lines
        np.testing.assert_allclose(np.ravel(mean.get_data()), cloud(50, seed).mean(0))
        reference, points = axis.patches
        np.testing.assert_allclose(reference.get_path().vertices[::2], cloud(80, 2))
        np.testing.assert_allclose(points.get_path().vertices[::2], cloud(50, seed))
        assert axis.get_xlim() == LIMITS[:2] and axis.get_ylim() == LIMITS[2:]


def test_points_beyond_the_picture_are_counted():
    points = cloud(10)
    points[:3] += 10
    made = plot_clouds({"wild": points}, cloud(10), limits=LIMITS, alt=WORDS)
    assert made.figure.axes[0].get_title(loc="left") == "wild\n(3 of 10 outside)"


def test_dots_are_one_path_of_strokes_that_go_nowhere():
    def draw(sheet):
        axis = sheet.axis()
        axis.set(xlim=(-3, 3), ylim=(-3, 3))
        draw_dots(axis, cloud(200), "#0d6ecb", 4)
        assert axis.get_xlim() == (-3, 3)

    html = figure(draw, alt=WORDS).html
    dots = re.findall(r'd="((?:M-?[\d.]+ -?[\d.]+h0 ?)+)"', html)
    assert len(dots) == 2  # the wide drawing, and the one for a phone
    assert all(path.count("h0") == 200 and len(path) < 20 * 200 for path in dots)
    assert re.search(r"stroke-linecap: round", html)


@pytest.mark.parametrize("points", [np.zeros(4), np.zeros((4, 3))])
def test_other_shapes_are_refused(points):
    with pytest.raises(UserError, match="one"):
        plot_clouds({"one": points}, cloud(5), limits=LIMITS, alt=WORDS)


def test_an_arrow_goes_from_its_start_to_its_tip_and_has_a_head():
    starts, vectors = np.array([[0.0, 0.0], [1.0, 1.0]]), np.array([[[2.0, 0.0], [0.0, -1.0]]])
    lines = arrow_lines(starts, vectors)
    assert lines.shape == (1, 12, 2)
    first, second = lines[0].reshape(2, 6, 2)
    np.testing.assert_allclose(first[0], [0, 0])
    for arrow, tip, start in ((first, [2, 0], [0, 0]), (second, [1, 0], [1, 1])):
        np.testing.assert_allclose(arrow[[1, 3]], [tip, tip])
        assert np.isnan(arrow[5]).all()
        sides = arrow[[2, 4]]
        # Both sides lie behind the tip, as far from it as each other, on either side of the shaft.
        behind = (sides - tip) @ (np.array(tip) - start)
        assert (behind < 0).all() and np.isclose(*behind)
        across = sides - tip
        assert across[0, 0] * across[1, 1] - across[0, 1] * across[1, 0] != 0


def test_arrows_can_be_animated():
    starts, vectors = cloud(6), np.stack([cloud(6, seed) for seed in (1, 2, 3)])
    widget = animation({}, lines={"field": arrow_lines(starts, vectors)}, description="Arrows that turn.")
    assert "Arrows that turn." in widget.html


@pytest.mark.parametrize("starts, vectors", [((3,), (2, 3, 2)), ((3, 2), (3, 2)), ((3, 2), (2, 4, 2))])
def test_arrows_of_other_shapes_are_refused(starts, vectors):
    with pytest.raises(UserError, match="arrows need"):
        arrow_lines(np.zeros(starts), np.zeros(vectors))
