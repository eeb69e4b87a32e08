"""Recorder: what sampling went through, for pictures and for tests."""

from __future__ import annotations

import torch
from torch import Tensor


class Recorder:
    """A callback of `sample` that keeps what it sees of every step.

    sigmas    the noise level of each step
    noisy     x at that level, [b, ...] each
    denoised  what the denoiser expected behind it, [b, ...] each; the last one is the answer

    With `sample_mixes`, which draws many mixes some at a time, the steps of one lot follow those of another; record
    one lot.
    """

    def __init__(self) -> None:
        self.sigmas: list[float] = []
        self.noisy: list[Tensor] = []
        self.denoised: list[Tensor] = []

    def __call__(self, step: int, sigma: float, x: Tensor, denoised: Tensor) -> None:
        """Keep one step; copies are kept, whatever becomes of the tensors."""
        self.sigmas.append(sigma)
        self.noisy.append(x.detach().cpu().clone())
        self.denoised.append(denoised.detach().cpu().clone())

    def path(self) -> Tensor:
        """The way of each item from noise to answer: [steps + 1, b, ...]."""
        return torch.stack([*self.noisy, self.denoised[-1]])

    def estimates(self) -> Tensor:
        """What the denoiser expected at each step: [steps, b, ...]."""
        return torch.stack(self.denoised)
