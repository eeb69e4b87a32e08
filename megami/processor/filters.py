"""Filters as layers: equaliser curves that become minimum-phase kernels, and fast convolution, whole or in blocks."""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import cache

import torch
from torch import Tensor, nn

LOWEST_HZ, HIGHEST_HZ = 30.0, 18000.0


@cache
def fast_length(samples: int) -> int:
    """The next FFT length with no factor above 5: the next power of two would waste up to half.

    (As `scipy.fft.next_fast_len` for real input, which takes a quarter of a second to import.)
    """
    best = power_of_two(samples)
    fives = 1
    while fives < best:
        odd = fives
        while odd < best:
            best = min(best, odd * power_of_two(-(-samples // odd)))
            odd *= 3
        fives *= 5
    return best


def power_of_two(samples: int) -> int:
    """The next power of two."""
    return 1 << max(0, samples - 1).bit_length()


def log_frequencies(points: int, low_hz: float = LOWEST_HZ, high_hz: float = HIGHEST_HZ) -> Tensor:
    """`points` frequencies in Hz at equal musical distances."""
    return torch.logspace(math.log10(low_hz), math.log10(high_hz), points, dtype=torch.float64)


def interpolation_matrix(source_hz: Tensor, wanted_hz: Tensor) -> Tensor:
    """[source, wanted]: linear interpolation on a logarithmic frequency axis, constant beyond both ends."""
    axis, place = source_hz.double().log(), wanted_hz.double().clamp(min=1e-3).log()
    place = place.clamp(axis[0], axis[-1])
    upper = torch.searchsorted(axis, place).clamp(1, len(axis) - 1)
    share = (place - axis[upper - 1]) / (axis[upper] - axis[upper - 1])
    matrix = torch.zeros(len(axis), len(place), dtype=torch.float64)
    columns = torch.arange(len(place))
    matrix[upper - 1, columns] = 1 - share
    matrix[upper, columns] += share
    return matrix.float()


def soft_limit(value: Tensor, limit: float) -> Tensor:
    """Keep `value` within +-limit, smoothly; below half of the limit it hardly changes (2 % at half)."""
    return value * (1 + (value / limit).square().square()).pow(-0.25)


def dead_zone(value: Tensor, width: float) -> Tensor:
    """Leave a tenth of what is small against `width` and keep what is large, smoothly; about half is left at `width`.

    A network that estimates a correction is never exactly right; without this, a track that needs none gets its error.
    """
    square = value.square()
    return value * (square + 0.1 * width**2) / (square + width**2)


def hard_gate(value: Tensor) -> Tensor:
    """A sigmoid that reaches 0 and 1: parts that are not wanted are off."""
    return (1.2 * torch.sigmoid(value) - 0.1).clamp(0, 1)


def remove_dc(kernel: Tensor, window: Tensor) -> Tensor:
    """Make kernels [..., taps] sum to zero by taking away a decaying exponential: a first-order high-pass."""
    low = torch.zeros_like(kernel)
    low[..., : len(window)] = window
    return kernel - kernel.sum(-1, keepdim=True) * low


def decay_window(taps: int, corner_hz: float = 8.0, sample_rate: int = 44100) -> Tensor:
    """Exponential of unit sum whose subtraction is a high-pass at `corner_hz`."""
    window = torch.exp(-2 * math.pi * corner_hz / sample_rate * torch.arange(taps, dtype=torch.float64))
    return (window / window.sum()).float()


class CurveFilter(nn.Module):
    """Gains in dB at log-spaced frequencies [..., points] -> minimum-phase kernels [..., taps] without latency.

    The phase comes from the folded cepstrum (Oppenheim and Schafer, Discrete-Time Signal Processing, §13); the last
    quarter is faded so that a kernel cut short has no step. Differentiable; 0 dB everywhere gives the unit impulse.
    """

    to_bins: Tensor
    fold: Tensor
    fade: Tensor

    def __init__(self, points: int = 40, taps: int = 4096, sample_rate: int = 44100) -> None:
        super().__init__()
        self.taps, self.size = taps, 2 * taps
        bins = torch.linspace(0, sample_rate / 2, taps + 1, dtype=torch.float64)
        fold = torch.zeros(self.size)
        fold[0] = fold[taps] = 1
        fold[1:taps] = 2
        fade = torch.ones(taps)
        fade[-taps // 4 :] = torch.cos(torch.linspace(0, math.pi / 2, taps // 4)).square()
        self.register_buffer("to_bins", interpolation_matrix(log_frequencies(points), bins), persistent=False)
        self.register_buffer("fold", fold, persistent=False)
        self.register_buffer("fade", fade, persistent=False)

    def forward(self, gain_db: Tensor) -> Tensor:
        log_magnitude = (gain_db @ self.to_bins) * (math.log(10) / 20)
        cepstrum = torch.fft.irfft(log_magnitude, n=self.size)
        kernel = torch.fft.irfft(torch.exp(torch.fft.rfft(cepstrum * self.fold)), n=self.size)
        return kernel[..., : self.taps] * self.fade


def convolve(audio: Tensor, kernel: Tensor) -> Tensor:
    """Causal convolution by one FFT, cut to the input: [b, 1 or c, n] * [b, 1 or c, k] -> [b, c, n]."""
    samples = audio.shape[-1]
    size = fast_length(samples + kernel.shape[-1] - 1)
    spectrum = torch.fft.rfft(audio, size) * torch.fft.rfft(kernel, size)
    return torch.fft.irfft(spectrum, size)[..., :samples]


def without_silent_end(kernel: Tensor) -> Tensor:
    """Kernels [b, c, k] cut after the last sample that is not zero in any: shorter ones take less to convolve with."""
    sounding = kernel.ne(0).flatten(0, 1).any(dim=0).nonzero()
    return kernel[..., : int(sounding[-1]) + 1] if len(sounding) else kernel[..., :1]


POINTS_AT_ONCE = 1 << 20
"""Of all blocks that are transformed together: a transform is planned anew at every call, and the plan costs as much as
several transforms, so blocks go through it by the dozen; more at once would only take more memory."""


def convolve_in_blocks(audio: Tensor, kernel: Tensor, block: int) -> Tensor:
    """The same as `convolve`, in memory that hardly grows with the song: in blocks of about `block` samples at most."""
    blocks = BlockSpectra(audio, kernel.shape[-1], block, keep=False)
    return blocks.filtered(blocks.response(kernel))


class BlockSpectra:
    """The spectra of a track's blocks, by which it is filtered as often as is wanted: transformed once.

    audio [b, c, n]; taps: of the longest kernel, or of all together that are applied one after the other. Blocks of
    about `block` samples at most. Each is transformed with the `taps - 1` samples before it, and what they spoil is
    dropped (overlap-save; Oppenheim and Schafer, Discrete-Time Signal Processing, section 8.7). `keep`: whether the
    spectra are held, which takes as much memory as the audio and half as much again; else they are made in passing.
    """

    def __init__(self, audio: Tensor, taps: int, block: int, keep: bool = True) -> None:
        self.samples, self.before = audio.shape[-1], taps - 1
        self.size = block_size(self.samples, taps, block)
        hop = self.size - self.before
        missing = -self.samples % hop
        windows = nn.functional.pad(audio, (self.before, missing)).unfold(-1, self.size, hop)
        groups = windows.split(max(1, POINTS_AT_ONCE // (self.size * audio.shape[1])), dim=-2)
        self.spectra: Iterable[Tensor] = map(torch.fft.rfft, groups)
        if keep:
            self.spectra = list(self.spectra)

    def response(self, kernel: Tensor) -> Tensor:
        """What `filtered` takes, of kernels [b, 1 or c, k]: multiply responses to apply one after the other."""
        return torch.fft.rfft(kernel, self.size)

    def filtered(self, response: Tensor) -> Tensor:
        """The audio through causal filters, cut to its length: [b, c or the response's channels, n]."""
        out, start = None, 0
        for spectra in self.spectra:
            parts = torch.fft.irfft(spectra * response[..., None, :], self.size)[..., self.before :].flatten(-2)
            if out is None:
                out = parts.new_empty(*parts.shape[:-1], self.samples)
            end = min(start + parts.shape[-1], self.samples)
            out[..., start:end] = parts[..., : end - start]
            start = end
        assert out is not None  # there is at least one sample
        return out


def block_size(samples: int, taps: int, block: int) -> int:
    """Points of the transforms with which `samples` are filtered by `taps`, in blocks of at most `block`.

    A power of two from three times the taps on: shorter ones do much of the work twice, longer ones leave the cache.
    """
    size = power_of_two(3 * taps)
    if samples + taps - 1 <= size:
        size = fast_length(samples + taps - 1)
    return size if size - taps + 1 <= block else fast_length(block + taps - 1)
