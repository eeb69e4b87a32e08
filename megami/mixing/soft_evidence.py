"""Soft evidence: what draws a plan towards something, the more urgently the better both are known.

While noise is left, the clean plan is known but to some variance, and the evidence is known but to its tolerance: the
likelihood of an estimate is normal, and both add up in its variance. Source: pseudoinverse guidance (Song et al. 2023).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from megami.embeddings import EmbeddingConfig

# RMS of the numbers of the learned part, the spectrum code and the dynamics code, where that of all numbers is 1.
# Measured on 120 songs that five simulated engineers mixed: how much a track's numbers vary among its engineers, and
# how far one engineer's numbers for two tracks of one role in two songs are apart.
AMONG_ENGINEERS = (0.77, 0.27, 0.16)
ONE_ENGINEER = (0.94, 0.54, 0.28)


def by_number(embedding: EmbeddingConfig, parts: tuple[float, float, float]) -> Tensor:
    """One value for each number of an embedding [dim], from those of its three parts."""
    sizes = (embedding.fx_dim, embedding.spectrum_dim, embedding.dynamics_dim)
    values = [torch.full((size,), value) for size, value in zip(sizes, parts, strict=True)]
    return torch.cat(values) / embedding.dim**0.5


def variance_left(embedding: EmbeddingConfig, sigma: float) -> Tensor:
    """How uncertain each number of the clean plan is [dim], given the noisy one at level sigma."""
    usual = by_number(embedding, AMONG_ENGINEERS).square()
    return usual * sigma**2 / (usual + sigma**2)


def slope_to_stems(z: Tensor, stems: Mapping[int, Tensor], variance: Tensor, tolerance: Tensor) -> Tensor:
    """Slope of the log likelihood of a plan [tracks, dim] of which some tracks are like embeddings [dim], by number.

    `variance` [dim] is that of the plan, `tolerance` [dim] the standard deviation of what is known.
    """
    slope = torch.zeros_like(z)
    for track, known in stems.items():
        slope[track] = (known.to(z) - z[track]) / (variance + tolerance.square()).to(z)
    return slope


def slope_to_zero(z: Tensor, gaps: Callable[[Tensor], Tensor], variance: Tensor, tolerance: float) -> Tensor:
    """Slope of the log likelihood of a plan [tracks, dim] of which `gaps` [k] should vanish; `tolerance` is of each.

    The gaps are taken to change evenly with the plan (as Gauss and Newton did): with their slopes J, the plan's
    variance V and the tolerance s, it is -J' (J V J' + s^2)^-1 gaps. In double precision.
    """
    with torch.inference_mode(False), torch.enable_grad():
        leaf = z.detach().clone().double().requires_grad_()
        values = gaps(leaf)
        rows = torch.eye(len(values)).to(values)
        (slopes,) = torch.autograd.grad(values, leaf, rows, is_grads_batched=True)  # [k, tracks, dim]
    flat = slopes.nan_to_num(0.0, 0.0, 0.0)
    spread = (flat * variance.to(flat)).flatten(1)
    inner = spread @ flat.flatten(1).T + tolerance**2 * rows
    return (torch.linalg.solve(inner, -values.detach()) @ flat.flatten(1)).view_as(leaf).to(z)
