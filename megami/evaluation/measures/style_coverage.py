"""Coverage, precision and joint behaviour: which of the engineers' mixes of a song does a system reach?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from megami.evaluation.measures.descriptors import LEVEL, PAN

PANNED_DB = 1.0
SAME_ENGINEER_SHARE = 0.9


@dataclass(frozen=True)
class Heard:
    """Descriptors of the mixes of one song: tracks [mixes, tracks, d], mixes [mixes, d], lead_over_rest_db [mixes]."""

    tracks: np.ndarray
    mixes: np.ndarray
    lead_over_rest_db: np.ndarray

    def take(self, chosen: slice | np.ndarray) -> Heard:
        """Some of the mixes."""
        return Heard(self.tracks[chosen], self.mixes[chosen], self.lead_over_rest_db[chosen])


@dataclass(frozen=True)
class Scale:
    """One unit of every descriptor: how much it differs between the engineers' mixes of one song (RMS over songs)."""

    tracks: np.ndarray
    mixes: np.ndarray

    @staticmethod
    def of(reference: Sequence[Heard]) -> Scale:
        """The scale of a reference set."""
        differences = [song.tracks - song.tracks.mean(0) for song in reference]
        tracks = np.concatenate([song.reshape(-1, song.shape[-1]) for song in differences])
        mixes = np.concatenate([song.mixes - song.mixes.mean(0) for song in reference])
        return Scale(*(np.sqrt(np.square(part).mean(0)) + 1e-6 for part in (tracks, mixes)))


def vectors(heard: Heard, scale: Scale) -> np.ndarray:
    """Mixes as points [mixes, d] between which distances are root mean squares of scaled differences of descriptors.

    All tracks together weigh as much as the mix itself.
    """
    tracks = (heard.tracks / scale.tracks).reshape(len(heard.tracks), -1)
    mixes = heard.mixes / scale.mixes
    return np.hstack([tracks / (2 * tracks.shape[1]) ** 0.5, mixes / (2 * mixes.shape[1]) ** 0.5])


def style_directions(reference: Heard, styles: np.ndarray, scale: Scale) -> np.ndarray:
    """The directions in which the engineers of a song differ: orthonormal rows [engineers - 1, d].

    Everything else that may be wrong with a mix lies outside of them.
    """
    points = vectors(reference, scale)
    means = np.stack([points[styles == name].mean(0) for name in np.unique(styles)])
    return np.linalg.svd(means - means.mean(0), full_matrices=False)[2][: len(means) - 1]


def mix_distances(a: Heard, b: Heard, scale: Scale, directions: np.ndarray | None = None) -> np.ndarray:
    """Distances of the mixes of `a` to those of `b`, of one song [mixes a, mixes b]; along `directions` if given."""
    difference = vectors(a, scale)[:, None] - vectors(b, scale)[None]
    return np.linalg.norm(difference if directions is None else difference @ directions.T, axis=-1)


def same_engineer_radius(
    reference: Sequence[Heard],
    others: Sequence[Heard],
    styles: Sequence[np.ndarray],
    other_styles: Sequence[np.ndarray],
    scale: Scale,
    directions: Sequence[np.ndarray] | None = None,
) -> float:
    """The distance within which an engineer's mix finds another of the same engineer (in SAME_ENGINEER_SHARE of cases).

    Another seed of the same style counts as the same way to mix; styles: per song, who made the reference's mixes and
    the others'. Every style of the others must be in the reference.
    """
    along: list[np.ndarray | None] = list(directions) if directions else [None] * len(reference)
    distances = [
        mix_distances(mixes, own, scale, plane) for own, mixes, plane in zip(reference, others, along, strict=True)
    ]
    return same_style_radius(distances, other_styles, styles)


def same_style_radius(
    distances: Sequence[np.ndarray], styles: Sequence[np.ndarray], reference_styles: Sequence[np.ndarray]
) -> float:
    """The radius from distances [mixes, reference] of each song, and who made the mixes and the reference."""
    nearest = [
        np.where(theirs[:, None] == ours[None], apart, np.inf).min(1)
        for apart, theirs, ours in zip(distances, styles, reference_styles, strict=True)
    ]
    return float(np.quantile(np.concatenate(nearest), SAME_ENGINEER_SHARE))


def coverage(
    mixes: Heard,
    reference: Heard,
    styles: np.ndarray,
    scale: Scale,
    radius: float,
    directions: np.ndarray | None = None,
) -> float:
    """Share of the engineers' styles of which some reference mix has one of `mixes` within the radius."""
    return styles_reached(mix_distances(mixes, reference, scale, directions), styles, radius)


def styles_reached(distances: np.ndarray, styles: np.ndarray, radius: float) -> float:
    """Share of the styles of which some reference mix lies within the radius; distances [mixes, reference]."""
    near = distances.min(0) <= radius
    return float(np.mean([near[styles == name].any() for name in np.unique(styles)]))


def precision(
    mixes: Heard, reference: Heard, scale: Scale, radius: float, directions: np.ndarray | None = None
) -> float:
    """Share of `mixes` with a reference mix of some engineer within the radius."""
    return share_near(mix_distances(mixes, reference, scale, directions), radius)


def share_near(distances: np.ndarray, radius: float) -> float:
    """Share of the mixes with some reference mix within the radius; distances [mixes, reference]."""
    return float((distances.min(1) <= radius).mean())


def agreement(mixes: Heard, reference: Heard, styles: np.ndarray, scale: Scale) -> float:
    """How far the tracks of a mix follow one engineer: share of tracks that are nearest to the most frequent one."""
    squared = np.square((mixes.tracks[:, None] - reference.tracks[None]) / scale.tracks).mean(-1)  # [m, r, tracks]
    return followed_share(squared, styles)


def followed_share(squared: np.ndarray, styles: np.ndarray) -> float:
    """Share of a mix's tracks that are nearest to the most frequent style; squared distances [m, reference, tracks]."""
    names, numbers = np.unique(styles, return_inverse=True)
    nearest = numbers[squared.argmin(1)]  # [m, tracks]
    counts = (nearest[..., None] == np.arange(len(names))).sum(1)
    return float((counts.max(1) / nearest.shape[1]).mean())


def panning_balance(mixes: Heard) -> float:
    """How well the panned tracks of a mix answer each other: 1 - |sum of positions| / sum of |positions|; NaN if none.

    Position is the level difference of right and left in dB, within 20; tracks within 1 dB of the middle do not count.
    """
    return balance_of_positions(mixes.tracks[..., PAN], mixes.tracks[..., LEVEL])


def balance_of_positions(pan_db: np.ndarray, level_db: np.ndarray) -> float:
    """`panning_balance` of positions and levels [mixes, tracks] in dB, wherever they come from."""
    audible = level_db > level_db.max(1, keepdims=True) - 40
    pan = np.where((np.abs(pan_db) > PANNED_DB) & audible, pan_db, 0)
    several = (pan != 0).sum(1) >= 2
    if not several.any():
        return float("nan")
    return float((1 - np.abs(pan.sum(1)) / np.maximum(np.abs(pan).sum(1), 1e-9))[several].mean())


def level_distance_db(a: np.ndarray, b: np.ndarray) -> float:
    """Wasserstein distance of two sets of levels in dB: the mean distance of their sorted values."""
    places = np.linspace(0.005, 0.995, 100)
    return float(np.abs(np.quantile(a, places) - np.quantile(b, places)).mean())
