"""Figures of a listening test: how each system was rated, and how strong it is in comparisons."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes

from megami.errors import UserError
from megami.notebook.figures import PageFigure, Sheet, figure
from megami.notebook.listening_summary import Interval, ListeningSummary, Strength, SystemRating
from megami.notebook.palette import COLOURS, PAPER, QUIET
from megami.notebook.result_plots import OURS


def plot_listening(
    summary: ListeningSummary, systems: dict[str, str] | None = None, highlight: str = "megami", *, alt: str
) -> PageFigure:
    """One panel per question, one line per system: the mean with its interval, and a pale dot for each participant.

    Questions of comparisons have panels of Bradley-Terry strengths. systems: names in the results -> words beside the
    axes, in their order; left out, all systems as they are called. alt: what there is to see. Raises UserError if there
    is nothing to plot, or a system is unknown.
    """
    rows: list[SystemRating | Strength] = [*summary.ratings, *summary.strengths]
    panels = list(dict.fromkeys((type(row), row.question) for row in rows))  # a name may stand for one of each
    known = sorted({row.system for row in rows})
    if not panels:
        raise UserError("there are no ratings and no strengths to plot")
    shown = systems or {name: name for name in known}
    for name in shown:
        if name not in known:
            raise UserError(f"the listening test had no system {name!r}, but {', '.join(known)}")

    def draw(sheet: Sheet) -> None:
        shape = (len(panels), 1) if sheet.narrow else (1, len(panels))
        for axis, (kind, question) in zip(sheet.axes(*shape, sharey=not sheet.narrow).flat, panels, strict=True):
            own = {row.system: row for row in rows if isinstance(row, kind) and row.question == question}
            _panel(axis, question, own, shown, highlight)

    height = 80 + 32 * len(shown)
    return figure(draw, alt=alt, height_px=height, narrow_height_px=height * len(panels))


def _panel(
    axis: Axes,
    question: str,
    rows: Mapping[str, SystemRating | Strength],
    systems: dict[str, str],
    highlight: str,
) -> None:
    """One question: a line per system."""
    for line, system in enumerate(systems):
        row = rows.get(system)
        colour = OURS if system == highlight else COLOURS[1]
        if isinstance(row, SystemRating):
            _dots(axis, line, row, colour)
        if row is not None:
            _line(axis, line, row.mean if isinstance(row, SystemRating) else row.strength, colour)
    if any(isinstance(row, SystemRating) for row in rows.values()):
        axis.set_xlim(-2, 102)
        axis.set_xlabel("rating (0 to 100)")
    else:
        axis.axvline(0, color=QUIET, linewidth=0.9, zorder=0)
        axis.set_xlabel("log odds against an average system")
    axis.set_title(question)
    axis.set_yticks(range(len(systems)), list(systems.values()))
    axis.set_ylim(len(systems) - 0.5, -0.5)
    axis.tick_params(axis="y", length=0)


def _dots(axis: Axes, line: int, row: SystemRating, colour: str) -> None:
    """The participants' means, spread a little so that equal ones are seen."""
    values = list(row.by_participant.values())
    up = line + 0.16 * (np.arange(len(values)) % 3 - 1)
    axis.plot(values, up, "o", color=colour, alpha=0.28, markersize=5, markeredgewidth=0)


def _line(axis: Axes, line: int, found: Interval, colour: str) -> None:
    axis.plot([found.low, found.high], [line, line], color=colour, linewidth=3, alpha=0.6, solid_capstyle="round")
    axis.plot(found.value, line, "o", color=colour, markersize=8, markeredgecolor=PAPER)
