"""How mixes of real songs lie beside their raw sums and the range of the engineers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from megami.evaluation.real_songs import INAUDIBLE_DB, RealSong
from megami.evaluation.rows import Row
from megami.notebook.plots import COLOURS, GRID, QUIET, finished, light_figure
from megami.notebook.result_plots import OURS, find

MEASURES = {
    "mix_centroid_octaves": "brightness\n(octaves over 1 kHz)",
    "mix_band_1_db": "below 88 Hz\n(dB of the whole)",
    "mix_width_mid_db": "width, 250 Hz to 4 kHz\n(dB)",
    "mix_punch_db": "punch: peak over RMS\n(dB)",
    "mix_range_db": "range of levels\n(dB)",
    "track_level_db": "tracks: level in the mix\n(dB)",
}
"""Rows of the engineers whose interval is the range of their mixes -> words over a panel."""


def plot_real_songs(songs: dict[str, RealSong], rows: Sequence[Row]) -> Figure:
    """One panel per measure, one column per song: the raw sum (diamond), the mixes (dots), the engineers' range (band).

    The first mix of every song is its raw sum, which the last panel leaves out: there a dot is one track in one mix,
    and the dashed line is where a track counts as inaudible. rows: of `megami evaluate`; UserError if one is missing.
    """
    columns = 3
    figure, axes = light_figure(2, columns, (9.6, 5.8))
    for axis, (metric, title) in zip(axes.flat, MEASURES.items(), strict=True):
        engineers = find(rows, "engineers", metric)
        axis.axhspan(engineers.low, engineers.high, color=GRID, alpha=0.8, zorder=0)
        for place, song in enumerate(songs.values()):
            for number, one in enumerate(song.mixes):
                values = one.track_level_db if metric == "track_level_db" else [one.mix[metric.removeprefix("mix_")]]
                if number == 0:
                    if metric != "track_level_db":
                        axis.plot(place, values[0], "D", color=COLOURS[0], markersize=7, markeredgecolor="white")
                    continue
                aside = 0.1 * (number - len(song.mixes) / 2)
                axis.plot(np.full(len(values), place + aside), values, "o", color=OURS, alpha=0.7, markersize=5,
                          markeredgewidth=0)  # fmt: skip
        axis.set_title(title, loc="left", fontsize=9.5)
        axis.set_xticks(range(len(songs)), list(songs))
        axis.set_xlim(-0.5, len(songs) - 0.5)
        axis.grid(axis="x", visible=False)
    axes.flat[len(MEASURES) - 1].axhline(INAUDIBLE_DB, color=QUIET, linestyle=(0, (4, 3)))
    return finished(figure)
