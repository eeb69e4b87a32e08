"""How far one recording lies behind another: the lag at which they resemble each other most."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from megami.audio.resampling import resample

COARSE_RATE = 11_025  # Hz: a sample is 0.09 ms
LONGEST_LAG_S = 1.0
NEARLY_AS_GOOD = 0.9


def coarse(audio: Tensor, sample_rate: int) -> Tensor:
    """Audio [channels, samples] as mono at COARSE_RATE or near it, good enough to compare: [samples].

    Means of neighbours where the rate is a multiple of a quarter of CD rate, else converted to CD rate first.
    """
    mono = audio.mean(dim=0)
    if sample_rate % COARSE_RATE:
        mono, sample_rate = resample(mono, sample_rate, 4 * COARSE_RATE), 4 * COARSE_RATE
    factor = sample_rate // COARSE_RATE
    whole = mono[: len(mono) // factor * factor]
    return whole.reshape(-1, factor).mean(dim=-1)


def lag_ms(audio: Tensor, reference: Tensor) -> tuple[float, float]:
    """How far `audio` lies behind `reference` in ms (negative: before it), and how alike they are then, 0 to 1.

    Both [samples] from `coarse`. The lag of the largest absolute cross-correlation of their first differences (so that
    low notes do not blur it), looked for within a second each way; of lags that are nearly as good, as in a held note,
    the shortest. The likeness is that correlation over both norms. (0, 0) where one is silent.
    """
    if min(len(audio), len(reference)) < 2:
        return 0.0, 0.0
    first, second = (np.diff(sound.numpy().astype(np.float64)) for sound in (audio, reference))
    norm = float(np.linalg.norm(first) * np.linalg.norm(second))
    if norm == 0.0:
        return 0.0, 0.0
    from scipy.fft import irfft, next_fast_len, rfft

    size = next_fast_len(len(first) + len(second), real=True)
    correlation = irfft(rfft(first, size) * np.conj(rfft(second, size)), size)
    most = min(round(LONGEST_LAG_S * COARSE_RATE), size // 2 - 1)
    near = np.abs(np.concatenate([correlation[-most:], correlation[: most + 1]]))
    good = np.flatnonzero(near >= NEARLY_AS_GOOD * near.max())
    best = int(good[np.argmin(np.abs(good - most))])
    while (higher := max(range(max(best - 1, 0), min(best + 2, len(near))), key=lambda i: near[i])) != best:
        best = higher  # up to the peak on whose side it lies
    return 1000.0 * (best - most) / COARSE_RATE, float(min(1.0, near[best] / norm))


def add_at_start(total: Tensor | None, audio: Tensor) -> Tensor:
    """The sum of two recordings [samples] that begin together, as long as the longer one."""
    if total is None:
        return audio.clone()
    longer, shorter = (total, audio) if len(total) >= len(audio) else (audio, total)
    out = longer.clone()
    out[: len(shorter)] += shorter
    return torch.as_tensor(out)
