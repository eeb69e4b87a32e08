"""Sampling: from noise to effect embeddings, step by step along the schedule.

Source: Karras et al. 2022 (EDM), algorithm 2, with the particulars of the published MEGAMI sampler.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from numbers import Integral
from typing import Any

import numpy as np
import torch
from torch import Tensor

from megami.errors import UserError
from megami.generator.edm import Denoiser, schedule
from megami.generator.evidence import Evidence
from megami.generator.known_tracks import estimate_around
from megami.generator.solvers import SOLVERS, Step
from megami.generator.temperature import at_temperature, check_temperature, score_factor

Generators = torch.Generator | Sequence[torch.Generator] | None
Callback = Callable[[int, float, Tensor, Tensor], None]
"""(step, sigma, x, denoised): sees every sampling step, as k-diffusion's callbacks do."""

TRACK_ORDERS = ("content", "drawn", "given")
TOKENS_AT_ONCE = 8192  # of all mixes together; bounds the memory of attention


@dataclass(frozen=True)
class SamplingOptions:
    """How the generator is sampled. Raises UserError for options that mean nothing.

    steps        how often the noise is lowered; each step costs one network evaluation (Heun: two)
    solver       name of a function in `megami.generator.solvers`
    churn        fresh noise added before the steps, in all; keeps mixes diverse (EDM algorithm 2)
    guidance     above 1 exaggerates what the content asks for, 0 ignores it (classifier-free guidance)
    temperature  multiplies the variance within modes, not the distances between them (`score_factor`)
    """

    steps: int = 24
    solver: str = "euler"
    churn: float = 0.0
    guidance: float = 1.0
    temperature: float = 1.0

    def __post_init__(self) -> None:
        if self.solver not in SOLVERS:
            raise UserError(f"the solver must be one of {', '.join(SOLVERS)}, not {self.solver!r}")
        if isinstance(self.steps, bool) or not isinstance(self.steps, Integral) or self.steps < 1:
            raise UserError(f"the number of steps must be a whole number of 1 or more, not {self.steps!r}")
        if not self.churn >= 0:
            raise UserError(f"churn must be 0 or more, not {self.churn}")
        check_temperature(self.temperature)

    def but(self, **given: float | str | None) -> SamplingOptions:
        """The same options but for those that are given and not None."""
        changes: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
        return replace(self, **changes)


@torch.no_grad()
def sample(
    denoiser: Denoiser,
    cond: Tensor,
    options: SamplingOptions,
    mask: Tensor | None = None,
    generator: Generators = None,
    prior: Tensor | None = None,
    churn_noise: Tensor | None = None,
    callback: Callback | None = None,
    one_by_one: bool = False,
    evidence: Evidence | None = None,
) -> Tensor:
    """Draw effect embeddings given the content of the tracks: [b, tracks, channels, tokens].

    cond [b, tracks, cond tokens, channels] and mask [b, tracks] as the denoiser takes them. Noise comes from
    `generator` (one for the batch, or one per item), or is given as unit normal draws: `prior` [b, tracks, channels,
    tokens] and `churn_noise` [steps, b, tracks, channels, tokens]. `callback(step, sigma, x, denoised)` sees every
    step. `one_by_one`: the network sees each item of the batch alone, so that no bit of it depends on the others;
    matrix products round otherwise in batches of another size. `evidence` puts every estimate right, and may have steps
    taken several times. Noise is drawn on the CPU and in every step, used or not, so that neither device nor churn
    shifts the draws. The answer is the last denoised estimate, zero for absent tracks. Source: EDM algorithm 2; the
    published sampler starts its churn after the first step, as the noise level may not exceed sigma_max.
    """
    levels = schedule(options.steps + 1, denoiser.config)
    gammas = churn_amounts(levels, options.churn)
    if prior is None:
        sizes = denoiser.network.config
        prior = draw((*cond.shape[:2], sizes.io_channels, sizes.tokens), generator)

    def estimate(x: Tensor, sigma: Tensor) -> Tensor:
        if not one_by_one:
            return _estimate(denoiser, x, sigma, cond, mask, options.guidance, evidence)
        masks = [None] * len(x) if mask is None else mask.split(1)
        answers = []
        for item, there in enumerate(masks):
            here = None if evidence is None else evidence.of(item)
            own = (x[item : item + 1], sigma, cond[item : item + 1], there, options.guidance)
            answers.append(_estimate(denoiser, *own, here))
        return torch.cat(answers)

    solve = SOLVERS[options.solver]
    x = levels[0].item() * prior.to(cond)
    step: Step | None = None
    for i, again in _visits(options.steps, evidence):
        noise = (draw(x.shape, generator) if churn_noise is None else churn_noise[i]).to(x)
        sigma = min(levels[i] * (1 + gammas[i]), torch.tensor(denoiser.config.sigma_max))
        if sigma > levels[i]:
            x = x + (sigma**2 - levels[i] ** 2).sqrt().item() * noise
        # However low the temperature, no step goes beyond what the network itself takes for the answer.
        limit = 1 / (1 - (levels[i + 1] / sigma).item())

        def denoise(x: Tensor, sigma: Tensor, limit: float = limit) -> Tensor:
            factor = min(score_factor(sigma.item(), denoiser.config, options.temperature), limit)
            answer = at_temperature(x, estimate(x, sigma), factor)
            return answer if evidence is None else evidence.put_right(answer)

        denoised = denoise(x, sigma)
        if callback is not None:
            callback(i, sigma.item(), x, denoised)
        before = None if step is None else replace(step, before=None)  # one step back is enough, and all is too much
        step = Step(x, denoised, sigma, levels[i + 1], denoise, before)
        x = solve(step)
        if again:
            x = x + (levels[i] ** 2 - levels[i + 1] ** 2).sqrt().item() * draw(x.shape, generator).to(x)
    assert step is not None
    return step.denoised


def _estimate(
    denoiser: Denoiser,
    x: Tensor,
    sigma: Tensor,
    cond: Tensor,
    mask: Tensor | None,
    guidance: float,
    evidence: Evidence | None,
) -> Tensor:
    """What the denoiser says of x, given evidence that speaks through the network."""
    if evidence is None or not evidence.speaks_through_network:
        return denoiser(x, sigma, cond, mask, guidance)
    denoise = partial(denoiser, sigma=sigma, cond=cond.clone(), mask=mask, guidance=guidance)
    known, level = None if evidence.known is None else evidence.known.batched(len(x)), sigma.item()
    slope = None if evidence.slope is None else partial(evidence.slope, sigma=level)
    return estimate_around(denoise, x, level, denoiser.config.sigma_data, known, slope)


def _visits(steps: int, evidence: Evidence | None) -> list[tuple[int, bool]]:
    """The steps in the order in which they are taken, and after which of them the noise is added again.

    Never after the last one, whose estimate is the answer.
    """
    passes = 1 if evidence is None else evidence.passes
    taken = [(i, k < passes) for i in range(steps - 1) for k in range(1, passes + 1)]
    return [*taken, (steps - 1, False)]


def churn_amounts(levels: Tensor, churn: float) -> Tensor:
    """Give gamma for each noise level of a schedule [num_points]: the share by which fresh noise raises it first.

    The total `churn` is spread over the points, at most sqrt(2) - 1 each; 0 at level 0. Source: EDM algorithm 2.
    """
    gamma = min(churn / len(levels), 2**0.5 - 1)
    return torch.where(levels > 0, gamma, 0.0)


@torch.no_grad()
def sample_mixes(
    denoiser: Denoiser,
    cond: Tensor,
    num_mixes: int,
    options: SamplingOptions,
    seed: int,
    track_order: str = "content",
    callback: Callback | None = None,
    one_by_one: bool = False,
    evidence: Evidence | None = None,
) -> Tensor:
    """Draw several mixes of one song: cond [tracks, cond tokens, channels] -> [num_mixes, tracks, channels, tokens].

    Mix k depends on the seed and k only, not on how many mixes are drawn, to the last bit if they are drawn
    `one_by_one`. `track_order` says in which order the network sees the tracks: by their "content", so that giving them
    in another order gives the same answers in that order; "drawn" anew for each mix from there, for networks that are
    told track numbers (`paper`), so that no track has a number of its own; or as they are "given". Many mixes of many
    tracks are drawn some at a time, and `callback` sees the steps of each lot. `evidence` sees the tracks in the order
    in which they are given. Raises UserError for another order.
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
            options,
            generator=generators[start : start + at_once],
            callback=callback,
            one_by_one=one_by_one,
            evidence=None if evidence is None else evidence.in_slots(index[start : start + at_once], start),
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


def draw(shape: Sequence[int], generator: Generators) -> Tensor:
    """Draw unit normal noise of shape [b, ...] from one generator, or each item of the batch from its own."""
    if generator is None or isinstance(generator, torch.Generator):
        return torch.randn(tuple(shape), generator=generator)
    if len(generator) != shape[0]:
        raise ValueError(f"{len(generator)} generators for a batch of {shape[0]}")
    return torch.stack([torch.randn(tuple(shape[1:]), generator=g) for g in generator])
