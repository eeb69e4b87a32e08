"""The paper's effect processor: a dilated convolutional network that FiLM steers with the effect embedding."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from megami.processor.recompute import forward_and_again
from megami.processor.time_major import render_time_major


@dataclass(frozen=True)
class TCNConfig:
    """Sizes of the network; the defaults are the published ones (12.6 million parameters, 5.2 s of context)."""

    condition_dim: int = 2112  # of the effect embedding
    content_dim: int = 0  # of the content embedding joined to it; 0: content is not used
    channels: int = 128
    blocks: int = 14
    kernel_size: int = 15  # odd
    dilation_growth: int = 2
    stack_size: int = 15  # dilations start again at 1 after so many blocks
    inputs: int = 1
    outputs: int = 2
    own_statistics: bool = False  # eval mode normalises each item by its own statistics, as the released inference does

    @property
    def dilations(self) -> tuple[int, ...]:
        """Dilation of each block in samples."""
        return tuple(self.dilation_growth ** (block % self.stack_size) for block in range(self.blocks))

    @property
    def context(self) -> int:
        """Samples on each side that one output sample depends on."""
        return (self.kernel_size - 1) // 2 * sum(self.dilations)


class TCNBlock(nn.Module):
    """Dilated convolution, batch norm, leaky ReLU, FiLM, and a scaled copy of the input: [b, in, n] -> [b, out, n].

    FiLM comes after the activation and multiplies by its scale as it is, not by one plus it. MEGAMI, after
    Steinmetz and Reiss 2022.
    """

    def __init__(self, inputs: int, channels: int, condition: int, kernel_size: int, dilation: int, own: bool) -> None:
        super().__init__()
        padding = (kernel_size - 1) * dilation // 2
        self.conv = nn.Conv1d(inputs, channels, kernel_size, dilation=dilation, padding=padding, bias=False)
        self.norm = nn.BatchNorm1d(channels)
        self.film = nn.Linear(condition, 2 * channels)
        self.residual = nn.Conv1d(inputs, channels, 1, groups=inputs, bias=False)
        self.own_statistics = own
        with torch.no_grad():  # start near "scale 1, shift 0", so that every block passes its signal on
            self.film.weight.mul_(0.5)
            self.film.bias[:channels].add_(1)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        return self.after_convolution(self.conv(x), x, condition)

    def after_convolution(self, hidden: Tensor, x: Tensor, condition: Tensor) -> Tensor:
        """Everything but the convolution, sample by sample: its output [b, out, n] and the input there [b, in, n]."""
        hidden = F.leaky_relu(self._normalise(hidden), 0.01)
        scale, shift = self.film(condition)[..., None].chunk(2, dim=1)
        return torch.addcmul(shift, scale, hidden) + self.residual(x)

    def _normalise(self, hidden: Tensor) -> Tensor:
        if self.own_statistics and not self.training:
            if hidden.shape[-1] == 1:  # a single sample is its own mean
                return self.norm.bias[:, None].expand_as(hidden)
            return F.instance_norm(hidden, weight=self.norm.weight, bias=self.norm.bias, eps=self.norm.eps)
        return self.norm(hidden)


class FilmTCN(nn.Module):
    """Render an effect embedding onto a dry (FxNorm-ed) track, in the published form.

    forward: dry [b, 1, n], z [b, condition_dim], content [b, content_dim] where the config has one -> wet [b, 2, n]
    within +-1. Raises ValueError for an even kernel, or where the content embedding is missing.
    """

    def __init__(self, config: TCNConfig) -> None:
        super().__init__()
        if config.kernel_size % 2 == 0:
            raise ValueError("the kernel of the TCN needs an odd number of taps, to keep the length")
        self.config = config
        width, condition = config.channels, config.condition_dim + config.content_dim
        inputs = [config.inputs] + [width] * (config.blocks - 1)
        self.blocks = nn.ModuleList(
            TCNBlock(channels, width, condition, config.kernel_size, dilation, config.own_statistics)
            for channels, dilation in zip(inputs, config.dilations, strict=True)
        )
        self.output = nn.Conv1d(width, config.outputs, 1)
        self.recompute = False  # whether gradients cost a second pass of every block, in place of the memory of all
        self.dtype: torch.dtype | None = None  # in which `render` convolves: None as the weights are, or half precision

    def condition(self, z: Tensor, content: Tensor | None) -> Tensor:
        """What FiLM sees: z, followed by the content embedding if the network uses one."""
        if not self.config.content_dim:
            return z
        if content is None:
            raise ValueError("this TCN was built with a content embedding: pass content")
        return torch.cat([z, content], dim=-1)

    def forward(self, dry: Tensor, z: Tensor, content: Tensor | None = None) -> Tensor:
        condition = self.condition(z, content)
        hidden = dry
        again = self.recompute and torch.is_grad_enabled()
        for block in self.blocks:
            hidden = forward_and_again(block, hidden, condition) if again else block(hidden, condition)
        return self.output(hidden).clamp(-1, 1)

    @torch.no_grad()
    def render(self, dry: Tensor, z: Tensor, content: Tensor | None = None, block: int = 2**15) -> Tensor:
        """`forward` for long tracks, in other arithmetic: several times as quick, equal to -120 dB in single precision.

        Pieces of `block` samples go through all layers, each keeping what it needs, so memory hardly grows with the
        track. On a CPU layers convolve by short Fourier transforms (`short_fourier`), in the half precision that
        `dtype` may ask for as images (`ImageStream`), as they do on a GPU. Where each track is normalised by its own
        statistics (training mode, `own_statistics`) these need the whole track, so it is one pass of `forward`.
        """
        if self.training or self.config.own_statistics:
            return self(dry, z, content)
        if self.dtype is None and dry.device.type != "cpu":
            return self.render_by_layers(dry, z, content, block)
        condition, blocks = self.condition(z, content), [*self._typed_blocks()]
        wet = [
            render_time_major(blocks, self.output, track, own[None], block, self.dtype or track.dtype)
            for track, own in zip(dry, condition, strict=True)
        ]
        return torch.stack(wet).clamp_(-1, 1)

    @torch.no_grad()
    def render_by_layers(self, dry: Tensor, z: Tensor, content: Tensor | None = None, block: int = 2**15) -> Tensor:
        """`render` in the published arithmetic, for comparison: dilated convolutions, layer by layer."""
        condition = self.condition(z, content)
        streams = [BlockStream(layer, condition) for layer in self._typed_blocks()]
        pieces = dry.split(block, dim=-1)
        wet = []
        for number, piece in enumerate(pieces, 1):
            for stream in streams:
                piece = stream.push(piece, last=number == len(pieces))
            if piece.shape[-1]:  # nothing comes out before the last layer has seen enough
                wet.append(self.output(piece).clamp(-1, 1))
        return torch.cat(wet, dim=-1)

    def _typed_blocks(self) -> Iterator[TCNBlock]:
        return (layer for layer in self.blocks if isinstance(layer, TCNBlock))

    @torch.no_grad()
    def render_image(
        self, dry: Tensor, image: Tensor, z: Tensor, content: Tensor | None = None, block: int = 2**15
    ) -> tuple[Tensor, Tensor]:
        """`render`, and the same done to the stereo track [b, 2, n] that `dry` is folded from: two times [b, 2, n].

        Left is what left becomes in the place of `dry`, right likewise; content is that of `dry`. A channel with no
        signal at all stays so: the network would make one of it.
        """
        wet = self.render(dry, z, content, block)
        wet_image = torch.zeros_like(wet)
        for side, channel in enumerate(image.split(1, dim=1)):
            if channel.any():
                wet_image[:, side] = self.render(channel, z, content, block)[:, side]
        return wet, wet_image


class BlockStream:
    """Runs one TCN block over a track that arrives in pieces, remembering the input that coming outputs depend on."""

    def __init__(self, block: TCNBlock, condition: Tensor) -> None:
        self.block, self.condition = block, condition
        self.reach = int(block.conv.padding[0])  # samples that an output looks ahead, and back
        self.kept: Tensor | None = None

    def push(self, x: Tensor, last: bool) -> Tensor:
        """Take the next samples [b, in, n]; give all outputs [b, out, m] that are known by now, with `last` the rest.

        Beyond the track's edges each layer sees zeros, as in one pass.
        """
        conv = self.block.conv
        before = x.new_zeros(*x.shape[:-1], self.reach) if self.kept is None else self.kept
        after = x.new_zeros(*x.shape[:-1], self.reach if last else 0)
        seen = torch.cat([before, x, after], dim=-1)
        ready = max(0, seen.shape[-1] - 2 * self.reach)
        self.kept = seen[..., ready:].clone()
        if not ready:
            return seen.new_empty(len(seen), conv.out_channels, 0)
        hidden = F.conv1d(seen, conv.weight, dilation=conv.dilation)
        return self.block.after_convolution(hidden, seen[..., self.reach : self.reach + ready], self.condition)
