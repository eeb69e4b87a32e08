"""Blocks of the TCN over a track that arrives in pieces, time-major: each stream keeps the input that it still needs.

A stream takes samples [n, in] by `push` and hands all outputs that are known by then to its `sink`; `finish` gives the
rest. Beyond the track's edges each block sees zeros, as in one pass over the whole.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from megami.processor.folded_block import FoldedBlock
from megami.processor.short_fourier import Spectrum, Workspace, convolve_blocks

Sink = Callable[[Tensor], None]
COLUMNS_AT_ONCE = 128  # samples of one frequency that are multiplied together: more do not fit into caches


class Stream(ABC):
    """A window over the input that moves by `advance` samples at a time; outputs replace what is needed no more."""

    def __init__(self, folded: FoldedBlock, samples: int, advance: int, sink: Sink, space: Workspace) -> None:
        self.folded, self.samples, self.sink, self.space = folded, samples, sink, space
        rows = advance + 2 * folded.reach
        self.window = folded.bias.new_empty(rows, folded.inputs)
        self.window[: folded.reach] = 0
        self.filled, self.done = folded.reach, 0

    def push(self, x: Tensor) -> None:
        """Take the next samples [n, in]."""
        while len(x):
            taken = min(len(x), len(self.window) - self.filled)
            self.window[self.filled : self.filled + taken] = x[:taken]
            self.filled += taken
            x = x[taken:]
            if self.filled == len(self.window):
                self._step()

    def finish(self) -> None:
        """The track is over: give the outputs that wait for it."""
        while self.done < self.samples:
            self.window[self.filled :] = 0
            self._step()

    def _step(self) -> None:
        """Give the outputs of one window, and move it on."""
        advance = len(self.window) - 2 * self.folded.reach
        wanted = min(advance, self.samples - self.done)
        if wanted > 0:
            self.sink(self._outputs(wanted))
        self.done += advance
        self.filled = max(0, self.filled - advance)
        kept = self.window[advance:]
        self.window[: len(kept)] = kept if len(kept) <= advance else kept.clone()

    @abstractmethod
    def _outputs(self, wanted: int) -> Tensor:
        """The first `wanted` outputs of a full window [wanted, out]; the window's first `advance` samples may go."""


class SpectralStream(Stream):
    """The convolution by phases and short Fourier transforms; see `short_fourier`."""

    def __init__(self, folded: FoldedBlock, samples: int, size: int, sink: Sink, space: Workspace) -> None:
        self.spectrum: Spectrum = folded.spectrum(size)
        blocks = max(1, COLUMNS_AT_ONCE // folded.dilation)
        blocks = min(blocks, -(-samples // (self.spectrum.hop * folded.dilation)))
        super().__init__(folded, samples, blocks * self.spectrum.hop * folded.dilation, sink, space)

    def _outputs(self, wanted: int) -> Tensor:
        dilation, hop = self.folded.dilation, self.spectrum.hop
        blocks = -(-wanted // (hop * dilation))
        for first in range(0, min(dilation, wanted), COLUMNS_AT_ONCE):
            self._phases(first, min(dilation, first + COLUMNS_AT_ONCE) - first, blocks)
        return self.window[:wanted]

    def _phases(self, first: int, phases: int, blocks: int) -> None:
        """Work out some phases of as many blocks, and put them into the window's beginning."""
        folded, size, hop = self.folded, self.spectrum.size, self.spectrum.hop
        half, channels, row = size // 2, folded.inputs, folded.dilation * folded.inputs
        begin = first * channels
        x = self.window.as_strided((blocks, size, phases * channels), (hop * row, row, 1), begin)
        sums, differences = (part.transpose(0, 1) for part in convolve_blocks(x, self.spectrum, self.space))
        hidden = self.space.take("hidden", sums, blocks, hop, phases * channels)
        near = min(hop, half)
        torch.add(sums[:, :near], differences[:, :near], out=hidden[:, :near])
        torch.sub(sums[:, : hop - near], differences[:, : hop - near], out=hidden[:, near:])
        shape, strides = (blocks * hop, phases, channels), (row, channels, 1)
        here = self.window.as_strided(shape, strides, begin + folded.reach * channels)
        out = self.window.as_strided(shape, strides, begin)
        folded.after_convolution(hidden.view(shape), here, out, self.space)


class DirectStream(Stream):
    """The convolution tap by tap, but for those that only see silence beyond the edges: for one input, short tracks."""

    def __init__(self, folded: FoldedBlock, samples: int, advance: int, sink: Sink, space: Workspace) -> None:
        super().__init__(folded, samples, min(advance, samples), sink, space)
        self.taps = folded.taps

    def _outputs(self, wanted: int) -> Tensor:
        folded, window = self.folded, self.window
        few = len(self.taps) * folded.inputs <= folded.outputs
        hidden = self._gathered(wanted) if few else self._tap_by_tap(wanted)
        out = self.space.take("outputs", hidden, *hidden.shape)
        folded.after_convolution(hidden, window[folded.reach : folded.reach + wanted], out, self.space)
        return out

    def _gathered(self, wanted: int) -> Tensor:
        """All taps side by side, in one product."""
        taps, inputs, outputs = self.taps.shape
        seen = self.window.as_strided((wanted, taps, inputs), (inputs, self.folded.dilation * inputs, 1))
        return torch.addmm(self.folded.bias, seen.reshape(wanted, -1), self.taps.reshape(-1, outputs))

    def _tap_by_tap(self, wanted: int) -> Tensor:
        hidden = self.folded.bias.repeat(wanted, 1)
        for number, tap in enumerate(self.taps):
            ahead = number * self.folded.dilation - self.folded.reach  # of the output, where this tap looks
            first = max(0, -ahead - self.done)
            last = min(wanted, self.samples - ahead - self.done)
            if first < last:
                start = self.folded.reach + ahead
                hidden[first:last].addmm_(self.window[start + first : start + last], tap)
        return hidden


class ImageStream(Stream):
    """The convolution as one over an image, a row of which is `dilation` samples: fp32, or half precision inside.

    The image is the time-major signal itself, so nothing is copied, and its convolution has taps next to each other.
    In half precision the convolution alone is: what blocks hand on, and add to, stays in single precision.
    """

    def __init__(
        self, folded: FoldedBlock, samples: int, advance: int, sink: Sink, space: Workspace, dtype: torch.dtype
    ) -> None:
        rows = max(1, min(advance, samples) // folded.dilation)
        super().__init__(folded, samples, rows * folded.dilation, sink, space)
        self.kernel = folded.taps.permute(2, 1, 0)[..., None].to(dtype).contiguous(memory_format=torch.channels_last)

    def _outputs(self, wanted: int) -> Tensor:
        folded = self.folded
        image = self.window.to(self.kernel.dtype).view(1, -1, folded.dilation, folded.inputs).permute(0, 3, 1, 2)
        convolved = F.conv2d(image, self.kernel).permute(0, 2, 3, 1).reshape(-1, folded.outputs)[:wanted]
        hidden = torch.add(convolved, folded.bias, out=self.space.take("hidden", folded.bias, *convolved.shape))
        out = self.window[:wanted]
        folded.after_convolution(hidden, self.window[folded.reach : folded.reach + wanted], out, self.space)
        return out
