"""Figures: one style, readable at the width of a phone, on light and on dark pages, with words for who cannot see them.

A figure is drawn twice, for a column and for a phone, and put into the page as SVG; the page shows the one that fits.
"""

from __future__ import annotations

import html
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import matplotlib
import numpy as np
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from megami.errors import UserError
from megami.notebook.bundle import asset
from megami.notebook.palette import COLOURS, GRID, INK, PAPER, QUIET, palette_css
from megami.notebook.svg import inline_svg

WIDE_PX, NARROW_PX = 720, 340  # widths of the drawings
_PX_PER_INCH = 72  # so that one point of a font is one pixel

Draw = Callable[["Sheet"], object]


@dataclass(frozen=True)
class Sheet:
    """What a figure is drawn on: an empty matplotlib figure, and whether it is the one for a phone."""

    figure: Figure
    narrow: bool

    def axis(self) -> Axes:
        """One pair of axes that fills the sheet."""
        return self.axes()[0, 0]

    def axes(self, rows: int = 1, columns: int = 1, sharex: bool = False, sharey: bool = False) -> np.ndarray:
        """Axes [rows, columns]."""
        return self.figure.subplots(rows, columns, squeeze=False, sharex=sharex, sharey=sharey)

    def legend(self, axis: Axes, columns: int = 4, beside: bool = False) -> None:
        """The legend of an axis, above it; beside: at its right in a column, below it on a phone."""
        handles, labels = axis.get_legend_handles_labels()
        if not beside:
            columns = self._fitting(labels, columns)
            axis.legend(loc="lower left", bbox_to_anchor=(0, 1.0), ncols=columns, borderaxespad=0.2)
        elif self.narrow:
            self.figure.legend(handles, labels, loc="outside lower left", ncols=self._fitting(labels, 2))
        else:
            self.figure.legend(handles, labels, loc="outside right upper")

    def _fitting(self, labels: list[str], columns: int) -> int:
        """How many columns of labels stand side by side without leaving the sheet."""
        widest = 40 + 0.56 * matplotlib.rcParams["legend.fontsize"] * max(map(len, labels), default=1)
        room = _PX_PER_INCH * self.figure.get_size_inches()[0] - 50
        return max(1, min(columns, len(labels), int(room / widest)))


@dataclass(frozen=True)
class PageFigure:
    """A figure as HTML: notebooks show it by themselves. `figure` is the matplotlib figure of the wide drawing."""

    alt: str
    title: str
    figure: Figure
    markup: str  # the element, without its style sheet

    @property
    def html(self) -> str:
        """The figure with its style sheet."""
        return f"{self.markup}\n{figure_style()}"

    def _repr_html_(self) -> str:
        return self.html

    def __repr__(self) -> str:
        return f"<figure: {self.alt}>"


def figure(
    draw: Draw | Figure,
    title: str = "",
    *,
    alt: str,
    width_px: int = WIDE_PX,
    height_px: int = 340,
    narrow_height_px: int | None = None,
) -> PageFigure:
    """A figure for a page.

    draw: a function of a `Sheet` that draws with matplotlib; it is called for a column (width_px) and for a phone (340
    px), where labels keep their size and panels should stand one below the other (`sheet.narrow`). A finished
    matplotlib figure is taken too, but then the phone shows the same drawing, smaller. alt: what there is to see, for
    those who cannot. height_px, narrow_height_px: of the two drawings; the second is as high as the first if not
    given. Colours of `palette` follow the page's theme. Raises UserError without alt text.
    """
    if not alt.strip():
        raise UserError("a figure needs alt text: say in a sentence or two what is to be seen")
    if isinstance(draw, Figure):
        return _page_figure(alt, title, draw, [inline_svg(draw, "only")], round(72 * draw.get_size_inches()[0]))
    wide = _drawn(draw, width_px, height_px, narrow=False)
    narrow = _drawn(draw, NARROW_PX, narrow_height_px or height_px, narrow=True)
    pictures = [_svg(wide, narrow=False), _svg(narrow, narrow=True)]
    return _page_figure(alt, title, wide, pictures, width_px)


def _page_figure(alt: str, title: str, drawing: Figure, pictures: list[str], width_px: int) -> PageFigure:
    caption = f"<figcaption>{html.escape(title)}</figcaption>" if title else ""
    picture = f'<div class="picture" role="img" aria-label="{html.escape(alt)}">{"".join(pictures)}</div>'
    widest = f"--widest:{round(1.2 * width_px)}px"  # larger than drawn, letters would be larger than the page's
    markup = f'<figure class="megami-figure megami-colours" style="{widest}">{caption}{picture}</figure>'
    return PageFigure(alt, title, drawing, markup)


def figure_style() -> str:
    """The style sheet of all figures, as a tag."""
    return f"<style>{palette_css()}\n{asset('figure.css').strip()}</style>"


def _drawn(draw: Draw, width_px: int, height_px: int, narrow: bool) -> Figure:
    with matplotlib.rc_context(style(narrow)):
        # Not of pyplot: a figure of pyplot stays open, and a notebook shows it once more.
        drawing = Figure(figsize=(width_px / _PX_PER_INCH, height_px / _PX_PER_INCH), dpi=72, layout="constrained")
        draw(Sheet(drawing, narrow))
        drawing.draw_without_rendering()  # places everything while the style holds ...
        drawing.set_layout_engine("none")  # ... for good
    return drawing


def _svg(drawing: Figure, narrow: bool) -> str:
    with matplotlib.rc_context(style(narrow)):  # how many ticks fit depends on the style, too
        return inline_svg(drawing, "narrow" if narrow else "wide")


def style(narrow: bool = False) -> Any:
    """The style of all figures, as matplotlib settings."""
    words = 11.0 if narrow else 12.0
    return {
        "font.size": words,
        "axes.labelsize": words,
        "axes.titlesize": words,
        "xtick.labelsize": words - (0.0 if narrow else 0.5),
        "ytick.labelsize": words - (0.0 if narrow else 0.5),
        "legend.fontsize": words,
        "figure.titlesize": words,
        "figure.labelsize": words,
        "text.color": INK,
        "axes.labelcolor": INK,
        "axes.titlecolor": INK,
        "axes.titlelocation": "left",
        "axes.edgecolor": QUIET,
        "axes.facecolor": "none",
        "figure.facecolor": "none",
        "axes.grid": True,
        "axes.axisbelow": True,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.prop_cycle": cycler(color=COLOURS[1:]),
        "axes.unicode_minus": True,
        "axes.linewidth": 0.8,
        "grid.color": GRID,
        "grid.linewidth": 0.8,
        "xtick.color": QUIET,
        "ytick.color": QUIET,
        "xtick.major.size": 3.0,
        "ytick.major.size": 3.0,
        "lines.linewidth": 2.0,
        "lines.markersize": 7.0 if narrow else 8.0,
        "scatter.edgecolors": PAPER,
        "legend.frameon": False,
        "legend.handletextpad": 0.4,
        "legend.columnspacing": 1.2,
        "image.cmap": "magma",
        "image.interpolation": "none",
    }
