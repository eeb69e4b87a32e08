"""Diffusion in two dimensions: a network for points of a plane, small enough to train while one reads.

It takes what the transformer takes, so that the same denoiser, loss and sampler serve both. The chapter "Diffusion from
scratch" trains it on where engineers put a guitar.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from megami.errors import UserError

LOWEST, HIGHEST = 0.5, 16.0  # radians that the slowest and the fastest wave turn while c_noise grows by 1
WAVES = (2.0, 4.0, 8.0)  # the same for waves over each coordinate, without which fine structure is learned slowly


@dataclass(frozen=True)
class PointConfig:
    """Sizes of the network. A point is a token of two channels, of which each item has one."""

    labels: int = 0  # kinds of points that can be asked for; 0: the network is not told a kind
    width: int = 128
    depth: int = 3  # layers between the first and the last
    noise_features: int = 32  # cosines and sines that tell the noise level
    io_channels: int = 2
    tokens: int = 1

    def __post_init__(self) -> None:
        if min(self.width, self.depth, self.noise_features) < 1 or self.noise_features % 2 or self.labels < 0:
            raise UserError("a point network needs width and depth of 1 or more, and an even number of noise features")


class PointNetwork(nn.Module):
    """Raw network F for points: a multilayer perceptron, told in every layer how noisy its input is and what to draw.

    It sees coordinates beside their cosines and sines (Fourier features, Tancik et al. 2020). Its first answer is zero,
    which makes the wrapped network the best denoiser of normal data (EDM, table 1).
    """

    frequencies: Tensor
    waves: Tensor

    def __init__(self, config: PointConfig) -> None:
        super().__init__()
        self.config = config
        self.register_buffer("frequencies", torch.linspace(LOWEST, HIGHEST, config.noise_features // 2))
        self.register_buffer("waves", torch.tensor(WAVES))
        told = config.noise_features + config.labels
        self.first = nn.Linear(config.io_channels * (1 + 2 * len(WAVES)), config.width)
        self.layers = nn.ModuleList(nn.Linear(config.width, config.width) for _ in range(config.depth))
        self.told = nn.ModuleList(nn.Linear(told, config.width) for _ in range(config.depth))
        self.last = nn.Linear(config.width, config.io_channels)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)

    def forward(self, x: Tensor, cnoise: Tensor, cond: Tensor | None = None, mask: Tensor | None = None) -> Tensor:
        """Answer to points x [b, 2] (or [b, 1, 2, 1], as the denoiser gives them), in the same shape.

        cnoise [b, 1]: ln(sigma) / 4. cond [b, labels] (or [b, 1, 1, labels]): 1 at the kind that is asked for, zeros or
        None for any kind. `mask` is taken for the denoiser's sake: every item has its point.
        """
        angle = cnoise * self.frequencies
        told = [angle.cos(), angle.sin()]
        if self.config.labels:
            told.append(x.new_zeros(len(x), self.config.labels) if cond is None else cond.flatten(1))
        features = torch.cat(told, dim=1)
        points = x.flatten(1)
        turned = (points[:, :, None] * self.waves).flatten(1)
        hidden = F.silu(self.first(torch.cat([points, turned.cos(), turned.sin()], dim=1)))
        for layer, tell in zip(self.layers, self.told, strict=True):
            hidden = hidden + F.silu(layer(hidden) + tell(features))
        return self.last(hidden).reshape(x.shape)


def points_to_tokens(points: Tensor) -> Tensor:
    """Points [n, 2] as the embeddings of n songs with one track and one token: [n, 1, 2, 1]."""
    return points[:, None, :, None]


def tokens_to_points(tokens: Tensor) -> Tensor:
    """Undo `points_to_tokens`: [n, 1, 2, 1] -> [n, 2]."""
    return tokens[:, 0, :, 0]


def label_tokens(labels: Tensor, count: int) -> Tensor:
    """Labels [n] of `count` kinds as content: [n, 1, 1, count], 1 at the label; zeros for a label of -1, any kind."""
    known = F.one_hot(labels.clamp_min(0), count).float() * (labels >= 0)[:, None]
    return known[:, None, None, :]
