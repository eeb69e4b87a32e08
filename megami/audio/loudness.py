"""Integrated loudness and true peak, as broadcast measures them."""

from __future__ import annotations

import math
from functools import lru_cache, reduce

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from megami.audio.level import FRAME_S, framed_power
from megami.audio.rate import SAMPLE_RATE

OFFSET_LU = -0.691  # makes a sine of 997 Hz read its own level
BLOCKS_AT_ONCE = 16  # a transform is planned anew at every call, which costs as much as a few transforms
MEMORY_S = 0.125  # after which nothing is left of a sample in the filter, to 1 part in 10^12
ABSOLUTE_GATE_LUFS, RELATIVE_GATE_LU = -70.0, -10.0

OVERSAMPLING = 4
TAPS_PER_PHASE = 24
CHUNK = 1 << 14  # samples that stay in the processor's cache
TOGETHER = 32  # samples whose values in between are one matrix product

FINE_OVERSAMPLING, FINE_TAPS, FINE_BETA = 8, 512, 3.0
FINE_CHUNK = 256  # places whose windows stay in the processor's cache
NEAR = 0.75  # what is lower at four times the rate, as a share of a ceiling, is not above it at eight times


def integrated_loudness(audio: Tensor, sample_rate: int = SAMPLE_RATE) -> float:
    """Loudness of [channels, samples] in LUFS (ITU-R BS.1770-4, gated), one channel as it is, not doubled.

    A clip shorter than one 400 ms block is repeated to fill it. Silence, anything below the absolute gate of -70 LUFS
    and audio that is not finite are -inf.
    """
    return loudness_of(block_powers(torch.atleast_2d(torch.as_tensor(audio).detach().cpu()).numpy(), sample_rate))


def block_powers(samples: np.ndarray, sample_rate: int = SAMPLE_RATE) -> np.ndarray:
    """Power of [channels, samples] in blocks of 400 ms, K-weighted, all channels together: [blocks]; none for silence.

    A clip shorter than one block is repeated to fill it. A gain changes them by its square.
    """
    block = math.ceil(FRAME_S * sample_rate) + 1
    if samples.shape[-1] == 0 or not samples.any():
        return np.zeros(0)
    if samples.shape[-1] < block:
        samples = np.tile(samples, (1, math.ceil(block / samples.shape[-1])))[:, :block]
    return framed_power(k_weighted(torch.from_numpy(samples), sample_rate), sample_rate).sum(0).numpy()


def gated_loudness(samples: np.ndarray, sample_rate: int = SAMPLE_RATE) -> float:
    """Loudness in LUFS of the 400 ms blocks of [channels, samples] that sound; -inf where none does.

    A block sounds where it is above -70 LUFS and at most 10 LU below the mean of such blocks (ITU-R BS.1770-4). A clip
    shorter than a block is one block.
    """
    return loudness_of(framed_power(k_weighted(torch.from_numpy(samples), sample_rate), sample_rate).sum(0).numpy())


def loudness_of(power: np.ndarray) -> float:
    """The gated loudness in LUFS of blocks of known power [blocks]; -inf where none sounds."""
    active = power[power > 10 ** ((ABSOLUTE_GATE_LUFS - OFFSET_LU) / 10)]
    if active.size == 0:
        return -math.inf
    sounding = active[active >= active.mean() * 10 ** (RELATIVE_GATE_LU / 10)]
    loudness = float(10 * np.log10(sounding.mean()) + OFFSET_LU)
    return loudness if math.isfinite(loudness) else -math.inf


def k_weighted(audio: Tensor, sample_rate: int = SAMPLE_RATE) -> Tensor:
    """Audio [..., samples] through the K filter, float64; in blocks, so that memory stays small for long songs.

    By its frequency response, in blocks that overlap by the filter's memory. scipy.signal filters as fast, but takes
    longer to import than songs of a few minutes take to weigh.
    """
    response = k_response(sample_rate)
    size = 2 * (len(response) - 1)
    overlap = math.ceil(MEMORY_S * sample_rate)
    hop = size - overlap
    weighted = audio.new_empty(audio.shape, dtype=torch.float64)
    blocks = F.pad(audio, (overlap, -audio.shape[-1] % hop)).unfold(-1, size, hop)
    start = 0
    for some in blocks.split(BLOCKS_AT_ONCE, dim=-2):
        filtered = torch.fft.irfft(torch.fft.rfft(some.double()) * response, size)[..., overlap:].flatten(-2)
        end = min(start + filtered.shape[-1], audio.shape[-1])
        weighted[..., start:end] = filtered[..., : end - start]
        start = end
    return weighted


@lru_cache(maxsize=8)
def k_response(sample_rate: int) -> Tensor:
    """Frequency response of the K filter (head shelf, then high-pass) at any rate; ITU-R BS.1770-4, Annex 1.

    The analogue filters behind the standard's table for 48 kHz, brought to the rate by the bilinear transform. The
    high-pass ends at 0 dB, where the table's own ends at +0.04 dB: what is measured reads that much less. From 0 Hz to
    half the rate, complex [bins], for blocks of 2 (bins - 1) samples.
    """
    shelf_w, shelf_q = 2 * math.pi * 1681.974450955533, 0.7071752369554196
    high, band = 10 ** (3.999843853973347 / 20), 10 ** (3.999843853973347 / 20 * 0.4996667741545416)
    pass_w, pass_q = 2 * math.pi * 38.13547087602444, 0.5003270373238773
    half = 1 << math.ceil(2 * MEMORY_S * sample_rate).bit_length()  # a block is at least four times the overlap
    s = 2j * sample_rate * torch.tan(math.pi / 2 * torch.arange(half + 1, dtype=torch.float64) / half)
    shelf = (high * s**2 + band * shelf_w / shelf_q * s + shelf_w**2) / (s**2 + shelf_w / shelf_q * s + shelf_w**2)
    return shelf * s**2 / (s**2 + pass_w / pass_q * s + pass_w**2)


def true_peak_db(audio: Tensor, sample_rate: int = SAMPLE_RATE) -> float:
    """Largest magnitude of [channels, samples] between and at the samples, in dBTP (ITU-R BS.1770-4 annex 2).

    By oversampling to four times the rate (fewer at 96 kHz and above). Silence is -inf.
    """
    samples = torch.atleast_2d(torch.as_tensor(audio).detach().cpu().float()).numpy()
    peak = float(true_peaks(samples, sample_rate).max(initial=0.0))
    return 20.0 * math.log10(peak) if peak > 0.0 else -math.inf


def true_peaks(samples: np.ndarray, sample_rate: int) -> np.ndarray:
    """Largest oversampled magnitude from each sample to the next, over all channels: [channels, samples] -> [samples].

    In chunks, so that memory stays small for long songs. Some samples together are one matrix product, in which most
    weights are zero and which is several times as fast as a sum over the taps.
    """
    factor = max(1, min(OVERSAMPLING, OVERSAMPLING * 48000 // max(sample_rate, 1)))
    peaks = np.abs(samples).max(axis=0)
    half, count = TAPS_PER_PHASE // 2, peaks.size
    if factor == 1 or count == 0:
        return peaks
    weights = between_matrix(factor, TOGETHER)
    windows = F.pad(torch.from_numpy(samples), (half, half + -count % TOGETHER)).unfold(
        -1, TOGETHER + TAPS_PER_PHASE, TOGETHER
    )
    between = []
    for some in windows.split(max(1, CHUNK // TOGETHER), dim=-2):
        fine = (some.flatten(0, 1) @ weights).abs_().view(len(samples), -1, factor - 1, TOGETHER)
        between.append(reduce(torch.maximum, reduce(torch.maximum, fine).unbind(1)).flatten())
    return torch.maximum(torch.from_numpy(peaks), torch.cat(between)[:count]).numpy()


@lru_cache(maxsize=8)
def between_matrix(factor: int, together: int) -> Tensor:
    """`between_taps` for some samples at once: [together + taps - 1, (factor - 1) * together], phase by phase."""
    taps = torch.from_numpy(between_taps(factor).copy())
    matrix = torch.zeros(together + taps.shape[1] - 1, len(taps), together)
    for place in range(together):
        matrix[place : place + taps.shape[1], :, place] = taps.T
    return matrix.flatten(1)


def fine_peak(samples: np.ndarray, peaks: np.ndarray, ceiling: float) -> float:
    """Largest magnitude of [channels, samples] at eight times the rate, if it is near `ceiling` (amplitude) or above.

    Lower ones are not told exactly. `peaks` is what `true_peaks` said of the samples; its filters are short, these are
    long, and also follow what lies just below half the rate.
    """
    peak = float(peaks.max(initial=0.0))
    half = FINE_TAPS // 2
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(samples, ((0, 0), (half, half))), FINE_TAPS + 1, axis=-1)
    taps = fine_taps()
    places = np.flatnonzero(peaks >= NEAR * ceiling)
    for some in np.split(places, range(FINE_CHUNK, places.size, FINE_CHUNK)):
        if some.size:
            peak = max(peak, float(np.abs(windows[:, some] @ taps).max()))
    return peak


@lru_cache(maxsize=1)
def fine_taps() -> np.ndarray:
    """The weights of `fine_peak`: [taps, phases]."""
    return np.ascontiguousarray(between_taps(FINE_OVERSAMPLING, FINE_TAPS, FINE_BETA).T)


def between_taps(factor: int, taps_per_phase: int = TAPS_PER_PHASE, beta: float = 5.0) -> np.ndarray:
    """Windowed sincs that give the values between samples when the rate is raised: [factor - 1, taps_per_phase + 1].

    Row k - 1 gives what lies k / factor after the middle one of the samples that it weighs.
    """
    half = taps_per_phase // 2
    # From sample to sample of the source; one window over all places, as if the taps were those of one long filter.
    time = np.arange(-half * factor, half * factor + 1) / factor
    taps = (np.sinc(time) * np.kaiser(time.size, beta)).astype(np.float32)
    phases = np.pad(taps, (0, factor - 1)).reshape(-1, factor).T
    return phases[1:, ::-1]
