"""Kernel audio distance between sets of embeddings (Chung et al. 2025): do both come from one distribution?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import torch
from torch import Tensor

Kernel = Literal["gaussian", "iq", "imq"]
ROWS_AT_ONCE = 1024
"""Of a matrix of pairs, which for large sets would not fit into memory."""


def median_bandwidth(reference: Tensor) -> float:
    """Median of all pairwise Euclidean distances within [m, d], the lower one for an even count."""
    return float(torch.pdist(reference.double()).median())


def kernel_values(squared_distance: Tensor, bandwidth: float, kernel: Kernel = "gaussian") -> Tensor:
    """Likeness in (0, 1] of points at these squared distances: gaussian, inverse quadric or inverse multiquadric."""
    scaled = squared_distance / (2 * bandwidth**2 + 1e-8)
    if kernel == "gaussian":
        return torch.exp(-scaled)
    if kernel == "iq":
        return 1 / (1 + scaled)
    if kernel == "imq":
        return torch.rsqrt(1 + scaled)
    raise ValueError(f"unknown kernel {kernel!r}: use gaussian, iq or imq")


@dataclass(frozen=True)
class KernelSums:
    """Sums of the kernel between the items of every two songs, which is all that a bootstrap over songs needs.

    within_x, within_y, across [songs, songs]; an item's likeness to itself is not in the sums. counts_x, counts_y
    [songs].
    """

    within_x: np.ndarray
    within_y: np.ndarray
    across: np.ndarray
    counts_x: np.ndarray
    counts_y: np.ndarray

    @cached_property
    def pairs(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """How many pairs each sum is over, in the order of the sums."""
        within_x, within_y = (np.outer(own, own) - np.diag(own) for own in (self.counts_x, self.counts_y))
        return within_x, within_y, np.outer(self.counts_x, self.counts_y)

    def take(self, songs: np.ndarray) -> KernelSums:
        """The same sums over some of the songs, by number; the bandwidth stays what it was."""
        chosen = np.ix_(songs, songs)
        return KernelSums(
            self.within_x[chosen],
            self.within_y[chosen],
            self.across[chosen],
            self.counts_x[songs],
            self.counts_y[songs],
        )

    def distance(self, weights: np.ndarray) -> float:
        """Kernel distance x 100 with song s counted `weights[s]` times; weights of one give `kernel_distance`."""
        return float(self.distances(weights[None])[0])

    def distances(self, weights: np.ndarray) -> np.ndarray:
        """`distance` for many choices of songs at once, as a bootstrap draws them: weights [draws, songs] -> [draws].

        The chapter "Measuring mixes" explains it.
        """
        sums = (self.within_x, self.within_y, self.across)
        within_x, within_y, across = (
            _both_weighted(weights, own) / _both_weighted(weights, pairs)
            for own, pairs in zip(sums, self.pairs, strict=True)
        )
        return 100 * (within_x + within_y - 2 * across)


def _both_weighted(weights: np.ndarray, sums: np.ndarray) -> np.ndarray:
    """Sum over all pairs of songs, each counted as often as both its songs are: [draws, songs] -> [draws]."""
    return ((weights @ sums) * weights).sum(1)


def kernel_sums(
    reference: Sequence[Tensor],
    generated: Sequence[Tensor],
    bandwidth: float | None = None,
    kernel: Kernel = "gaussian",
) -> KernelSums:
    """Kernel sums of two lists with one [items, d] per song; the bandwidth is the median within the reference.

    Computed in float64.
    """
    x, y = torch.cat(list(reference)).double(), torch.cat(list(generated)).double()
    bandwidth = median_bandwidth(x) if bandwidth is None else bandwidth
    counts_x, counts_y = ([len(song) for song in side] for side in (reference, generated))
    # An item is as like itself as can be (1): such pairs are left out of the sums within a set.
    return KernelSums(
        _song_sums(x, x, counts_x, counts_x, bandwidth, kernel) - np.diag(counts_x),
        _song_sums(y, y, counts_y, counts_y, bandwidth, kernel) - np.diag(counts_y),
        _song_sums(x, y, counts_x, counts_y, bandwidth, kernel),
        np.array(counts_x, dtype=np.float64),
        np.array(counts_y, dtype=np.float64),
    )


def _song_sums(
    a: Tensor, b: Tensor, counts_a: list[int], counts_b: list[int], bandwidth: float, kernel: Kernel
) -> np.ndarray:
    """Sums of the kernel over all pairs of [m, d] and [n, d], by the songs of both; memory grows with n, not m n."""
    sums = a.new_zeros(len(counts_a), len(counts_b))
    song = torch.arange(len(counts_a)).repeat_interleave(torch.tensor(counts_a))
    for rows, owners in zip(a.split(ROWS_AT_ONCE), song.split(ROWS_AT_ONCE), strict=True):
        # Not torch.cdist: its fast form loses digits where points nearly coincide.
        squared = rows.square().sum(1)[:, None] + b.square().sum(1)[None] - 2 * rows @ b.T
        values = kernel_values(squared.clamp_min(0), bandwidth, kernel)
        here, lengths = owners.unique_consecutive(return_counts=True)
        by_song = torch.stack([part.sum(0) for part in values.split(lengths.tolist())])
        sums[here] += torch.stack([part.sum(1) for part in by_song.split(counts_b, dim=1)], dim=1)
    return sums.numpy()


def kernel_distance(
    reference: Tensor, generated: Tensor, kernel: Kernel = "gaussian", bandwidth: float | None = None
) -> float:
    """Squared maximum mean discrepancy times 100, unbiased: 0 on average for equal distributions, so often negative.

    reference [m >= 2, d], generated [n >= 2, d]; the bandwidth is `median_bandwidth(reference)` unless given.
    Computed in float64. Raises ValueError for sets that are too small. KAD (arXiv 2502.15602).
    """
    if min(len(reference), len(generated)) < 2:
        raise ValueError(f"kernel distance needs two items in each set, got {len(reference)} and {len(generated)}")
    return kernel_sums([reference], [generated], bandwidth, kernel).distance(np.ones(1))
