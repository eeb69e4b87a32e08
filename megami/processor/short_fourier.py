"""A convolution with few taps as products of short Fourier transforms, all of them matrix products.

A dilated convolution is, for each of `dilation` phases of the signal, an ordinary one, whose taps are next to each
other. A block of N samples of a phase is transformed, each frequency is multiplied by the kernel there (a matrix of
channels by channels), and what comes back is right wherever the block did not wrap around (overlap-save, Stockham
1966). The first step of the transform is done by hand: sum and difference of the two halves of the block hold the even
and the odd frequencies, which halves its matrices. A product of complex numbers takes three real ones (Gauss).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor


@dataclass(frozen=True)
class HalfTransform:
    """The even or the odd frequencies of real blocks of N samples, from N/2 sums or differences of their halves.

    `complex` frequencies come as so many real parts, then as many imaginary ones; of the even ones follow frequency 0
    and N/2, which are real. forward, backward [N/2, N/2].
    """

    complex: int
    forward: Tensor
    backward: Tensor


@lru_cache(maxsize=32)
def half_transforms(size: int, dtype: torch.dtype) -> tuple[HalfTransform, HalfTransform]:
    """The transforms of the even and of the odd frequencies of blocks of `size` samples, a multiple of 4."""
    time = torch.arange(size // 2, dtype=torch.float64)
    halves = []
    for first in (2, 1):
        angles = 2 * math.pi / size * torch.arange(first, size // 2, 2, dtype=torch.float64)[:, None] * time
        rows, back = [angles.cos(), -angles.sin()], [2 * angles.cos(), -2 * angles.sin()]
        if first == 2:
            real = torch.stack([torch.ones_like(time), (math.pi * time).cos()])
            rows, back = [*rows, real], [*back, real]
        forward, backward = torch.cat(rows), torch.cat(back).T / size
        halves.append(HalfTransform(len(angles), forward.to(dtype), backward.contiguous().to(dtype)))
    return halves[0], halves[1]


@dataclass(frozen=True)
class KernelHalf:
    """A kernel at the complex frequencies of one half [frequencies, in, out], as the three products need it."""

    real: Tensor
    imaginary_less_real: Tensor
    minus_sum: Tensor


@dataclass(frozen=True)
class Spectrum:
    """A kernel of `taps` taps in the domain of blocks of `size` samples, for correlation, as networks convolve.

    real: at frequencies 0 and size/2 [2, in, out]; zero_bias [out]: what to add at frequency 0 for the bias.
    """

    size: int
    taps: int
    even: KernelHalf
    odd: KernelHalf
    real: Tensor
    zero_bias: Tensor

    @property
    def hop(self) -> int:
        """Right samples in each block."""
        return self.size - self.taps + 1


def spectrum_of(taps: Tensor, bias: Tensor, size: int) -> Spectrum:
    """Transform taps [taps, in, out] and bias [out] once, in double precision; size: a multiple of 4."""
    wide = taps.double()

    def at(frequencies: Tensor) -> tuple[Tensor, Tensor]:
        angles = 2 * math.pi / size * frequencies[:, None] * torch.arange(len(taps), dtype=torch.float64)
        return torch.tensordot(angles.cos(), wide, 1), torch.tensordot(angles.sin(), wide, 1)

    def half(first: int) -> KernelHalf:
        real, imaginary = at(torch.arange(first, size // 2, 2, dtype=torch.float64))
        parts = (real, imaginary - real, -(imaginary + real))
        return KernelHalf(*(part.to(taps.dtype) for part in parts))

    real, _ = at(torch.tensor([0.0, size / 2], dtype=torch.float64))
    return Spectrum(size, len(taps), half(2), half(1), real.to(taps.dtype), size * bias)


class Workspace:
    """Memory that is used again and again: `take` gives a tensor whose contents mean nothing."""

    def __init__(self) -> None:
        self._flat: dict[str, Tensor] = {}

    def take(self, name: str, like: Tensor, *shape: int) -> Tensor:
        """A tensor of this shape; the same memory for the same name, grown where it has to be."""
        wanted = math.prod(shape)
        if name not in self._flat or self._flat[name].numel() < wanted:
            self._flat[name] = like.new_empty(wanted)
        return self._flat[name][:wanted].view(shape)


def convolve_blocks(blocks: Tensor, spectrum: Spectrum, space: Workspace) -> tuple[Tensor, Tensor]:
    """Convolve blocks [b, N, columns * in], any strides but the last: sum and difference parts [N/2, b, columns * out].

    The right outputs of a block are sums + differences at 0..N/2-1, and sums - differences from there on, up to `hop`.
    """
    half = spectrum.size // 2
    even, odd = half_transforms(spectrum.size, blocks.dtype)
    first, second = blocks[:, :half].transpose(0, 1), blocks[:, half:].transpose(0, 1)
    folded = space.take("folded", blocks, *first.shape)
    torch.add(first, second, out=folded)
    sums = _product(folded, even, spectrum.even, spectrum, "sums", space)
    torch.sub(first, second, out=folded)
    return sums, _product(folded, odd, spectrum.odd, spectrum, "differences", space)


def _product(
    folded: Tensor, half: HalfTransform, kernel: KernelHalf, spectrum: Spectrum, name: str, space: Workspace
) -> Tensor:
    """Transform, multiply by the kernel, transform back: [N/2, b, columns * in] -> [N/2, b, columns * out]."""
    inputs, outputs = spectrum.real.shape[1:]
    rows, number = len(folded), half.complex
    columns = folded[0].numel() // inputs
    x = space.take("spectrum", folded, rows, columns, inputs)
    torch.mm(half.forward, folded.view(rows, -1), out=x.view(rows, -1))
    y = space.take("products", folded, rows, columns, outputs)
    real, imaginary = slice(0, number), slice(number, 2 * number)
    both = torch.add(x[real], x[imaginary], out=space.take("both", folded, number, columns, inputs))
    torch.bmm(both, kernel.real, out=y[real])
    y[imaginary].copy_(y[real])
    y[real].baddbmm_(x[imaginary], kernel.minus_sum)
    y[imaginary].baddbmm_(x[real], kernel.imaginary_less_real)
    if rows > 2 * number:
        torch.bmm(x[2 * number :], spectrum.real, out=y[2 * number :])
        y[2 * number] += spectrum.zero_bias
    back = space.take(name, folded, rows, folded.shape[1], columns // folded.shape[1] * outputs)
    torch.mm(half.backward, y.view(rows, -1), out=back.view(rows, -1))
    return back
