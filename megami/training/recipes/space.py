"""How far knobs of reverb and echo are from those of the chain that made a sound."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from megami.corpus.space import NAMES
from megami.processor import SpaceKnobs, time_error


def space_loss(knobs: SpaceKnobs, space: Tensor) -> Tensor:
    """Mean error of knobs against the numbers of `megami.corpus.space` [b, SPACE]: a scalar.

    Each term is about 1 for what one would like to hear: a decay wrong by a third, a level by 4 dB, feedback by 0.2.
    Settings of what is not there do not count.
    """
    true = dict(zip(NAMES, space.to(knobs.echo).unbind(-1), strict=True))
    reverb, echo = true["reverb"], true["echo"]
    of_reverb = (
        (knobs.log_decay - true["log_decay"]).abs() / 0.3
        + 0.3 * (knobs.log_damping - true["log_damping"]).abs() / 0.3
        + (knobs.reverb_db - true["reverb_level_db"]).abs() / 4
    )
    of_echo = (
        time_error(knobs.time, true["log_echo_time"])
        + (knobs.echo_db - true["echo_level_db"]).abs() / 4
        + (knobs.feedback - true["feedback"]).abs() / 0.2
        + F.binary_cross_entropy_with_logits(knobs.ping_pong, true["ping_pong"], reduction="none")
    )
    there = F.binary_cross_entropy_with_logits(knobs.reverb, reverb) + F.binary_cross_entropy_with_logits(
        knobs.echo, echo
    )
    return there + (of_reverb * reverb).mean() + (of_echo * echo).mean()
