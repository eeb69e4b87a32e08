"""Distances between two sets of items that belong to songs, with intervals over songs: KAD and FAD."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from megami.evaluation.measures.kad import kernel_values, median_bandwidth
from megami.evaluation.results import Row, statistic_row

FRECHET_DRAWS = 100


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

    def distance(self, weights: np.ndarray) -> float:
        """Kernel distance x 100 with song s counted `weights[s]` times; weights of one give `kernel_distance`."""
        pairs_x = np.outer(self.counts_x, self.counts_x) - np.diag(self.counts_x)
        pairs_y = np.outer(self.counts_y, self.counts_y) - np.diag(self.counts_y)
        pairs = np.outer(self.counts_x, self.counts_y)
        both = np.outer(weights, weights)
        within_x = (both * self.within_x).sum() / (both * pairs_x).sum()
        within_y = (both * self.within_y).sum() / (both * pairs_y).sum()
        return float(100 * (within_x + within_y - 2 * (both * self.across).sum() / (both * pairs).sum()))


def kernel_sums(reference: Sequence[Tensor], generated: Sequence[Tensor], bandwidth: float | None = None) -> KernelSums:
    """Kernel sums of two lists with one [items, d] per song; the bandwidth is the median within the reference."""
    x, y = torch.cat(list(reference)).double(), torch.cat(list(generated)).double()
    bandwidth = median_bandwidth(x) if bandwidth is None else bandwidth
    counts_x, counts_y = [len(song) for song in reference], [len(song) for song in generated]

    def sums(a: Tensor, b: Tensor, counts_a: list[int], counts_b: list[int]) -> np.ndarray:
        # Not torch.cdist: its fast form loses digits where points nearly coincide.
        squared = a.square().sum(1)[:, None] + b.square().sum(1)[None] - 2 * a @ b.T
        values = kernel_values(squared.clamp_min(0), bandwidth)
        rows = torch.stack([part.sum(0) for part in values.split(counts_a)])
        return torch.stack([part.sum(1) for part in rows.split(counts_b, dim=1)], dim=1).numpy()

    return KernelSums(
        sums(x, x, counts_x, counts_x) - np.diag(counts_x),
        sums(y, y, counts_y, counts_y) - np.diag(counts_y),
        sums(x, y, counts_x, counts_y),
        np.array(counts_x, dtype=np.float64),
        np.array(counts_y, dtype=np.float64),
    )


def kad_row(system: str, metric: str, reference: Sequence[Tensor], generated: Sequence[Tensor]) -> Row:
    """Kernel audio distance (x 100, unbiased, so it may be negative) with its interval over songs."""
    sums = kernel_sums(reference, generated)
    return statistic_row(system, metric, len(reference), sums.distance, int(sums.counts_y.sum()))


def kad_by_role_row(
    system: str,
    metric: str,
    reference: Sequence[Tensor],
    generated: Sequence[Tensor],
    roles: Sequence[Tensor],
    mixes: tuple[int, int],
) -> Row:
    """Kernel distance within each role, averaged with the reference's counts as weights; one bandwidth for all.

    roles: one [tracks] per song; mixes: how many mixes of a song the reference and the system have, mix by mix in
    `reference` and `generated`. Roles that fewer than two songs have are left out.
    """
    bandwidth = median_bandwidth(torch.cat(list(reference)))
    parts: list[tuple[KernelSums, np.ndarray]] = []
    for role in torch.cat(list(roles)).unique():
        songs = [s for s, own in enumerate(roles) if bool((own == role).any())]
        if len(songs) < 2:
            continue
        x = [reference[s][(roles[s] == role).repeat(mixes[0])] for s in songs]
        y = [generated[s][(roles[s] == role).repeat(mixes[1])] for s in songs]
        parts.append((kernel_sums(x, y, bandwidth), np.array(songs)))

    def distance(weights: np.ndarray) -> float:
        values, shares = [], []
        for sums, songs in parts:
            own = weights[songs]
            if np.count_nonzero(own):
                values.append(sums.distance(own))
                shares.append(float(own @ sums.counts_x))
        return float(np.average(values, weights=shares))

    return statistic_row(system, metric, len(reference), distance, sum(len(song) for song in generated))


def frechet_distance(reference: Tensor, generated: Tensor) -> float:
    """Frechet distance of two sets [m, d], [n, d] as if both were normal (FAD, Kilgour et al. 2019), not below 0.

    |a - b|^2 + tr A + tr B - 2 tr sqrt(A B); the trace of the root is the sum of singular values of
    (square root of A) (square root of B). In float64.
    """
    x, y = reference.double(), generated.double()
    moved = (x.mean(0) - y.mean(0)).square().sum()
    # A = U^T U with U the centred items over sqrt(m - 1), so that tr sqrt(A B) is the nuclear norm of U V^T.
    u, v = ((part - part.mean(0)) / max(len(part) - 1, 1) ** 0.5 for part in (x, y))
    root = torch.linalg.svdvals(_small_factor(u) @ _small_factor(v).T).sum()
    return max(0.0, float(moved + u.square().sum() + v.square().sum() - 2 * root))


def _small_factor(rows: Tensor) -> Tensor:
    """A factor R [<= d, d] with R^T R equal to rows^T rows: the triangle of a QR decomposition."""
    return torch.linalg.qr(rows, mode="r")[1]


def fad_row(system: str, metric: str, reference: Sequence[Tensor], generated: Sequence[Tensor]) -> Row:
    """Frechet distance with its interval over songs (drawn whole, as often as they come)."""

    def distance(weights: np.ndarray) -> float:
        chosen = [s for s, count in enumerate(weights) for _ in range(int(count))]
        return frechet_distance(*(torch.cat([side[s] for s in chosen]) for side in (reference, generated)))

    return statistic_row(
        system, metric, len(reference), distance, sum(len(song) for song in generated), draws=FRECHET_DRAWS
    )
