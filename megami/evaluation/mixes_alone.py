"""What stereo mixes alone tell of a system, so that ours and anybody else's are measured in the same way.

Distances of whole mixes, coverage and precision on a map of mixes, pairwise metrics, and ranges of descriptors. What
needs the tracks of a mix, or the plan behind it, is in `megami.evaluation.comparison`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from megami.evaluation.measures.descriptors import NAMES
from megami.evaluation.measures.distances import fad_row, kad_row
from megami.evaluation.measures.style_coverage import Heard, Scale, coverage, precision, same_engineer_radius
from megami.evaluation.results import Row, mean_row, range_row

PAIRWISE = ("logrms", "crestfactor", "logspread", "stereowidth", "stereoimbalance", "IM-mss-lr", "IM-mss-ms")


def repeated(items, count: int):
    """The first `count` mixes; a system that has fewer says the same again, as often as it is asked."""
    index = np.arange(count) % len(items)
    return items[torch.from_numpy(index)] if isinstance(items, Tensor) else items[index]


def without_tracks(heard: Heard) -> Heard:
    """The same mixes as somebody hears them who is given no tracks: points of their map are of whole mixes alone."""
    return Heard(heard.tracks[:, :0], heard.mixes, np.full(len(heard.mixes), np.nan))


def heard_alone(mixes: np.ndarray) -> Heard:
    """Descriptors [mixes, d] of stereo mixes of one song, of whose tracks nothing is known."""
    return without_tracks(Heard(np.empty((len(mixes), 0, mixes.shape[-1])), mixes, np.empty(len(mixes))))


@dataclass(frozen=True)
class Yardstick:
    """The engineers' mixes of the test songs, as others' are held against them: one entry per song, tracks left out.

    `styles` says who made the mixes. `radius` is the distance on the map of mixes within which an engineer's mix finds
    another of the same engineer.
    """

    reference: list[Heard]
    styles: list[np.ndarray]
    scale: Scale
    radius: float

    @staticmethod
    def of(
        reference: Sequence[Heard],
        others: Sequence[Heard],
        styles: Sequence[np.ndarray],
        other_styles: Sequence[np.ndarray],
    ) -> Yardstick:
        """By the engineers' mixes of the reference, and as many other mixes by the same engineers."""
        scale = Scale.of(reference)
        ours, theirs = ([without_tracks(song) for song in side] for side in (reference, others))
        return Yardstick(ours, list(styles), scale, same_engineer_radius(ours, theirs, styles, other_styles, scale))

    def on(self, songs: Sequence[int]) -> Yardstick:
        """The same scale and radius, for some of the songs, by number."""
        return Yardstick([self.reference[s] for s in songs], [self.styles[s] for s in songs], self.scale, self.radius)


def mix_rows(system: str, heard: Sequence[Heard], yardstick: Yardstick, count: int) -> list[Row]:
    """Rows of what is measured of whole mixes; `heard` has one entry for each song of the yardstick.

    Distances and precision are about the first `count` mixes of a song, coverage about all that there are.
    """
    target, own = (
        [torch.from_numpy(repeated(song.mixes, count)).double() for song in side]
        for side in (yardstick.reference, heard)
    )
    unit = torch.cat(target).std(0) + 1e-6
    target, own = ([song / unit for song in side] for side in (target, own))
    scale, radius = yardstick.scale, yardstick.radius
    songs = list(zip(map(without_tracks, heard), yardstick.reference, yardstick.styles, strict=True))
    near = [precision(song.take(slice(0, count)), theirs, scale, radius) for song, theirs, _ in songs]
    reached = [coverage(song, theirs, names, scale, radius) for song, theirs, names in songs]
    return [
        kad_row(system, "kad_mix", target, own),
        fad_row(system, "fad_mix", target, own),
        mean_row(system, "precision_of_mix", near),
        mean_row(system, "coverage_of_mix", reached),
        *mix_ranges(system, heard),
    ]


def mix_ranges(system: str, heard: Sequence[Heard]) -> list[Row]:
    """Median and range of every descriptor over all mixes of a system, as mix_*."""
    mixes = np.concatenate([song.mixes for song in heard])
    return [range_row(system, f"mix_{name}", values) for name, values in zip(NAMES, mixes.T, strict=True)]


def pair_rows(system: str, pairs: np.ndarray) -> list[Row]:
    """Means of pairwise metrics [songs, metrics] against one mix by the engineers."""
    return [mean_row(system, name, pairs[:, i]) for i, name in enumerate(PAIRWISE)]
