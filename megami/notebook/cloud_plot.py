"""Clouds of points side by side, each over the points that it should resemble."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import PathPatch
from matplotlib.path import Path

from megami.errors import UserError
from megami.notebook.figures import PageFigure, Sheet, figure
from megami.notebook.palette import COLOURS, INK

_MOST_POINTS = 400  # of each cloud, so that pages stay light


def plot_clouds(
    clouds: Mapping[str, np.ndarray],
    reference: np.ndarray,
    title: str = "",
    *,
    labels: tuple[str, str] = ("", ""),
    limits: tuple[float, float, float, float],
    columns: int = 3,
    alt: str,
) -> PageFigure:
    """A panel for each cloud: its points in colour, those of the reference in grey, and the cloud's mean as a cross.

    clouds: title -> points [n, 2]; reference: [m, 2]; of each, the first 400 are drawn. labels: of the axes, with
    units. limits: (left, right, bottom, top); the title of a panel counts the points beyond them. alt: what there is to
    see. Raises UserError for points of other shapes.
    """
    for name, points in {**clouds, "the reference": reference}.items():
        if np.ndim(points) != 2 or np.shape(points)[1] != 2:
            raise UserError(f"{name}: expected points [n, 2], got {list(np.shape(points))}")
    wide_columns = min(columns, len(clouds))
    wide_rows = math.ceil(len(clouds) / wide_columns)

    def draw(sheet: Sheet) -> None:
        across = min(2, len(clouds)) if sheet.narrow else wide_columns
        axes = sheet.axes(math.ceil(len(clouds) / across), across, sharex=True, sharey=True)
        for axis in axes.flat[len(clouds) :]:
            axis.set_visible(False)
        for axis, (name, points) in zip(axes.flat, clouds.items(), strict=False):
            draw_dots(axis, reference[:_MOST_POINTS], COLOURS[0], 2.5)
            draw_dots(axis, points[:_MOST_POINTS], COLOURS[1], 3.2)
            axis.plot(*np.mean(points, axis=0), "+", color=INK, markersize=11, markeredgewidth=2)
            axis.set(xlim=limits[:2], ylim=limits[2:])
            axis.set_title(name + _beyond(points, limits))
        sheet.figure.supxlabel(labels[0])
        sheet.figure.supylabel(labels[1])

    narrow_rows = math.ceil(len(clouds) / 2)
    return figure(draw, title, alt=alt, height_px=40 + 215 * wide_rows, narrow_height_px=45 + 170 * narrow_rows)


def draw_dots(axis: Axes, points: np.ndarray, colour: str, size: float = 3.0) -> None:
    """Draw points [n, 2] as dots of `size` pixels, in a fifth of the characters that markers take.

    All dots are one path of strokes that go nowhere, with round ends. The limits of the axes are left as they are.
    """
    places = np.asarray(points, dtype=float)
    vertices = np.repeat(places, 2, axis=0)
    codes = np.tile([Path.MOVETO, Path.LINETO], len(places))
    path = Path(vertices, codes)
    path.should_simplify = False  # which would drop strokes of no length
    patch = PathPatch(path, fill=False, edgecolor=colour, linewidth=size, capstyle="round", alpha=0.75)
    axis.add_artist(patch)  # not add_patch, which would move the limits


def _beyond(points: np.ndarray, limits: tuple[float, float, float, float]) -> str:
    """How many points lie outside the picture, in words; nothing if all are in it."""
    low, high = np.array(limits[::2]), np.array(limits[1::2])
    outside = int(((points < low) | (points > high)).any(axis=1).sum())
    return f"\n({outside} of {len(points)} outside)" if outside else ""
