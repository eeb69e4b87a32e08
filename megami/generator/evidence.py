"""Evidence: what is known of the plans that are drawn, beside what the tracks contain.

Sampling follows the denoised estimate from step to step. Whatever is known of the answer is said there: a function
puts the estimate right, and the rest of the sampler stays as it is. Source: replacement and resampling as in RePaint
(Lugmayr et al. 2022, arXiv 2201.09865); projecting the estimate as in DDNM (Wang et al. 2023, arXiv 2212.00490).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from megami.errors import UserError
from megami.generator.known_tracks import Known

Correction = Callable[[Tensor, int], Tensor]
"""(estimate [tracks, channels, tokens] of one mix, number of that mix) -> what it must be, in the same shape."""

LikelihoodSlope = Callable[..., Tensor]
"""(estimate [tracks, channels, tokens] of one mix, number of that mix, sigma=noise level) -> slope of the logarithm of
the evidence's likelihood, in the same shape."""

MAX_PASSES = 20


@dataclass(frozen=True, eq=False)
class Evidence:
    """How estimates are put right while mixes are sampled. Raises UserError for a number of passes below 1.

    correct   sees the estimate of every step, the tracks in the order in which they were given
    passes    how often each step is taken: after every pass but the last, the noise that it removed is added again, so
              that tracks of which nothing is known can answer those of which something is
    slope     soft evidence: where the estimate should move, and how urgently; the noisy plan moves to where the network
              would estimate so
    known     tracks that `correct` puts to what is known of them, so that the others can be drawn to fit them
    """

    correct: Correction
    passes: int = 1
    slope: LikelihoodSlope | None = None
    known: Known | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.passes <= MAX_PASSES:
            raise UserError(f"the number of passes must be from 1 to {MAX_PASSES}, not {self.passes}")

    def in_slots(self, index: Tensor, first: int) -> Evidence:
        """The same for a batch whose tracks stand in other places: index [b, tracks] says which is in each slot.

        `first` is the number of the mix that the batch begins with.
        """
        back = index.argsort(dim=1)

        def correct(estimate: Tensor, item: int) -> Tensor:
            return self.correct(estimate[back[item]], first + item)[index[item]]

        def slope(estimate: Tensor, item: int, sigma: float) -> Tensor:
            assert self.slope is not None
            return self.slope(estimate[back[item]], first + item, sigma=sigma)[index[item]]

        known = None if self.known is None else self.known.in_slots(index)
        return Evidence(correct, self.passes, None if self.slope is None else slope, known)

    def of(self, item: int) -> Evidence:
        """The same for one item of a batch, as a batch of one."""

        def slope(estimate: Tensor, _: int, sigma: float) -> Tensor:
            assert self.slope is not None
            return self.slope(estimate, item, sigma=sigma)

        return Evidence(
            lambda estimate, _: self.correct(estimate, item),
            self.passes,
            None if self.slope is None else slope,
            None if self.known is None else self.known.of(item),
        )

    @property
    def speaks_through_network(self) -> bool:
        """Whether it moves the noisy plan, not the estimate alone."""
        return self.known is not None or self.slope is not None

    def put_right(self, estimate: Tensor) -> Tensor:
        """What it makes of an estimate [b, tracks, channels, tokens], item by item, so that none sees the others."""
        return torch.stack([self.correct(one, number) for number, one in enumerate(estimate)])
