"""Box plots of ratings: how the answers themselves are spread, not how surely their mean is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes

from megami.errors import UserError
from megami.notebook.figures import PageFigure, Sheet, figure
from megami.notebook.listening_results import ListeningResults
from megami.notebook.palette import COLOURS, INK, PAPER
from megami.notebook.result_plots import OURS

WHISKER = 1.5  # a whisker ends at the last answer within so many lengths of the box (Tukey 1977)


def plot_rating_boxes(
    results: ListeningResults,
    systems: Sequence[str] | None = None,
    system_of: Mapping[str, str] | None = None,
    highlight: str = "MEGAMI",
    *,
    alt: str,
) -> PageFigure:
    """Box plots of all ratings: a panel for each question, a box for each system.

    The box spans the middle half of the answers, the line in it is their median, the dot their mean. Whiskers reach the
    last answer within 1.5 lengths of the box; answers beyond are drawn one by one. Repeated versions count once.
    systems: in their order from above; left out, as they appear. system_of: version in the results -> system, where
    several versions are by one. alt: what there is to see. Raises UserError if there is nothing to plot.
    """
    named = system_of or {}
    found: dict[str, dict[str, list[float]]] = {}
    for row in results.ratings:
        if not row.repeat:
            by_system = found.setdefault(row.question, {})
            by_system.setdefault(named.get(row.system, row.system), []).append(row.rating)
    if not found:
        raise UserError("there are no ratings to plot")
    shown = list(systems or dict.fromkeys(system for boxes in found.values() for system in boxes))

    def draw(sheet: Sheet) -> None:
        shape = (len(found), 1) if sheet.narrow else (1, len(found))
        for axis, (question, boxes) in zip(
            sheet.axes(*shape, sharey=not sheet.narrow).flat, found.items(), strict=True
        ):
            for line, system in enumerate(shown):
                if system in boxes:
                    _box(axis, line, np.array(boxes[system]), OURS if system == highlight else COLOURS[1])
            axis.set(xlim=(-2, 102), xlabel="rating (0 to 100)", title=question)
            axis.set_yticks(range(len(shown)), shown)
            axis.set_ylim(len(shown) - 0.5, -0.5)
            axis.tick_params(axis="y", length=0)

    height = 90 + 38 * len(shown)
    return figure(draw, alt=alt, height_px=height, narrow_height_px=height * len(found))


def _box(axis: Axes, line: int, values: np.ndarray, colour: str) -> None:
    low, middle, high = np.quantile(values, [0.25, 0.5, 0.75])
    reach = WHISKER * (high - low)
    inside = values[(values >= low - reach) & (values <= high + reach)]
    beyond = values[(values < low - reach) | (values > high + reach)]
    axis.plot([inside.min(), inside.max()], [line, line], color=colour, linewidth=1.5)
    axis.barh(line, high - low, left=low, height=0.5, color=PAPER)  # hides the whisker
    axis.barh(line, high - low, left=low, height=0.5, color=colour, alpha=0.35, edgecolor=colour, linewidth=1.5)
    axis.plot([middle, middle], [line - 0.25, line + 0.25], color=INK, linewidth=2.5, solid_capstyle="butt")
    axis.plot(values.mean(), line, "o", color=colour, markersize=7, markeredgecolor=PAPER)
    axis.plot(beyond, np.full(len(beyond), line), ".", color=colour, markersize=6)
