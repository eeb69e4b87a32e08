"""Clouds of points side by side, each over the points that it should resemble."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from megami.errors import UserError
from megami.notebook.figures import PageFigure, Sheet, figure
from megami.notebook.palette import COLOURS, INK

_MOST_POINTS = 250  # of each cloud, so that pages stay light


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

    clouds: title -> points [n, 2]; reference: [m, 2]; of each, 250 are drawn. labels: of the axes, with units. limits:
    (left, right, bottom, top); the title of a panel counts the points beyond them. alt: what there is to see. Raises
    UserError for points of other shapes.
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
            axis.plot(*_some(reference).T, "o", color=COLOURS[0], markersize=2.5, markeredgewidth=0, alpha=0.5)
            axis.plot(*_some(points).T, "o", color=COLOURS[1], markersize=3.2, markeredgewidth=0, alpha=0.75)
            axis.plot(*np.mean(points, axis=0), "+", color=INK, markersize=11, markeredgewidth=2)
            axis.set(xlim=limits[:2], ylim=limits[2:])
            axis.set_title(name + _beyond(points, limits))
        sheet.figure.supxlabel(labels[0])
        sheet.figure.supylabel(labels[1])

    narrow_rows = math.ceil(len(clouds) / 2)
    return figure(draw, title, alt=alt, height_px=40 + 215 * wide_rows, narrow_height_px=45 + 170 * narrow_rows)


def _some(points: np.ndarray) -> np.ndarray:
    return np.asarray(points)[:_MOST_POINTS]


def _beyond(points: np.ndarray, limits: tuple[float, float, float, float]) -> str:
    """How many points lie outside the picture, in words; nothing if all are in it."""
    low, high = np.array(limits[::2]), np.array(limits[1::2])
    outside = int(((points < low) | (points > high)).any(axis=1).sum())
    return f"\n({outside} of {len(points)} outside)" if outside else ""
