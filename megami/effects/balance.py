"""Gain and pan in torch, for all tracks of a song at once: a mixing desk through which gradients flow.

The same gain and the same constant-power law as `Gain` and `Pan`. Source of the idea: the differentiable mixing console
of Steinmetz et al. 2021. The chapter "Many right answers" fits one to a reference mix.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor


def pan_gains(position: Tensor) -> Tensor:
    """Factors of left and right by the constant-power law: [...] from -1 (left) to 1 (right) -> [..., 2].

    sqrt(2) (cos t, sin t) with t = (position + 1) pi / 4: both 1 in the middle, and their squares always sum to 2.
    """
    angle = (position + 1) * math.pi / 4
    return math.sqrt(2) * torch.stack([angle.cos(), angle.sin()], dim=-1)


def channel_gains(gain_db: Tensor, position: Tensor) -> Tensor:
    """Factors of left and right of a fader at `gain_db` [...] and a pan pot at `position` [...]: [..., 2]."""
    return 10 ** (gain_db[..., None] / 20) * pan_gains(position)


def balance_tracks(dry: Tensor, gain_db: Tensor, position: Tensor) -> Tensor:
    """Turn mono tracks [tracks, samples] up or down and place them: [tracks, 2, samples], differentiable.

    gain_db, position [tracks]. The mix is the sum over tracks.
    """
    return channel_gains(gain_db, position)[..., None] * dry[:, None]
