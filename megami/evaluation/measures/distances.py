"""Distances between two sets of items that belong to songs, with intervals over songs: KAD and FAD."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from megami.evaluation.measures.kad import KernelSums, kernel_sums, median_bandwidth
from megami.evaluation.results import Row, statistic_row

FRECHET_DRAWS = 100


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
    bandwidth: float | None = None,
) -> Row:
    """Kernel distance within each role, averaged with the reference's counts as weights.

    roles: one [tracks] per song; mixes: how many mixes of a song the reference and the system have, mix by mix in
    `reference` and `generated`. One bandwidth for all roles: the median over the whole reference unless given. Roles
    that fewer than two songs have are left out; raises ValueError if no role is left.
    """
    bandwidth = median_bandwidth(torch.cat(list(reference))) if bandwidth is None else bandwidth
    parts: list[tuple[KernelSums, np.ndarray]] = []
    for role in torch.cat(list(roles)).unique():
        songs = [s for s, own in enumerate(roles) if bool((own == role).any())]
        if len(songs) < 2:
            continue
        x = [reference[s][(roles[s] == role).repeat(mixes[0])] for s in songs]
        y = [generated[s][(roles[s] == role).repeat(mixes[1])] for s in songs]
        parts.append((kernel_sums(x, y, bandwidth), np.array(songs)))
    if not parts:
        raise ValueError("no role is there in two songs")

    def distance(weights: np.ndarray) -> float:
        values, shares = [], []
        for sums, songs in parts:
            own = weights[songs]
            if np.count_nonzero(own):
                values.append(sums.distance(own))
                shares.append(float(own @ sums.counts_x))
        return float(np.average(values, weights=shares))

    return statistic_row(system, metric, len(reference), distance, sum(len(song) for song in generated))


def kad_between_groups_row(
    system: str, metric: str, pairs: Sequence[tuple[Sequence[Tensor], Sequence[Tensor]]], bandwidth: float
) -> Row:
    """Mean kernel distance over pairs (reference, generated) of groups, each one [items, d] per song of the same songs.

    Songs are drawn for all pairs at once, so that the interval is that of the mean.
    """
    sums = [kernel_sums(*pair, bandwidth) for pair in pairs]
    songs = len(pairs[0][0])

    def distance(weights: np.ndarray) -> float:
        return float(np.mean([own.distance(weights) for own in sums]))

    return statistic_row(system, metric, songs, distance, sum(len(song) for _, own in pairs for song in own))


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
