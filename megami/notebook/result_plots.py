"""Figures of the evaluation, drawn from its rows: intervals of distances, reach, sampler study, a map of mixes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from megami.errors import UserError
from megami.evaluation.results import Kind, Row
from megami.evaluation.sampler_study import CHURNS, DISTANCE, EVALUATIONS, SOLVERS, way_name
from megami.notebook.figures import PageFigure, Sheet, figure
from megami.notebook.palette import COLOURS, GRID, INK, PAPER, QUIET
from megami.notebook.plots import MARKERS

OURS = COLOURS[2]
OTHERS = ((OURS, "X"), (INK, "P"), (COLOURS[0], "s"))
"""Colour and marker of what lies on a map beside the engineers."""


def find(rows: Sequence[Row], system: str, metric: str, kind: Kind = "interval") -> Row:
    """The row of a system and metric that is of this kind; raises UserError if there is none."""
    for row in rows:
        if (row.system, row.metric, row.kind) == (system, metric, kind):
            return row
    raise UserError(f"the results have no {kind} of {metric!r} for {system!r}: make them anew with megami evaluate")


def plot_intervals(
    rows: Sequence[Row],
    systems: dict[str, str],
    metrics: dict[str, str],
    highlight: str = "megami",
    linear: float = 1.0,
    *,
    alt: str,
) -> PageFigure:
    """One panel per metric, one line per system: value and 95 % interval over songs.

    systems and metrics: names in the rows -> words beside the axes. Distances differ by orders of magnitude, so the
    axis is linear up to `linear` and logarithmic beyond; 0 disables that. alt: what there is to see.
    """

    def draw(sheet: Sheet) -> None:
        panels = (len(metrics), 1) if sheet.narrow else (1, len(metrics))
        axes = sheet.axes(*panels, sharey=True)
        for axis, (metric, title) in zip(axes.flat, metrics.items(), strict=True):
            for line, system in enumerate(systems):
                row = find(rows, system, metric)
                colour = OURS if system == highlight else COLOURS[1]
                ends = [row.low, row.high]
                axis.plot(ends, [line, line], color=colour, linewidth=3, alpha=0.45, solid_capstyle="round")
                axis.plot(row.value, line, "o", color=colour, markersize=7, markeredgecolor=PAPER)
            if linear:
                axis.set_xscale("symlog", linthresh=linear)
                axis.axvline(0, color=QUIET, linewidth=0.9, zorder=0)
            axis.set_title(title)
            axis.set_yticks(range(len(systems)), list(systems.values()))
            axis.set_ylim(len(systems) - 0.5, -0.5)
            axis.tick_params(axis="y", length=0)

    line_px = 25
    narrow_px = len(metrics) * (50 + line_px * len(systems))
    return figure(draw, alt=alt, height_px=70 + line_px * len(systems), narrow_height_px=narrow_px)


def plot_reach(
    rows: Sequence[Row], systems: dict[str, str], highlight: str = "megami", suffix: str = "_of_style", *, alt: str
) -> PageFigure:
    """Coverage against precision: up and to the right is where the engineers are.

    suffix: "" for the whole space. alt: what there is to see.
    """
    colours = [colour for colour in COLOURS if colour != OURS]

    def draw(sheet: Sheet) -> None:
        axis = sheet.axis()
        for index, (system, title) in enumerate(systems.items()):
            across, up = find(rows, system, f"precision{suffix}"), find(rows, system, f"coverage{suffix}")
            colour = OURS if system == highlight else colours[index % len(colours)]
            axis.errorbar(
                across.value, up.value, xerr=[[across.value - across.low], [across.high - across.value]],
                yerr=[[up.value - up.low], [up.high - up.value]], fmt=MARKERS[index % len(MARKERS)], color=colour,
                markeredgecolor=PAPER, elinewidth=1.5, alpha=0.9, label=title,
            )  # fmt: skip
        axis.set_xlim(-0.05, 1.05)
        axis.set_ylim(-0.05, 1.05)
        meaning = "" if sheet.narrow else " that some engineer would make"
        axis.set_xlabel(f"precision: share of mixes{meaning}")
        axis.set_ylabel("coverage: share of engineers reached")
        sheet.legend(axis, beside=True)

    lines = (len(systems) + 1) // 2
    return figure(draw, alt=alt, width_px=680, height_px=380, narrow_height_px=330 + 18 * lines)


def plot_sampler_study(rows: Sequence[Row], *, alt: str) -> PageFigure:
    """Energy distance of drawn plans to the engineers' against network evaluations, without and with churn.

    alt: what there is to see.
    """

    def draw(sheet: Sheet) -> None:
        panels = (len(CHURNS), 1) if sheet.narrow else (1, len(CHURNS))
        axes = sheet.axes(*panels, sharey=True)
        for axis, churn in zip(axes.flat, CHURNS, strict=True):
            for index, solver in enumerate(SOLVERS):
                drawn = [find(rows, way_name(solver, churn, 1.0, n), DISTANCE) for n in EVALUATIONS]
                axis.plot(
                    EVALUATIONS, [row.value for row in drawn], marker=MARKERS[index], color=COLOURS[index + 1],
                    label=solver, markeredgecolor=PAPER, markersize=7,
                )  # fmt: skip
            best = find(rows, way_name("euler", churn, 1.0, EVALUATIONS[-1]), DISTANCE)
            axis.axhspan(best.low, best.high, color=GRID, alpha=0.8, zorder=0)
            axis.set_xscale("log")
            if axis.dataLim.ymax > 1:  # far outliers beside small distances
                axis.set_yscale("symlog", linthresh=1.0)
            axis.set_xticks(EVALUATIONS, [str(n) for n in EVALUATIONS])
            axis.minorticks_off()
            axis.set_title("no churn" if churn == 0 else f"churn {churn:g}")
            if sheet.narrow or axis is axes.flat[0]:
                axis.set_ylabel("energy distance of plans")
            if not sheet.narrow or axis is axes.flat[-1]:
                axis.set_xlabel("network evaluations for a mix")
        axes.flat[0].legend()

    return figure(draw, alt=alt, height_px=290, narrow_height_px=480)


def map_places(groups: dict[str, np.ndarray], fit_to: Sequence[str]) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Places [mixes, 2] of each group on the plane where those of `fit_to` differ most, as `plot_mix_map` draws them.

    groups: name -> descriptors [mixes, d]. The second answer [2] is the share of their differences in each direction.
    """
    fitted = np.concatenate([groups[name] for name in fit_to])
    centre = fitted.mean(0)
    _, strength, directions = np.linalg.svd(fitted - centre, full_matrices=False)
    shares = strength[:2] ** 2 / (strength**2).sum()
    return {name: (points - centre) @ directions[:2].T for name, points in groups.items()}, shares


def plot_mix_map(groups: dict[str, np.ndarray], fit_to: Sequence[str], *, alt: str) -> PageFigure:
    """Mixes as points on the plane in which those of `fit_to` differ most (principal components).

    groups: name -> descriptors [mixes, d], on one scale. Those of `fit_to` are discs; up to three others have a colour
    and a marker each, and the first has MEGAMI's colour of the other figures. alt: what there is to see.
    """
    places, share = map_places(groups, fit_to)
    engineers = [name for name in groups if name in fit_to]

    others = [name for name in groups if name not in fit_to]
    discs = [colour for colour in COLOURS[1:] if colour != OURS]

    def draw(sheet: Sheet) -> None:
        axis = sheet.axis()
        size = 0.6 if sheet.narrow else 1.0
        for name, (x, y) in ((name, found.T) for name, found in places.items()):
            if name in fit_to:
                colour = discs[engineers.index(name) % len(discs)]
                axis.scatter(x, y, s=110 * size, marker="o", color=colour, alpha=0.55, edgecolor=PAPER, label=name)
            else:
                colour, marker = OTHERS[others.index(name) % len(OTHERS)]
                axis.scatter(x, y, s=70 * size, marker=marker, color=colour, edgecolor=PAPER, label=name, linewidth=0.8)
        axis.set_xlabel(f"first direction ({share[0]:.0%} of the engineers' differences)")
        axis.set_ylabel(f"second direction ({share[1]:.0%})")
        sheet.legend(axis, beside=True)

    lines = (len(groups) + 1) // 2
    return figure(draw, alt=alt, height_px=400, narrow_height_px=320 + 18 * lines)
