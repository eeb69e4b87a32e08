"""The small residual network that turns a log-mel picture into one vector; shared by both encoders."""

from __future__ import annotations

import torch
from torch import Tensor, nn

VARIANCE_FLOOR = 1e-4


def mean_and_spread(x: Tensor) -> Tensor:
    """Mean and standard deviation over time, joined: [b, ..., frames] -> [b, features]. Any number of frames."""
    x = x.float()
    mean = x.mean(-1, keepdim=True)
    # Written out: torch.var takes twice as long on a CPU.
    spread = ((x - mean).square().mean(-1) + VARIANCE_FLOOR).sqrt()
    return torch.cat([mean.flatten(1), spread.flatten(1)], dim=1)


class ResidualBlock(nn.Module):
    """Two 3 x 3 convolutions beside a shortcut; stride 2 halves mels and frames. [b, c, m, t] -> [b, c', m', t']."""

    def __init__(self, channels_in: int, channels_out: int, stride: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels_in, channels_out, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(channels_out)
        self.second = nn.Conv2d(channels_out, channels_out, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(channels_out)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or channels_in != channels_out:
            pool = nn.AvgPool2d(stride, ceil_mode=True, count_include_pad=False)
            self.shortcut = nn.Sequential(pool, nn.Conv2d(channels_in, channels_out, 1, bias=False))
        self.activation = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        y = self.activation(self.norm1(self.first(x)))
        return self.activation(self.norm2(self.second(y)) + self.shortcut(x))


class MelCNN(nn.Module):
    """Residual network over a log-mel picture: [b, channels, mels, frames] -> [b, dim], any number of frames.

    Frequency is kept at an eighth of its resolution until the last layers, because effects live in frequency, and the
    plain statistics of the input over time go past the convolutions to the head: they already say much of an equaliser.
    """

    def __init__(self, channels: int, mels: int, dim: int, width: int, hidden: int) -> None:
        super().__init__()
        wide, wider = 2 * width, 3 * width
        self.stem = nn.Conv2d(channels, width, (5, 7), stride=(2, 3), padding=(2, 3))
        self.place = nn.Parameter(torch.zeros(width, (mels + 1) // 2, 1))  # a convolution knows no absolute frequency
        self.stages = nn.Sequential(
            ResidualBlock(width, width, 1), ResidualBlock(width, wide, 2), ResidualBlock(wide, wider, 2)
        )
        pooled = 2 * wider * -(-mels // 8) + 2 * channels * mels
        self.norm = nn.BatchNorm1d(pooled)
        self.head = nn.Sequential(nn.Linear(pooled, hidden), nn.SiLU(), nn.Linear(hidden, dim))
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # a fifth faster on a CPU, in half precision

    def forward(self, picture: Tensor) -> Tensor:
        hidden = torch.relu(self.stem(picture.contiguous(memory_format=torch.channels_last)) + self.place)
        hidden = self.stages(hidden)
        statistics = torch.cat([mean_and_spread(hidden), mean_and_spread(picture)], dim=1)
        return self.head(self.norm(statistics))
