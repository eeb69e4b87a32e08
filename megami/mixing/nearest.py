"""The nearest plan that does what is wanted: the smallest change of z that brings numbers into bounds."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from megami.mixing.measures import Aim, Said

CLOSE = 0.01  # of the numbers' units, mostly dB
LARGEST_STEP = 0.3  # of an embedding, whose norm is 1: beyond, codes turn too far for a straight line
SMALLEST_SLOPE = 1e-6  # change of a number per unit of z below which z does not change it
RANK = 1e-6  # of the largest: numbers that change together to this share count as one


def nearest_plan(
    z: Tensor, read: Callable[[Tensor], Said], aims: Sequence[Aim], free: Tensor, rounds: int = 30
) -> Tensor:
    """Change the tracks of z [tracks, dim] that are `free` [tracks] as little as brings all aims within bounds.

    Every round looks how each number changes with z and takes the smallest step (least squares) that would bring all of
    them to the nearest bound, if they changed evenly (Gauss and Newton's method for constraints). What stays beyond its
    bounds after so many rounds cannot be reached by small changes. In double precision; the norm of the parts of z may
    change, which says nothing.
    """
    if not aims:
        return z
    with torch.inference_mode(False):  # where nothing could be learned of slopes
        now = z.clone().double()
        for _ in range(rounds):
            leaf = now.detach().requires_grad_()
            with torch.enable_grad():
                said = read(leaf)
                values = torch.cat([aim.of(said) for aim in aims])
            missing = sum_of_missing(values.detach(), aims)
            if float(missing.abs().max()) < CLOSE:
                break
            now = now + _smallest_step(leaf, values, missing, free)
        return now.to(z)


def sum_of_missing(values: Tensor, aims: Sequence[Aim]) -> Tensor:
    """How far numbers [k] lie below (positive) or above (negative) their bounds: [k]."""
    low, high = (torch.cat([getattr(aim, side) for aim in aims]).to(values) for side in ("low", "high"))
    return (low - values).clamp_min(0) - (values - high).clamp_min(0)


def _smallest_step(leaf: Tensor, values: Tensor, missing: Tensor, free: Tensor) -> Tensor:
    """The step [tracks, dim] of least norm that changes `values` [k] by `missing` [k] to first order."""
    rows = [torch.autograd.grad(value, leaf, retain_graph=True)[0] for value in values]
    slopes = torch.stack(rows).nan_to_num(0.0, 0.0, 0.0) * free[:, None]  # [k, tracks, dim]
    flat = slopes.flatten(1)
    size = flat.norm(dim=-1).clamp_min(SMALLEST_SLOPE)  # numbers of different units, brought to one
    flat, missing = flat / size[:, None], missing / size
    step = (torch.linalg.pinv(flat @ flat.T, rtol=RANK, hermitian=True) @ missing @ flat).view_as(leaf)
    return step * (LARGEST_STEP / step.norm(dim=-1).max().clamp_min(LARGEST_STEP))
