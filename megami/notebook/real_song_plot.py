"""How mixes of real songs lie beside their raw sums and the range of the engineers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from megami.evaluation.real_songs import INAUDIBLE_DB, RealSong
from megami.evaluation.results import Row
from megami.notebook.figures import PageFigure, Sheet, figure
from megami.notebook.palette import COLOURS, GRID, PAPER, QUIET
from megami.notebook.result_plots import OURS, find

MEASURES = {
    "centroid_octaves": "brightness\n(octaves over 1 kHz)",
    "band_1_db": "below 88 Hz\n(dB of the whole)",
    "width_mid_db": "width, 250 Hz to 4 kHz\n(dB)",
    "punch_db": "punch: peak over RMS\n(dB)",
    "range_db": "range of levels\n(dB)",
}
"""Descriptors of a mix -> words over a panel."""


def plot_real_songs(songs: dict[str, RealSong], rows: Sequence[Row], *, alt: str) -> PageFigure:
    """One panel per measure, one column per song: the raw sum (diamond), the mixes (dots), the engineers' range (band).

    The first mix of every song is its raw sum, which the last panel leaves out: there a dot is one track in one mix,
    and the dashed line is where a track counts as inaudible. rows: of `megami evaluate`; UserError if one is missing.
    alt: what there is to see.
    """

    def draw(sheet: Sheet) -> None:
        *of_mixes, of_tracks = (sheet.axes(3, 2) if sheet.narrow else sheet.axes(2, 3)).flat
        for axis, (name, title) in zip(of_mixes, MEASURES.items(), strict=True):
            _panel(sheet, axis, title, songs, find(rows, "engineers", f"mix_{name}", "range"))
            for place, song in enumerate(songs.values()):
                raw, *mixes = (one.mix[name] for one in song.mixes)
                axis.plot(place, raw, "D", color=COLOURS[0], markersize=7, markeredgecolor=PAPER)
                _dots(axis, place, [[value] for value in mixes])
        _panel(
            sheet,
            of_tracks,
            "tracks: level in the mix\n(dB)",
            songs,
            find(rows, "engineers", "track_level_db", "range"),
        )
        for place, song in enumerate(songs.values()):
            _dots(of_tracks, place, [one.track_level_db for one in song.mixes[1:]])
        of_tracks.axhline(INAUDIBLE_DB, color=QUIET, linestyle=(0, (4, 3)))

    return figure(draw, alt=alt, height_px=440, narrow_height_px=700)


def _panel(sheet: Sheet, axis: Axes, title: str, songs: dict[str, RealSong], engineers: Row) -> None:
    """An empty panel: words, a column per song, the engineers' range."""
    axis.axhspan(engineers.low, engineers.high, color=GRID, alpha=0.8, zorder=0)
    axis.set_title(title)
    slanted: dict[str, Any] = {"rotation": 35, "ha": "right", "rotation_mode": "anchor"} if sheet.narrow else {}
    axis.set_xticks(range(len(songs)), list(songs), **slanted)
    axis.set_xlim(-0.5, len(songs) - 0.5)
    axis.grid(axis="x", visible=False)


def _dots(axis: Axes, place: int, mixes: Sequence[Sequence[float] | np.ndarray]) -> None:
    """The values of each mix of a song, mixes side by side."""
    for number, values in enumerate(mixes):
        across = np.full(len(values), place + 0.1 * (number - (len(mixes) - 1) / 2))
        axis.plot(across, values, "o", color=OURS, alpha=0.7, markersize=5, markeredgewidth=0)
