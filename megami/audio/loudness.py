"""Integrated loudness and true peak, as broadcast measures them."""

from __future__ import annotations

import math
import warnings

import numpy as np
import torch
from torch import Tensor

from megami.audio.rate import SAMPLE_RATE

BLOCK_S = 0.4
OVERSAMPLING = 4
TAPS_PER_PHASE = 24
CHUNK = 1 << 14  # samples that stay in the processor's cache


def integrated_loudness(audio: Tensor, sample_rate: int = SAMPLE_RATE) -> float:
    """Loudness of [channels, samples] in LUFS (ITU-R BS.1770-4, gated), by pyloudnorm.

    A clip shorter than one 400 ms block is repeated to fill it. Silence, and anything below the absolute gate of -70
    LUFS, is -inf. One channel counts as it is, not doubled.
    """
    import pyloudnorm  # here, because scipy.signal beneath it takes long to import

    samples = torch.atleast_2d(torch.as_tensor(audio).detach().cpu()).numpy()
    block = math.ceil(BLOCK_S * sample_rate) + 1
    if samples.shape[-1] == 0 or not samples.any():
        return -math.inf
    if samples.shape[-1] < block:
        samples = np.tile(samples, (1, math.ceil(block / samples.shape[-1])))[:, :block]
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        loudness = float(pyloudnorm.Meter(sample_rate).integrated_loudness(samples.T.astype(np.float64)))
    return loudness if math.isfinite(loudness) else -math.inf


def true_peak_db(audio: Tensor, sample_rate: int = SAMPLE_RATE) -> float:
    """Largest magnitude of [channels, samples] between and at the samples, in dBTP (ITU-R BS.1770-4 annex 2).

    By oversampling to four times the rate (fewer at 96 kHz and above). Silence is -inf.
    """
    samples = torch.atleast_2d(torch.as_tensor(audio).detach().cpu().float()).numpy()
    peak = float(true_peaks(samples, sample_rate).max(initial=0.0))
    return 20.0 * math.log10(peak) if peak > 0.0 else -math.inf


def true_peaks(samples: np.ndarray, sample_rate: int) -> np.ndarray:
    """Largest oversampled magnitude from each sample to the next, over all channels: [channels, samples] -> [samples].

    In chunks, so that memory stays small for long songs.
    """
    factor = max(1, min(OVERSAMPLING, OVERSAMPLING * 48000 // max(sample_rate, 1)))
    peaks = np.abs(samples).max(axis=0)
    padded = np.pad(samples, ((0, 0), (TAPS_PER_PHASE // 2, TAPS_PER_PHASE // 2)))
    for taps in between_taps(factor):
        for start in range(0, peaks.size, CHUNK):
            largest = peaks[start : start + CHUNK]
            fine = np.zeros((len(samples), largest.size), dtype=samples.dtype)
            for place, tap in enumerate(taps, start):
                fine += tap * padded[:, place : place + largest.size]
            np.maximum(largest, np.abs(fine).max(axis=0), out=largest)
    return peaks


def between_taps(factor: int) -> np.ndarray:
    """Windowed sincs that give the values between samples when the rate is raised: [factor - 1, TAPS_PER_PHASE + 1].

    Row k - 1 gives what lies k / factor after the middle one of the samples that it weighs.
    """
    half = TAPS_PER_PHASE // 2
    # From sample to sample of the source; one window over all places, as if the taps were those of one long filter.
    time = np.arange(-half * factor, half * factor + 1) / factor
    taps = (np.sinc(time) * np.kaiser(time.size, 5.0)).astype(np.float32)
    phases = np.pad(taps, (0, factor - 1)).reshape(-1, factor).T
    return phases[1:, ::-1]
