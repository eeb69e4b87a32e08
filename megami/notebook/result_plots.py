"""Figures of the evaluation, drawn from its rows: intervals of distances, reach, sampler study, a map of mixes."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from megami.errors import UserError
from megami.evaluation.results import Kind, Row
from megami.evaluation.sampler_study import CHURNS, DISTANCE, EVALUATIONS, SOLVERS, way_name
from megami.notebook.plots import COLOURS, GRID, INK, MARKERS, QUIET, finished, light_figure

OURS = "#d55e00"
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
) -> Figure:
    """One panel per metric, one line per system: value and 95 % interval over songs.

    systems and metrics: names in the rows -> words beside the axes. Distances differ by orders of magnitude, so the
    axis is linear up to `linear` and logarithmic beyond; 0 disables that.
    """
    figure, axes = light_figure(1, len(metrics), (9.6, 1.2 + 0.34 * len(systems)), sharey=True)
    for axis, (metric, title) in zip(axes[0], metrics.items(), strict=True):
        for line, system in enumerate(systems):
            row = find(rows, system, metric)
            colour = OURS if system == highlight else COLOURS[1]
            axis.plot([row.low, row.high], [line, line], color=colour, linewidth=3, alpha=0.45, solid_capstyle="round")
            axis.plot(row.value, line, "o", color=colour, markersize=7, markeredgecolor="white")
        if linear:
            axis.set_xscale("symlog", linthresh=linear)
            axis.axvline(0, color=QUIET, linewidth=0.9, zorder=0)
        axis.set_title(title, loc="left", color=INK, fontsize=10)
        axis.set_yticks(range(len(systems)), list(systems.values()))
        axis.set_ylim(len(systems) - 0.5, -0.5)
        axis.tick_params(axis="y", length=0)
    return finished(figure)


def plot_reach(
    rows: Sequence[Row], systems: dict[str, str], highlight: str = "megami", suffix: str = "_of_style"
) -> Figure:
    """Coverage against precision: up and to the right is where the engineers are. suffix: "" for the whole space."""
    figure, axes = light_figure(1, 1, (6.4, 4.6))
    axis = axes[0, 0]
    colours = [colour for colour in COLOURS if colour != OURS]
    for index, (system, title) in enumerate(systems.items()):
        across, up = find(rows, system, f"precision{suffix}"), find(rows, system, f"coverage{suffix}")
        colour = OURS if system == highlight else colours[index % len(colours)]
        axis.errorbar(
            across.value, up.value, xerr=[[across.value - across.low], [across.high - across.value]],
            yerr=[[up.value - up.low], [up.high - up.value]], fmt=MARKERS[index % len(MARKERS)], color=colour,
            markersize=9, markeredgecolor="white", elinewidth=1.5, alpha=0.9, label=title,
        )  # fmt: skip
    axis.set_xlim(-0.05, 1.05)
    axis.set_ylim(-0.05, 1.05)
    axis.set_xlabel("precision: share of mixes that some engineer would make")
    axis.set_ylabel("coverage: share of engineers reached")
    axis.legend(frameon=False, fontsize=9, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return finished(figure)


def plot_sampler_study(rows: Sequence[Row]) -> Figure:
    """Energy distance of drawn plans to the engineers' against network evaluations, without and with churn."""
    figure, axes = light_figure(1, len(CHURNS), (9.6, 3.8), sharey=True)
    for axis, churn in zip(axes[0], CHURNS, strict=True):
        for index, solver in enumerate(SOLVERS):
            drawn = [find(rows, way_name(solver, churn, 1.0, n), DISTANCE) for n in EVALUATIONS]
            axis.plot(
                EVALUATIONS, [row.value for row in drawn], marker=MARKERS[index], color=COLOURS[index + 1],
                label=solver, markeredgecolor="white", markersize=7,
            )  # fmt: skip
        best = find(rows, way_name("euler", churn, 1.0, EVALUATIONS[-1]), DISTANCE)
        axis.axhspan(best.low, best.high, color=GRID, alpha=0.8, zorder=0)
        axis.set_xscale("log")
        if axis.dataLim.ymax > 1:  # far outliers beside small distances
            axis.set_yscale("symlog", linthresh=1.0)
        axis.set_xticks(EVALUATIONS, [str(n) for n in EVALUATIONS])
        axis.minorticks_off()
        axis.set_xlabel("network evaluations for a mix")
        axis.set_title("no churn" if churn == 0 else f"churn {churn:g}", loc="left", color=INK, fontsize=10.5)
    axes[0, 0].set_ylabel("energy distance of plans")
    axes[0, 0].legend(frameon=False, fontsize=9)
    return finished(figure)


def plot_mix_map(groups: dict[str, np.ndarray], fit_to: Sequence[str]) -> Figure:
    """Mixes as points on the plane in which those of `fit_to` differ most (principal components).

    groups: name -> descriptors [mixes, d], on one scale. Those of `fit_to` are discs; up to three others have a colour
    and a marker each, and the first has MEGAMI's colour of the other figures.
    """
    fitted = np.concatenate([groups[name] for name in fit_to])
    centre = fitted.mean(0)
    _, strength, directions = np.linalg.svd(fitted - centre, full_matrices=False)
    share = strength[:2] ** 2 / (strength**2).sum()
    figure, axis = plt.subplots(figsize=(7.6, 5.0), layout="constrained", facecolor="white")
    engineers = [name for name in groups if name in fit_to]
    others = [name for name in groups if name not in fit_to]
    discs = [colour for colour in COLOURS[1:] if colour != OURS]
    for name, points in groups.items():
        x, y = ((points - centre) @ directions[:2].T).T
        if name in fit_to:
            colour = discs[engineers.index(name) % len(discs)]
            axis.scatter(x, y, s=150, marker="o", color=colour, alpha=0.55, edgecolor="white", label=name)
        else:
            colour, marker = OTHERS[others.index(name) % len(OTHERS)]
            axis.scatter(x, y, s=80, marker=marker, color=colour, label=name, edgecolor="white", linewidth=0.8)
    axis.set_xlabel(f"first direction ({share[0]:.0%} of the engineers' differences)", color=INK)
    axis.set_ylabel(f"second direction ({share[1]:.0%})", color=INK)
    axis.grid(color=GRID)
    axis.set_axisbelow(True)
    axis.spines[["top", "right"]].set_visible(False)
    axis.legend(frameon=False, fontsize=9, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return finished(figure)
