"""Solvers: how a sampling step goes from one noise level to the next. One function each, all of one signature.

A solver gets a `Step` and gives x at the next noise level. Time is sigma, along which
dx/dsigma = (x - D(x; sigma)) / sigma (EDM equation 3). To add one, write a function and enter it in SOLVERS.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

Denoise = Callable[[Tensor, Tensor], Tensor]
"""(x, sigma) -> the clean embeddings expected behind x; each call costs one network evaluation."""


@dataclass(frozen=True)
class Step:
    """What a solver knows when it leaves noise level `sigma` for `sigma_next` (the last one is 0)."""

    x: Tensor  # [b, tracks, channels, tokens], noisy at level sigma
    denoised: Tensor  # the estimate at (x, sigma)
    sigma: Tensor
    sigma_next: Tensor
    denoise: Denoise  # for solvers that look ahead
    before: Step | None  # the step before this one, for solvers that look back


Solver = Callable[[Step], Tensor]


def slope(x: Tensor, denoised: Tensor, sigma: Tensor) -> Tensor:
    """dx/dsigma at (x, sigma), given the estimate there; EDM equation 3."""
    return (x - denoised) / sigma.item()


def euler(step: Step) -> Tensor:
    """Go straight on along the slope: first order, one network evaluation. EDM algorithm 2 without its correction."""
    return step.x + (step.sigma_next - step.sigma).item() * slope(step.x, step.denoised, step.sigma)


def heun(step: Step) -> Tensor:
    """Average the slopes here and ahead: second order, two network evaluations. EDM algorithm 2."""
    ahead = euler(step)
    if step.sigma_next == 0:  # at 0 there is no slope to average with
        return ahead
    here = slope(step.x, step.denoised, step.sigma)
    there = slope(ahead, step.denoise(ahead, step.sigma_next), step.sigma_next)
    return step.x + (step.sigma_next - step.sigma).item() * (here + there) / 2


def multistep(step: Step) -> Tensor:
    """Go on as if the estimate changed as it did since the step before: second order at the price of Euler.

    Time is -ln sigma: x' = (sigma' / sigma) x + (1 - sigma' / sigma) D, where D is extrapolated by half a step.
    Source: DPM-Solver++ (2M), Lu et al. 2022 (arXiv 2211.01095, algorithm 2).
    """
    denoised, before = step.denoised, step.before
    shrink = (step.sigma_next / step.sigma).item()
    # Churn may lead back to, or beyond, the level of the step before: then there is nothing to extrapolate from.
    if before is not None and step.sigma_next > 0 and before.sigma > step.sigma:
        ratio = (torch.log(step.sigma / step.sigma_next) / torch.log(before.sigma / step.sigma)).item() / 2
        denoised = denoised + ratio * (denoised - before.denoised)
    return shrink * step.x + (1 - shrink) * denoised


SOLVERS: dict[str, Solver] = {"euler": euler, "heun": heun, "multistep": multistep}
