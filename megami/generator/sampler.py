"""Sampling: from noise to effect embeddings, step by step along the schedule.

Source: Karras et al. 2022 (EDM), algorithm 2, with the particulars of the published MEGAMI sampler; the multistep
solver is DPM-Solver++ (2M) of Lu et al. 2022 (arXiv 2211.01095, algorithm 2).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import torch
from torch import Tensor

from megami.errors import UserError
from megami.generator.edm import Denoiser, schedule
from megami.generator.temperature import at_temperature, check_temperature, score_factor

Generators = torch.Generator | Sequence[torch.Generator] | None
Slope = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
Callback = Callable[[int, float, Tensor, Tensor], None]
SOLVERS = ("euler", "heun", "multistep")
TRACK_ORDERS = ("content", "drawn", "given")
TOKENS_AT_ONCE = 8192  # of all mixes together; bounds the memory of attention


@torch.no_grad()
def sample(
    denoiser: Denoiser,
    cond: Tensor,
    mask: Tensor | None = None,
    num_points: int = 25,
    solver: str = "euler",
    churn: float = 0.0,
    guidance: float = 1.0,
    generator: Generators = None,
    prior: Tensor | None = None,
    churn_noise: Tensor | None = None,
    callback: Callback | None = None,
    temperature: float = 1.0,
) -> Tensor:
    """Draw effect embeddings given the content of the tracks: [b, tracks, channels, tokens].

    cond [b, tracks, cond tokens, channels] and mask [b, tracks] as the denoiser takes them. `num_points` noise levels
    cost num_points - 1 steps. `solver`: "euler", "heun" (two network calls a step) or "multistep" (one call, and the
    estimate of the step before: second order at the price of Euler). `churn` adds fresh noise before each step;
    `temperature` multiplies the variance within modes, not the distances between them (see `score_factor`). Noise comes
    from `generator` (one for the batch, or one per item), or is given as unit normal draws: `prior` [b, tracks,
    channels, tokens] and `churn_noise` [num_points - 1, b, tracks, channels, tokens]. `callback(step, sigma, x,
    denoised)` sees every step. Noise is drawn on the CPU and in every step, used or not, so that neither device nor
    churn shifts the draws. The answer is the last denoised estimate, zero for absent tracks. Source: EDM algorithm 2;
    the published sampler starts its churn after the first step, as the noise level may not exceed sigma_max. Raises
    UserError for another solver, a negative churn, an impossible temperature, or too few points.
    """
    check_temperature(temperature)
    if solver not in SOLVERS:
        raise UserError(f"the solver must be one of {', '.join(SOLVERS)}, not {solver!r}")
    levels = schedule(num_points, denoiser.config)
    gammas = churn_amounts(levels, churn)
    if prior is None:
        sizes = denoiser.network.config
        prior = draw((*cond.shape[:2], sizes.io_channels, sizes.tokens), generator)

    def slope(x: Tensor, sigma: Tensor, limit: float) -> tuple[Tensor, Tensor]:
        """dx/dsigma at x, and the denoised estimate that it points away from (EDM equation 3)."""
        factor = min(score_factor(sigma.item(), denoiser.config, temperature), limit)
        denoised = at_temperature(x, denoiser(x, sigma, cond, mask, guidance), factor)
        return (x - denoised) / sigma.item(), denoised

    x = levels[0].item() * prior.to(cond)
    denoised, before = torch.zeros_like(x), None
    for i in range(num_points - 1):
        noise = (draw(x.shape, generator) if churn_noise is None else churn_noise[i]).to(x)
        sigma = min(levels[i] * (1 + gammas[i]), torch.tensor(denoiser.config.sigma_max))
        if sigma > levels[i]:
            x = x + (sigma**2 - levels[i] ** 2).sqrt().item() * noise
        # However low the temperature, no step goes beyond what the network itself takes for the answer.
        limit = 1 / (1 - (levels[i + 1] / sigma).item())
        change, denoised = slope(x, sigma, limit)
        if callback is not None:
            callback(i, sigma.item(), x, denoised)
        if solver == "multistep":
            x = _multistep(x, denoised, sigma, levels[i + 1], before)
            before = (sigma, denoised)
        else:
            x = _step(x, change, sigma, levels[i + 1], partial(slope, limit=limit) if solver == "heun" else None)
    return denoised


def _multistep(
    x: Tensor, denoised: Tensor, sigma: Tensor, sigma_next: Tensor, before: tuple[Tensor, Tensor] | None
) -> Tensor:
    """Go to sigma_next as if the estimate went on changing as it did since the step before (DPM-Solver++ 2M).

    Time is -ln sigma: x' = (sigma' / sigma) x + (1 - sigma' / sigma) D, where D is extrapolated by half a step.
    """
    shrink = (sigma_next / sigma).item()
    # Churn may lead back to, or beyond, the level of the step before: then there is nothing to extrapolate from.
    if before is not None and sigma_next > 0 and before[0] > sigma:
        earlier, old = before
        ratio = (torch.log(sigma / sigma_next) / torch.log(earlier / sigma)).item() / 2
        denoised = denoised + ratio * (denoised - old)
    return shrink * x + (1 - shrink) * denoised


def _step(x: Tensor, change: Tensor, sigma: Tensor, sigma_next: Tensor, slope: Slope | None) -> Tensor:
    """Go from sigma to sigma_next along the slope `change`; Heun, who looks at the `slope` ahead, averages the two."""
    length = (sigma_next - sigma).item()
    ahead = x + length * change
    if slope is None or sigma_next == 0:  # at 0 there is no slope to average with
        return ahead
    return x + length * (change + slope(ahead, sigma_next)[0]) / 2


def churn_amounts(levels: Tensor, churn: float) -> Tensor:
    """Give gamma for each noise level of a schedule [num_points]: the share by which fresh noise raises it first.

    The total `churn` is spread over the points, at most sqrt(2) - 1 each; 0 at level 0. Source: EDM algorithm 2.
    Raises UserError for a negative churn.
    """
    if churn < 0:
        raise UserError(f"churn must be 0 or more, not {churn}")
    gamma = min(churn / len(levels), 2**0.5 - 1)
    return torch.where(levels > 0, gamma, 0.0)


@torch.no_grad()
def sample_mixes(
    denoiser: Denoiser,
    cond: Tensor,
    num_mixes: int,
    num_points: int,
    seed: int,
    solver: str = "euler",
    churn: float = 0.0,
    guidance: float = 1.0,
    track_order: str = "content",
    callback: Callback | None = None,
    temperature: float = 1.0,
) -> Tensor:
    """Draw several mixes of one song: cond [tracks, cond tokens, channels] -> [num_mixes, tracks, channels, tokens].

    Mix k depends on the seed and k only, not on how many mixes are drawn. `solver`, `churn`, `guidance` and
    `temperature` as in `sample`. `track_order` says in which order the network sees the tracks: by their "content", so
    that giving them in another order gives the same answers in that order; "drawn" anew for each mix from there, for
    networks that are told track numbers (`paper`), so that no track has a number of its own; or as they are "given".
    Many mixes of many tracks are drawn some at a time, and `callback` sees the steps of each lot. Raises UserError for
    another order.
    """
    if track_order not in TRACK_ORDERS:
        raise UserError(f"track_order must be one of {', '.join(TRACK_ORDERS)}, not {track_order!r}")
    generators = [mix_generator(seed, k) for k in range(num_mixes)]
    index = torch.stack([_slots(cond, track_order, g) for g in generators]).to(cond.device)
    at_once = max(1, TOKENS_AT_ONCE // (len(cond) * denoiser.network.config.tokens))
    lots = [
        sample(
            denoiser,
            cond[index[start : start + at_once]],
            num_points=num_points,
            solver=solver,
            churn=churn,
            guidance=guidance,
            generator=generators[start : start + at_once],
            callback=callback,
            temperature=temperature,
        )
        for start in range(0, num_mixes, at_once)
    ]
    z, back = torch.cat(lots), index.argsort(dim=1)
    return torch.stack([z[k, back[k]] for k in range(num_mixes)])


def _slots(cond: Tensor, track_order: str, generator: torch.Generator) -> Tensor:
    """Say which track is in each slot: [tracks]."""
    if track_order == "given":
        return torch.arange(len(cond))
    order = canonical_order(cond)
    return order[torch.randperm(len(order), generator=generator)] if track_order == "drawn" else order


def canonical_order(cond: Tensor) -> Tensor:
    """Order tracks by what they contain: cond [tracks, ...] -> indices [tracks] that sort them.

    Any fixed order does; this one compares the numbers of two tracks from the first on.
    """
    rows = cond.detach().reshape(cond.shape[0], -1).cpu().numpy()
    return torch.from_numpy(np.lexsort(rows.T[::-1]).copy())


def mix_generator(seed: int, mix_index: int) -> torch.Generator:
    """Give the source of all randomness of mix number `mix_index` of a song; always on the CPU.

    Raises UserError for a negative seed.
    """
    if seed < 0:
        raise UserError(f"the seed must be 0 or more, not {seed}")
    state = np.random.SeedSequence([seed, mix_index]).generate_state(1, np.uint64)[0]
    return torch.Generator().manual_seed(int(state))


def prior_noise(seed: int, mix_index: int, shape: Sequence[int]) -> Tensor:
    """Give the unit normal draw that mix number `mix_index` starts from: shape [tracks, channels, tokens]."""
    return torch.randn(tuple(shape), generator=mix_generator(seed, mix_index))


def draw(shape: Sequence[int], generator: Generators) -> Tensor:
    """Draw unit normal noise of shape [b, ...] from one generator, or each item of the batch from its own."""
    if generator is None or isinstance(generator, torch.Generator):
        return torch.randn(tuple(shape), generator=generator)
    if len(generator) != shape[0]:
        raise ValueError(f"{len(generator)} generators for a batch of {shape[0]}")
    return torch.stack([torch.randn(tuple(shape[1:]), generator=g) for g in generator])
