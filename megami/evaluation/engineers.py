"""How the simulated engineers differ, in what one can name: balance, width, brightness, compression, space."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from megami.evaluation.measures.descriptors import NAMES
from megami.evaluation.measures.style_coverage import Heard
from megami.evaluation.results import Row, mean_row

OF_THE_MIX = ("width_mid_db", "centroid_octaves", "punch_db", "range_db")


def engineer_rows(reference: Sequence[Heard], styles: Sequence[np.ndarray]) -> list[Row]:
    """Means over songs of what each engineer's mixes measure, as systems "engineer NAME".

    reference: per song, mixes; styles: per song, who made them. Lead over all else in LU; of the mix width, brightness,
    punch and range; of single tracks their range, which reverberation shortens.
    """
    rows = []
    for name in sorted(set(np.concatenate(styles).tolist())):
        own = [song.take(np.flatnonzero(names == name)) for song, names in zip(reference, styles, strict=True)]
        own = [song for song in own if len(song.mixes)]
        count = sum(len(song.mixes) for song in own)
        measured = {
            f"mix_{metric}": [song.mixes[:, NAMES.index(metric)].mean() for song in own] for metric in OF_THE_MIX
        }
        measured["track_range_db"] = [song.tracks[..., NAMES.index("range_db")].mean() for song in own]
        measured["lead_over_rest_db"] = [np.mean(song.lead_over_rest_db) for song in own]
        rows += [mean_row(f"engineer {name}", metric, values, count) for metric, values in measured.items()]
    return rows
