"""Evidence: what is known of the plans that are drawn, beside what the tracks contain.

Sampling follows the denoised estimate from step to step. Whatever is known of the answer is said there: a function
puts the estimate right, and the rest of the sampler stays as it is. Source: replacement and resampling as in RePaint
(Lugmayr et al. 2022, arXiv 2201.09865); projecting the estimate as in DDNM (Wang et al. 2023, arXiv 2212.00490).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from megami.errors import UserError
from megami.generator.known_tracks import Known

Correction = Callable[[Tensor, int], Tensor]
"""(estimate [tracks, channels, tokens] of one mix, number of that mix) -> what it must be, in the same shape."""

Lean = Callable[[Tensor, int, float], Tensor]
"""(estimate [tracks, channels, tokens] of one mix, number of that mix, noise level) -> the estimate, given more."""

MAX_PASSES = 20


@dataclass(frozen=True, eq=False)
class Evidence:
    """How estimates are put right while mixes are sampled. Raises UserError for a number of passes below 1.

    correct   sees the estimate of every step, the tracks in the order in which they were given
    passes    how often each step is taken: after every pass but the last, the noise that it removed is added again, so
              that tracks of which nothing is known can answer those of which something is
    lean      soft evidence: sees the estimate before that, and by how much noise it was made from
    known     tracks that `correct` puts to what is known of them, so that the others can be drawn to fit them
    """

    correct: Correction
    passes: int = 1
    lean: Lean | None = None
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

        def lean(estimate: Tensor, item: int, sigma: float) -> Tensor:
            assert self.lean is not None
            return self.lean(estimate[back[item]], first + item, sigma)[index[item]]

        known = None if self.known is None else self.known.in_slots(index)
        return replace(self, correct=correct, lean=None if self.lean is None else lean, known=known)

    def put_right(self, estimate: Tensor, sigma: float) -> Tensor:
        """What it makes of an estimate [b, tracks, channels, tokens], item by item, so that none sees the others."""
        items = []
        for number, one in enumerate(estimate):
            leant = one if self.lean is None else self.lean(one, number, sigma)
            items.append(self.correct(leant, number))
        return torch.stack(items)
