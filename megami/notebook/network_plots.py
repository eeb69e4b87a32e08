"""Pictures of the generator: what its tracks look at, and the shapes that pass through it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PatchCollection
from matplotlib.patches import FancyBboxPatch, Rectangle

from megami.errors import UserError
from megami.generator import Stage
from megami.notebook.figures import PageFigure, Sheet, figure
from megami.notebook.palette import COLOURS, GRID, INK, QUIET


def plot_attention(
    panels: Mapping[str, np.ndarray], names: Sequence[str], rows: str = "this track looks at ...", *, alt: str
) -> PageFigure:
    """Who looks at whom: one square of tracks by tracks for each panel, the darker the more.

    panels: title -> shares [tracks, tracks] of 0 or more, rows look at columns. names: of the tracks. rows: what a row
    is; other tables of tracks by tracks can be drawn, too. alt: what there is to see. Raises UserError for shares of
    another shape.
    """
    shares = {title: np.asarray(matrix, dtype=np.float64) for title, matrix in panels.items()}
    if any(matrix.shape != (len(names), len(names)) for matrix in shares.values()):
        raise UserError(f"{len(names)} names, so every panel is [{len(names)}, {len(names)}]")
    strongest = max((float(matrix.max()) for matrix in shares.values()), default=1.0) or 1.0

    def draw(sheet: Sheet) -> None:
        axes = sheet.axes(len(shares), 1) if sheet.narrow else sheet.axes(1, len(shares), sharey=True)
        for number, (axis, (title, matrix)) in enumerate(zip(axes.flat, shares.items(), strict=True)):
            _squares(axis, matrix, strongest)
            axis.set_title(title)
            axis.set_xticks(range(len(names)), names, rotation=55, ha="right", rotation_mode="anchor")
            axis.set_yticks(range(len(names)), names)
            if number == 0 or sheet.narrow:
                axis.set_ylabel(rows)

    side = 130 + 26 * len(names)
    return figure(draw, alt=alt, height_px=side, narrow_height_px=side * len(shares))


def _squares(axis: Axes, matrix: np.ndarray, strongest: float) -> None:
    count = len(matrix)
    corners = [(column - 0.5, row - 0.5) for row, column in np.ndindex(count, count)]
    squares = [Rectangle(corner, 1, 1) for corner in corners]
    # One collection each: a patch of its own for every square takes ten times as long.
    alphas = np.clip(matrix.reshape(-1) / strongest, 0, 1)
    axis.add_collection(PatchCollection(squares, facecolor=COLOURS[1], alpha=alphas, edgecolor="none"))
    edges = np.arange(count + 1) - 0.5
    low, high = -0.5, count - 0.5
    lines = [[(edge, low), (edge, high)] for edge in edges] + [[(low, edge), (high, edge)] for edge in edges]
    axis.add_collection(LineCollection(lines, colors=GRID, linewidths=0.6))
    axis.grid(False)
    axis.set_xlim(-0.5, count - 0.5)
    axis.set_ylim(count - 0.5, -0.5)
    axis.set_aspect("equal")
    axis.tick_params(length=0)
    for side in axis.spines.values():
        side.set_visible(False)


def plot_shapes(stages: Sequence[Stage], words: Mapping[str, str], repeats: int, *, alt: str) -> PageFigure:
    """The way through a network, from `trace_shapes`: a box for each stage, with the shape that leaves it.

    words: name of a stage -> what it does, in a few words; only those are drawn, in the order of the way. The parts of
    "blocks.0" get a frame, beside which stands how often the block is repeated. alt: what there is to see. Raises
    UserError for a name that no stage has.
    """
    known = {stage.name: stage for stage in stages}
    if missing := [name for name in words if name not in known]:
        raise UserError(f"no stage of this network is called {missing[0]!r}")
    shown = [stage for stage in stages if stage.name in words]
    rows = [shown[0].given, *(stage.answer for stage in shown)]

    def draw(sheet: Sheet) -> None:
        axis = sheet.axis()
        axis.set_axis_off()
        axis.set_xlim(0, 1)
        axis.set_ylim(len(rows) - 0.3, -0.6)
        size = 10.0 if sheet.narrow else 12.0
        axis.text(0.05, 0, "noisy embeddings", va="center", ha="left", fontsize=size)
        _shape(axis, 0, rows[0], size)
        for row, stage in enumerate(shown, start=1):
            look: dict[str, Any] = {
                "facecolor": "none",
                "edgecolor": _colour(stage.kind),
                "linewidth": 1.6,
                "mutation_aspect": 14,
            }
            box = FancyBboxPatch((0.05, row - 0.3), 0.55, 0.6, boxstyle="round,pad=0,rounding_size=0.015", **look)
            axis.add_patch(box)
            axis.text(0.07, row, words[stage.name], va="center", ha="left", fontsize=size)
            _shape(axis, row, stage.answer, size)
            axis.annotate("", (0.325, row - 0.3), (0.325, row - 0.7 if row > 1 else row - 0.75),
                          arrowprops={"arrowstyle": "->", "color": QUIET, "linewidth": 1.0})  # fmt: skip
        inside = [row for row, stage in enumerate(shown, start=1) if stage.name.startswith("blocks.0")]
        if inside:
            top, height = inside[0] - 0.43, inside[-1] - inside[0] + 0.86
            axis.add_patch(
                Rectangle((0.0, top), 0.65, height, fill=False, edgecolor=QUIET, linestyle="--", linewidth=1)
            )
            times = f"\N{MULTIPLICATION SIGN} {repeats}"
            axis.text(0.665, top + height / 2, times, ha="left", va="center", fontsize=size, color=QUIET)

    height_px = 52 * len(rows)
    return figure(draw, alt=alt, height_px=height_px, narrow_height_px=height_px)


def _shape(axis: Axes, row: int, shape: tuple[int, ...], size: float) -> None:
    numbers = " \N{MULTIPLICATION SIGN} ".join(map(str, shape))
    axis.text(1.0, row, numbers, va="center", ha="right", fontsize=size, color=INK, fontweight="bold")


def _colour(kind: str) -> str:
    """Attention in blue, what a token does alone in green, what only carries over in grey."""
    if "Attention" in kind:
        return COLOURS[1]
    return COLOURS[3] if kind == "FeedForward" else COLOURS[0]
