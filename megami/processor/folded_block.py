"""One block of the TCN with everything that is fixed while a track is rendered worked out beforehand."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import torch
from torch import Tensor
from torch.nn import functional as F

from megami.processor.short_fourier import Spectrum, Workspace, spectrum_of

if TYPE_CHECKING:
    from megami.processor.tcn import TCNBlock

_spectra: WeakKeyDictionary[TCNBlock, tuple[int, Spectrum]] = WeakKeyDictionary()
"""The last spectrum of each block with the checksum of what it was made of: all tracks of a song need the same."""


@dataclass(frozen=True)
class FoldedBlock:
    """A block in eval mode as FiLM steers it for one track, its batch norm worked into the convolution.

    Everything is time-major: samples come as [n, in], and the block gives
    `scale * leaky_relu(convolution + bias) + shift + residual * input`, [n, out]. gain is that of batch norm; it, bias,
    scale, shift, residual: [out].
    """

    block: TCNBlock
    gain: Tensor
    bias: Tensor
    scale: Tensor
    shift: Tensor
    residual: Tensor
    dilation: int

    @classmethod
    def of(cls, block: TCNBlock, condition: Tensor) -> FoldedBlock:
        """Fold a block for what FiLM sees of one track [1, condition]."""
        norm, conv = block.norm, block.conv
        assert norm.running_mean is not None and norm.running_var is not None
        gain = norm.weight / (norm.running_var + norm.eps).sqrt()
        scale, shift = block.film(condition)[0].chunk(2)
        return cls(
            block=block,
            gain=gain,
            bias=norm.bias - norm.running_mean * gain,
            scale=scale,
            shift=shift,
            residual=block.residual.weight[:, 0, 0],
            dilation=conv.dilation[0],
        )

    @property
    def taps(self) -> Tensor:
        """The kernel [taps, in, out]; worked out anew each time, for it is as large as the weights."""
        return self.block.conv.weight.permute(2, 1, 0) * self.gain

    @property
    def inputs(self) -> int:
        """Channels that come in."""
        return self.block.conv.in_channels

    @property
    def outputs(self) -> int:
        """Channels that go out."""
        return self.block.conv.out_channels

    @property
    def num_taps(self) -> int:
        """Taps of the kernel."""
        return self.block.conv.kernel_size[0]

    @property
    def reach(self) -> int:
        """Samples that an output looks ahead, and back."""
        return (self.num_taps - 1) // 2 * self.dilation

    def after_convolution(self, hidden: Tensor, x: Tensor, out: Tensor, space: Workspace) -> None:
        """All but the convolution: its output, which is used up, and the input there, [..., channels], into `out`.

        `out` may share its memory with `x`.
        """
        F.leaky_relu_(hidden, 0.01)
        if self.inputs != self.outputs:  # groups of outputs hear one input
            x = x.repeat_interleave(self.outputs // self.inputs, dim=-1)
        rest = torch.addcmul(self.shift, x, self.residual, out=space.take("rest", hidden, *hidden.shape))
        torch.addcmul(rest, hidden, self.scale, out=out)

    def spectrum(self, size: int) -> Spectrum:
        """The kernel for blocks of `size` samples, remembered until size, weights or statistics are others."""
        known, mark = _spectra.get(self.block), self._mark(size)
        if known is None or known[0] != mark:
            known = _spectra[self.block] = (mark, spectrum_of(self.taps, self.bias, size))
        return known[1]

    def _mark(self, size: int) -> int:
        """A checksum of what the spectrum is made of: also of weights that were changed behind torch's back."""
        mark = zlib.crc32(f"{size} {self.gain.dtype}".encode())
        for tensor in (self.block.conv.weight, self.gain, self.bias):
            mark = zlib.crc32(tensor.detach().contiguous().numpy().data, mark)
        return mark
