"""Kernel audio distance between sets of embeddings (Chung et al. 2025): do both come from one distribution?"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

Kernel = Literal["gaussian", "iq", "imq"]
ROWS_AT_ONCE = 1024


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


def _kernel_sum(a: Tensor, b: Tensor, bandwidth: float, kernel: Kernel) -> Tensor:
    """Sum of the kernel over all pairs of [m, d] and [n, d] (float64); rows in blocks, so that memory stays small."""
    total = a.new_zeros(())
    for rows in a.split(ROWS_AT_ONCE):
        squared = rows.square().sum(1)[:, None] + b.square().sum(1)[None, :] - 2 * rows @ b.T
        total = total + kernel_values(squared.clamp_min(0), bandwidth, kernel).sum()
    return total


def kernel_distance(
    reference: Tensor, generated: Tensor, kernel: Kernel = "gaussian", bandwidth: float | None = None
) -> float:
    """Squared maximum mean discrepancy times 100, unbiased: 0 on average for equal distributions, so often negative.

    reference [m >= 2, d], generated [n >= 2, d]; the bandwidth is `median_bandwidth(reference)` unless given.
    Computed in float64. Raises ValueError for sets that are too small. KAD (arXiv 2502.15602).
    """
    if min(len(reference), len(generated)) < 2:
        raise ValueError(f"kernel distance needs two items in each set, got {len(reference)} and {len(generated)}")
    bandwidth = median_bandwidth(reference) if bandwidth is None else bandwidth
    x, y = reference.double(), generated.double()
    m, n = len(x), len(y)
    # An item is as like itself as can be (1): such pairs are left out of the sums within a set.
    within_x = (_kernel_sum(x, x, bandwidth, kernel) - m) / (m * (m - 1))
    within_y = (_kernel_sum(y, y, bandwidth, kernel) - n) / (n * (n - 1))
    return 100 * float(within_x + within_y - 2 * _kernel_sum(x, y, bandwidth, kernel) / (m * n))


def kernel_distance_by_class(
    reference: Tensor,
    generated: Tensor,
    reference_class: Tensor,
    generated_class: Tensor,
    kernel: Kernel = "gaussian",
    bandwidth: float | None = None,
) -> float:
    """Kernel distance within each class (instrument or role), averaged with the reference counts as weights.

    reference [m, d] with classes [m], generated [n, d] with classes [n]; one bandwidth for all, the median over the
    whole reference unless given. Classes with fewer than two items on either side are left out; ValueError if none is
    left.
    """
    bandwidth = median_bandwidth(reference) if bandwidth is None else bandwidth
    total, weight = 0.0, 0
    for name in reference_class.unique():
        x, y = reference[reference_class == name], generated[generated_class == name]
        if min(len(x), len(y)) >= 2:
            total += len(x) * kernel_distance(x, y, kernel, bandwidth)
            weight += len(x)
    if weight == 0:
        raise ValueError("no class has two items in both sets")
    return total / weight
