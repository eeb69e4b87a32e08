"""Energy distance: how differently two sets of points are distributed (Szekely and Rizzo 2013)."""

from __future__ import annotations

import torch
from torch import Tensor


def energy_distance(a: Tensor, b: Tensor) -> Tensor:
    """Energy distance of two sets of points, 2 E|A - B| - E|A - A'| - E|B - B'|, without bias.

    a [..., m, d], b [..., n, d] with m, n > 1 -> [...], in the unit of the points. It is 0 on average for sets of one
    distribution, so single values may be negative. Leading axes count pairs of sets, such as songs. In float64. Source:
    Szekely and Rizzo 2013. The chapter "Many right answers" explains it.
    """
    x, y = a.double(), b.double()
    return energy_of_distances(_distances(x, y), _distances(x, x), _distances(y, y))


def energy_of_distances(across: Tensor, within_a: Tensor, within_b: Tensor) -> Tensor:
    """Energy distance from distances [..., m, n], [..., m, m] and [..., n, n]; those of items to themselves are 0."""
    return 2 * across.mean((-2, -1)) - _mean_of_pairs(within_a) - _mean_of_pairs(within_b)


def _mean_of_pairs(within: Tensor) -> Tensor:
    """Mean over pairs of different items: [..., n, n] -> [...]."""
    count = within.shape[-1]
    return within.sum((-2, -1)) / (count * (count - 1))


def _distances(x: Tensor, y: Tensor) -> Tensor:
    # The quicker way by products is inexact for near points, and not 0 for a point and itself.
    return torch.cdist(x, y, compute_mode="donot_use_mm_for_euclid_dist")
