"""What reverb and echo a chain of effects has, as numbers that networks can be taught."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import Tensor

from megami.effects import Delay, EffectChain, Reverb

NAMES = (
    "reverb",  # 1 where there is one
    "log_decay",  # of seconds
    "log_damping",  # of Hz
    "reverb_level_db",  # over the direct sound
    "echo",  # 1 where there is one
    "log_echo_time",  # of seconds
    "echo_level_db",  # of the first echo, over the direct sound
    "feedback",
    "ping_pong",
)
SPACE = len(NAMES)
LOWEST_DB = -60.0


def space_of(chain: EffectChain) -> list[float]:
    """The numbers of NAMES; what is not there is 0. Of several reverbs or echoes the first counts."""
    values = dict.fromkeys(NAMES, 0.0)
    for effect in reversed(chain.effects):
        if isinstance(effect, Reverb) and effect.wet > 0:
            values |= {
                "reverb": 1.0,
                "log_decay": math.log(effect.decay_s),
                "log_damping": math.log(effect.damping_hz),
                "reverb_level_db": _db(effect.wet / max(1 - effect.wet, 1e-3)),
            }
        if isinstance(effect, Delay) and effect.wet > 0:
            values |= {
                "echo": 1.0,
                "log_echo_time": math.log(effect.time_ms / 1000),
                "echo_level_db": _db(effect.wet),
                "feedback": effect.feedback,
                "ping_pong": float(effect.ping_pong),
            }
    return list(values.values())


def read_spaces(chains: Iterable[str]) -> Tensor:
    """The numbers of chains that are written as JSON: [chains, SPACE]."""
    return torch.tensor([space_of(EffectChain.from_json(str(text))) for text in chains]).reshape(-1, SPACE)


def _db(ratio: float) -> float:
    return max(LOWEST_DB, 20 * math.log10(max(ratio, 1e-6)))
