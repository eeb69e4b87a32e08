"""What reverb and echo are asked for, read from a vector in the units of an effect: times, levels, feedback."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

ECHO_BINS = 96
ECHO_RANGE_S = (0.05, 0.7)
NEAR = 2  # bins on each side of the likeliest time that are taken for the same one


@dataclass(frozen=True)
class SpaceKnobs:
    """Settings of a reverb and of an echo, each [b] but for the logits of the echo's time [b, ECHO_BINS]."""

    reverb: Tensor  # logit: whether there is one
    log_decay: Tensor  # of seconds
    log_damping: Tensor  # of Hz
    reverb_db: Tensor  # over the direct sound
    echo: Tensor  # logit: whether there is one
    time: Tensor  # logits of the bins
    echo_db: Tensor  # of the first echo, over the direct sound
    feedback: Tensor  # 0..0.95
    ping_pong: Tensor  # logit


def echo_bins() -> Tensor:
    """Logarithm of the seconds that each bin of the echo's time stands for: [ECHO_BINS]."""
    return torch.linspace(math.log(ECHO_RANGE_S[0]), math.log(ECHO_RANGE_S[1]), ECHO_BINS)


class SpaceHead(nn.Module):
    """A vector [b, size] -> `SpaceKnobs`, through one hidden layer."""

    bins: Tensor

    def __init__(self, size: int, hidden: int = 128) -> None:
        super().__init__()
        last = nn.Linear(hidden, 8 + ECHO_BINS)
        with torch.no_grad():
            last.weight.mul_(0.3)
            last.bias.zero_()
        self.body = nn.Sequential(nn.Linear(size, hidden), nn.SiLU(), last)
        self.register_buffer("bins", echo_bins(), persistent=False)

    def forward(self, vector: Tensor) -> SpaceKnobs:
        values, time = self.body(vector).split([8, ECHO_BINS], dim=-1)
        reverb, decay, damping, reverb_db, echo, echo_db, feedback, ping_pong = values.unbind(-1)
        return SpaceKnobs(
            reverb=3 * reverb,
            log_decay=math.log(0.75) + 2 * torch.tanh(decay / 2),  # 0.1 to 5.5 s
            log_damping=math.log(4500) + 1.5 * torch.tanh(damping / 1.5),
            reverb_db=-10 + 30 * torch.tanh(reverb_db / 3),
            echo=3 * echo,
            time=4 * time,
            echo_db=-12 + 30 * torch.tanh(echo_db / 3),
            feedback=0.95 * torch.sigmoid(2 * feedback - 0.7),
            ping_pong=3 * ping_pong,
        )


def likeliest_time(logits: Tensor) -> tuple[Tensor, Tensor]:
    """Time in s [b] that logits [b, ECHO_BINS] speak for, and how surely [b]: the share of the bins around it.

    The mean over the bins beside the likeliest, so the time is finer than the grid. No gradient reaches the choice.
    """
    share = logits.softmax(-1)
    index = torch.arange(ECHO_BINS, device=logits.device)
    near = (index - logits.argmax(-1, keepdim=True)).abs() <= NEAR
    kept = share * near
    certainty = kept.sum(-1)
    time = (kept @ echo_bins().to(logits)) / certainty
    return time.exp(), certainty


def soft_bins(log_time: Tensor) -> Tensor:
    """What `SpaceKnobs.time` should say of known times: log seconds [b] -> shares [b, ECHO_BINS], a bin wide."""
    bins = echo_bins().to(log_time)
    return torch.softmax(-0.5 * ((log_time[:, None] - bins) / (bins[1] - bins[0])).square(), dim=-1)


def time_error(logits: Tensor, log_time: Tensor) -> Tensor:
    """Cross-entropy of each item's time, less the entropy of a right answer: [b]."""
    wanted = soft_bins(log_time)
    return (wanted * (wanted.clamp_min(1e-12).log() - F.log_softmax(logits, dim=-1))).sum(-1)
