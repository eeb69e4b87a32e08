"""EDM: how noise is added to effect embeddings, how a network is wrapped to remove it, and what it is trained on.

Symbols as in Karras et al., "Elucidating the Design Space of Diffusion-Based Generative Models" (2022), called EDM.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from megami.errors import UserError
from megami.generator.linear_denoiser import LinearDenoiser
from megami.generator.transformer import MultitrackTransformer


@dataclass(frozen=True)
class EDMConfig:
    """Noise levels of the diffusion; the defaults are the published ones (MEGAMI, generator)."""

    # RMS of one component of the data. A unit vector of d numbers has 1/sqrt(d): 0.022 for d = 2112; published: 0.025.
    sigma_data: float = 0.025
    # Least noise: a fiftieth of the data, beyond which nothing audible is left to remove.
    sigma_min: float = 5e-4
    # Most noise: 200 times the data, so that the start of sampling is noise and nothing else.
    sigma_max: float = 5.0
    # Curvature of the schedule: the larger, the more points lie near sigma_min (EDM uses 7).
    rho: float = 10.0

    def __post_init__(self) -> None:
        if not 0 < self.sigma_min < self.sigma_max or self.sigma_data <= 0 or self.rho <= 0:
            raise UserError("noise levels need 0 < sigma_min < sigma_max, and sigma_data and rho above 0")


@dataclass(frozen=True)
class Coefficients:
    """The numbers that wrap a network at noise level sigma; each has the shape of sigma (EDM, table 1)."""

    skip: Tensor
    out: Tensor
    input: Tensor
    noise: Tensor
    loss_weight: Tensor


def coefficients(sigma: Tensor, config: EDMConfig) -> Coefficients:
    """Give the preconditioning at each noise level, which keeps network inputs and targets at unit variance.

    sigma: any shape, above 0. `loss_weight` is the weight on the denoiser's squared error that equals weight 1 on the
    network's own error. Source: EDM table 1, column "Ours"; MEGAMI, generator.
    """
    total = sigma**2 + config.sigma_data**2
    return Coefficients(
        skip=config.sigma_data**2 / total,
        out=sigma * config.sigma_data / total.sqrt(),
        input=1 / total.sqrt(),
        noise=sigma.log() / 4,
        loss_weight=total / (sigma * config.sigma_data) ** 2,
    )


def noise_level(position: Tensor, config: EDMConfig) -> Tensor:
    """Give the noise level at each position on the curved axis from sigma_max (0) to sigma_min (1); EDM equation 5."""
    high, low = config.sigma_max ** (1 / config.rho), config.sigma_min ** (1 / config.rho)
    return (high + position * (low - high)) ** config.rho


def level_position(sigma: Tensor, config: EDMConfig) -> Tensor:
    """Undo `noise_level`: where noise levels lie on the curved axis."""
    high, low = config.sigma_max ** (1 / config.rho), config.sigma_min ** (1 / config.rho)
    return (high - sigma ** (1 / config.rho)) / (high - low)


def schedule(num_points: int, config: EDMConfig) -> Tensor:
    """Give the noise levels that sampling visits: [num_points], from sigma_max down to exactly 0.

    The last point of the curve, sigma_min, is replaced by 0, so `num_points` points cost num_points - 1 steps.
    Raises UserError for fewer than 2 points. Source: EDM equation 5; the published sampler.
    """
    if num_points < 2:
        raise UserError(f"sampling needs at least 2 noise levels, not {num_points}: ask for more steps")
    positions = torch.arange(num_points, dtype=torch.float64) / (num_points - 1)
    levels = noise_level(positions, config)
    levels[-1] = 0.0
    return levels.float()


class Denoiser(nn.Module):
    """Wraps a raw network F so that it estimates the clean embeddings: D(x; s) = c_skip x + c_out F(c_in x; c_noise).

    The network takes (x [b, tracks, channels, tokens], c_noise [b, 1], cond [b, tracks, cond tokens, channels],
    mask [b, tracks]); any other module of this form will do, such as `PointNetwork`. With `linear`, F is the sum of
    both: the network learns what a linear filter does not know.
    Source: EDM equation 7.
    """

    def __init__(self, network: MultitrackTransformer, config: EDMConfig, linear: LinearDenoiser | None = None) -> None:
        super().__init__()
        self.network = network
        self.config = config
        self.linear = linear

    def forward(
        self, x: Tensor, sigma: Tensor | float, cond: Tensor, mask: Tensor | None = None, guidance: float = 1.0
    ) -> Tensor:
        """Estimate the clean embeddings in x [b, tracks, channels, tokens], noisy at level sigma (a number or [b]).

        mask [b, tracks] is true where there is a track; absent tracks give zeros. A guidance above 1 exaggerates what
        the content asks for, 0 ignores the content (classifier-free guidance, Ho and Salimans 2022).
        """
        mask = present_tracks(x, mask)
        c = coefficients(per_item(sigma, x), self.config)
        raw = self._guided(wide(c.input) * x, c.noise[:, None], cond, mask, guidance)
        return (wide(c.skip) * x + wide(c.out) * raw) * wide_mask(mask)

    def raw(self, x: Tensor, cnoise: Tensor, cond: Tensor, mask: Tensor) -> Tensor:
        """F of the above: what is learned, before any preconditioning. Arguments as the network takes them."""
        answer = self.network(x, cnoise, cond, mask)
        return answer if self.linear is None else answer + self.linear(x, cnoise, cond)

    def _guided(self, x: Tensor, cnoise: Tensor, cond: Tensor, mask: Tensor, guidance: float) -> Tensor:
        """Mix the network's answers with and without content, before any preconditioning, as published."""
        if guidance == 1.0:
            return self.raw(x, cnoise, cond, mask)
        twice = [torch.cat([value, value]) for value in (x, cnoise, mask)]
        both = self.raw(twice[0], twice[1], torch.cat([cond, torch.zeros_like(cond)]), twice[2])
        with_content, without = both.chunk(2)
        return without + guidance * (with_content - without)


@dataclass(frozen=True)
class LossTerms:
    """What one training step puts in and compares; `error` is averaged to the loss."""

    network_input: Tensor  # [b, tracks, channels, tokens]
    cnoise: Tensor  # [b]
    target: Tensor  # [b, tracks, channels, tokens]
    error: Tensor  # [b, tracks, channels, tokens], masked, and scaled up by what is masked


def loss_terms(
    denoiser: Denoiser, y: Tensor, cond: Tensor, mask: Tensor | None, sigma: Tensor, noise: Tensor
) -> LossTerms:
    """Add noise to clean embeddings and compare the network's answer with what it should have said.

    y, noise: [b, tracks, channels, tokens] clean embeddings and unit normal draws; cond: [b, tracks, cond tokens,
    channels]; mask: [b, tracks] bool; sigma: [b]. Errors of absent tracks count as 0, and all others are multiplied by
    (tracks in the batch / tracks present), so that padding does not change the loss. Source: EDM equation 8.
    """
    mask = present_tracks(y, mask)
    c = coefficients(sigma, denoiser.config)
    noisy = y + wide(sigma) * noise
    network_input = wide(c.input) * noisy
    target = (y - wide(c.skip) * noisy) / wide(c.out)
    answer = denoiser.raw(network_input, c.noise[:, None], cond, mask)
    scale = mask.numel() / mask.sum().clamp_min(1)
    error = (answer - target) ** 2 * wide_mask(mask) * scale
    return LossTerms(network_input, c.noise, target, error)


def training_loss(
    denoiser: Denoiser, y: Tensor, cond: Tensor, mask: Tensor | None, sigma: Tensor, noise: Tensor
) -> Tensor:
    """Give the scalar that training minimises: the mean of `loss_terms(...).error`. Arguments as there."""
    return loss_terms(denoiser, y, cond, mask, sigma, noise).error.mean()


FOCUS = (10.0, 0.1)  # times sigma_data


def sample_sigma(
    batch: int,
    config: EDMConfig,
    generator: torch.Generator | None = None,
    stratified: bool = False,
    focus: float = 0.0,
) -> Tensor:
    """Draw the noise level of each training item: [batch], uniform on the curved axis of the schedule, as published.

    Two additions of ours, for training with little time. stratified=True spreads the batch evenly over that axis in
    random order: each item keeps the same distribution but batches differ less from each other. `focus` is the share
    of items that are drawn between 10 and 0.1 times sigma_data only: above, all that can be said of the clean embedding
    is its mean; below, it can be read off. The published axis spends more than half of its length there.
    """
    place = torch.rand(batch, generator=generator)
    if stratified:
        place = (torch.randperm(batch, generator=generator) + place) / batch
    if focus == 0:
        return noise_level(place, config)
    first, last = (level_position(torch.tensor(factor * config.sigma_data), config).item() for factor in FOCUS)
    inside = first + (last - first) * place / focus
    return noise_level(torch.where(place < focus, inside, (place - focus) / (1 - focus)), config)


def drop_condition(cond: Tensor, probability: float, generator: torch.Generator | None = None) -> Tensor:
    """Replace the content of a whole song by zeros now and then, so that the network also learns to do without.

    cond: [b, ...]; each item is dropped with `probability` (published: 0.2). Guidance needs a network trained so.
    """
    keep = torch.rand(cond.shape[0], generator=generator) >= probability
    return cond * keep.to(cond).reshape(-1, *[1] * (cond.dim() - 1))


def present_tracks(x: Tensor, mask: Tensor | None) -> Tensor:
    """Give the mask [b, tracks] as booleans on x's device; no mask means that all tracks are there."""
    if mask is None:
        return torch.ones(x.shape[:2], dtype=torch.bool, device=x.device)
    return mask.to(device=x.device, dtype=torch.bool)


def per_item(sigma: Tensor | float, x: Tensor) -> Tensor:
    """Spread one noise level over the batch of x: [b]."""
    return torch.as_tensor(sigma, dtype=x.dtype, device=x.device).expand(x.shape[0])


def wide(value: Tensor) -> Tensor:
    """Shape one number per item [b] so that it multiplies [b, tracks, channels, tokens]."""
    return value[:, None, None, None]


def wide_mask(mask: Tensor) -> Tensor:
    """Shape one truth per track [b, tracks] so that it multiplies [b, tracks, channels, tokens]."""
    return mask[:, :, None, None]
