"""Tracks whose plans are known: what the network is shown of them, and how the other tracks are drawn to fit.

Two things that putting the estimate right does not do by itself. The network sees the known tracks without noise, so
that no luck of the noise speaks for another plan. And its estimate of the known tracks, which depends on what the
others are becoming, is compared with the truth: the others move to where it would come nearer. Source: diffusion
posterior sampling (Chung et al. 2023, arXiv 2209.14687), with the variance of the clean plan as in pseudoinverse
guidance (Song et al. 2023). The chapter "The whole system, and how to direct it" measures both.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

SPREAD = 0.5  # of the plans of a song, in units of sigma_data, which is that of all plans
LARGEST_PULL = 1.0  # of a track in one step, in units of the length of a plan


@dataclass(frozen=True, eq=False)
class Known:
    """Which tracks are known [..., tracks], and what they are [..., tracks, channels, tokens].

    With a leading dimension for the items of a batch, or without one for a single mix.
    """

    tracks: Tensor
    values: Tensor

    def put_into(self, x: Tensor) -> Tensor:
        """x [b, tracks, channels, tokens] with the known tracks as they are."""
        return torch.where(self.tracks[..., None, None].to(x.device), self.values.to(x), x)

    def in_slots(self, index: Tensor) -> Known:
        """The same for a batch whose tracks stand in other places: index [b, tracks] says which is in each slot."""
        return Known(self.tracks.to(index.device)[index], self.values.to(index.device)[index])

    def batched(self, size: int) -> Known:
        """The same for every item of a batch, if it is not for a batch yet."""
        if self.tracks.dim() > 1:
            return self
        return Known(self.tracks.expand(size, -1), self.values.expand(size, *self.values.shape))

    def of(self, item: int) -> Known:
        """Those of one item of a batch, as a batch of one."""
        if self.tracks.dim() == 1:
            return self
        return Known(self.tracks[item : item + 1], self.values[item : item + 1])


Slope = Callable[[Tensor, int], Tensor]
"""(estimate [tracks, channels, tokens] of one item, its number) -> slope of a log likelihood there, in that shape."""


def estimate_around(
    denoise: Callable[[Tensor], Tensor],
    x: Tensor,
    sigma: float,
    sigma_data: float,
    known: Known | None = None,
    slope: Slope | None = None,
) -> Tensor:
    """The denoised estimate of x [b, tracks, channels, tokens] at noise level sigma, given tracks or a likelihood.

    Costs a pass back through the network beside the pass forward. Items of the batch do not depend on each other.
    """
    shown = x if known is None else known.put_into(x)
    with torch.inference_mode(False), torch.enable_grad():
        leaf = shown.detach().clone().requires_grad_()
        estimate = denoise(leaf)
        wanted = torch.zeros_like(estimate)  # slope of the log likelihood at the estimate
        if known is not None:
            spread = (SPREAD * sigma_data) ** 2
            variance_left = spread * sigma**2 / (spread + sigma**2)
            wanted = wanted + (known.put_into(estimate) - estimate).detach() / variance_left
        if slope is not None:
            wanted = wanted + torch.stack([slope(one, number) for number, one in enumerate(estimate.detach())])
        (back,) = torch.autograd.grad(estimate, leaf, wanted)
    pull = sigma**2 * back
    size = pull.flatten(2).norm(dim=-1)[..., None, None]
    largest = LARGEST_PULL * sigma_data * pull[0, 0].numel() ** 0.5
    pull = pull * (largest / size.clamp_min(largest))
    return estimate.detach() + (pull if known is None else pull * ~known.tracks[..., None, None].to(x.device))
