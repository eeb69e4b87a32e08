"""Filters as layers: equaliser curves that become minimum-phase kernels, and fast convolution, whole or in blocks."""

from __future__ import annotations

import math

import torch
from scipy.fft import next_fast_len
from torch import Tensor, nn

LOWEST_HZ, HIGHEST_HZ = 30.0, 18000.0


def fast_length(samples: int) -> int:
    """The next FFT length with only small factors: the next power of two would waste up to half."""
    return next_fast_len(samples, real=True)


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


FAST_BLOCK = 61440
"""Samples that a short kernel is convolved with at once: few enough for the processor's cache."""


def convolve_in_blocks(audio: Tensor, kernel: Tensor, block: int) -> Tensor:
    """The same as `convolve`, in memory that does not grow with the song: overlap-add of at most `block` samples."""
    samples, tail = audio.shape[-1], kernel.shape[-1] - 1
    block = min(block, max(FAST_BLOCK, 2 * tail))
    if samples <= block:
        return convolve(audio, kernel)
    size = fast_length(block + tail)
    response = torch.fft.rfft(kernel, size)
    out = audio.new_zeros(audio.shape[0], max(audio.shape[1], kernel.shape[1]), samples)
    for start in range(0, samples, block):
        piece = torch.fft.irfft(torch.fft.rfft(audio[..., start : start + block], size) * response, size)
        end = min(start + block + tail, samples)
        out[..., start:end] += piece[..., : end - start]
    return out
