"""The TCN's own arithmetic on long tracks: which form each block is worked out in, and the blocks one after another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from megami.processor.folded_block import FoldedBlock
from megami.processor.short_fourier import Workspace
from megami.processor.streams import DirectStream, ImageStream, Sink, SpectralStream, Stream

if TYPE_CHECKING:
    from megami.processor.tcn import TCNBlock

SIZES = (24, 32, 48, 64)
"""Samples in a block of short Fourier transforms that are chosen from, each a multiple of 4."""
LARGEST_WINDOW = 2**19
"""Samples of a track that one block of the network may hold, which bounds the memory: 268 MB at 128 channels."""


@torch.no_grad()
def render_time_major(
    blocks: Sequence[TCNBlock],
    output: nn.Conv1d,
    dry: Tensor,
    condition: Tensor,
    piece: int,
    dtype: torch.dtype = torch.float32,
    choose: Callable[[FoldedBlock, int], int] | None = None,
) -> Tensor:
    """Render one track [inputs, n] for what FiLM sees [1, condition], before the clamp: [outputs, n].

    Memory grows with n by the track itself only. On a CPU each block takes the quickest form; `dtype` other than that
    of the track, or another device, chooses the form as an image. `choose` says the size of the short transforms for a
    block and so many samples, 0 for none: `transform_size` otherwise.
    """
    samples, space = dry.shape[-1], Workspace()
    assert output.bias is not None
    mix, bias = output.weight[:, :, 0].T, output.bias
    wet = dry.new_empty(samples, output.out_channels)
    done = 0

    def last(x: Tensor) -> None:
        nonlocal done
        torch.addmm(bias, x, mix, out=wet[done : done + len(x)])
        done += len(x)

    streams: list[Stream] = []
    sink: Sink = last
    for block in reversed(blocks):
        stream = _stream(FoldedBlock.of(block, condition), samples, piece, sink, space, dtype, choose or transform_size)
        streams.append(stream)
        sink = stream.push
    for part in dry.T.split(piece):
        sink(part)
    for stream in reversed(streams):
        stream.finish()
    return wet.T


def _stream(
    folded: FoldedBlock,
    samples: int,
    piece: int,
    sink: Sink,
    space: Workspace,
    dtype: torch.dtype,
    choose: Callable[[FoldedBlock, int], int],
) -> Stream:
    """The form that a block is worked out in."""
    if folded.inputs != folded.outputs:
        return DirectStream(folded, samples, piece, sink, space)
    if dtype != folded.bias.dtype or folded.bias.device.type != "cpu":
        return ImageStream(folded, samples, piece, sink, space, dtype)
    size = choose(folded, samples)
    if size:
        return SpectralStream(folded, samples, size, sink, space)
    return DirectStream(folded, samples, max(piece, min(samples, 2**17)), sink, space)


def transform_size(folded: FoldedBlock, samples: int) -> int:
    """The size of short transforms that costs least for so many samples, 0 where it is less to do without."""
    fits = [size for size in SIZES if size > folded.num_taps and size * folded.dilation <= LARGEST_WINDOW]
    best = min(fits, key=lambda size: spectral_cost(folded, samples, size), default=0)
    return best if best and spectral_cost(folded, samples, best) < direct_cost(folded, samples) else 0


def spectral_cost(folded: FoldedBlock, samples: int, size: int) -> float:
    """What short transforms cost, in multiplications per output channel; other work counts as so many as take its time.

    A product of complex numbers takes three real ones. The factors were measured with 128 channels.
    """
    hop = size - folded.num_taps + 1
    whole, rest = divmod(samples, hop * folded.dilation)
    computed = whole * hop * folded.dilation + hop * min(folded.dilation, rest)
    return computed / hop * size * (1.5 * folded.inputs + 1.7 * size + 40)


def direct_cost(folded: FoldedBlock, samples: int) -> float:
    """The same, tap by tap: a tap that looks beyond the track's edges sees that much less."""
    middle = folded.num_taps // 2
    seen = sum(max(0, samples - abs(tap - middle) * folded.dilation) for tap in range(folded.num_taps))
    return seen * (folded.inputs + 20)
