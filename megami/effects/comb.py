"""Recursions over a whole delay line, as one vectorised first-order filter over rows of the delay's length."""

from __future__ import annotations

import numpy as np
from scipy.signal import lfilter


def delayed(audio: np.ndarray, samples: int) -> np.ndarray:
    """Shift the last axis later by `samples`, zeros first; the length stays."""
    out = np.zeros_like(audio)
    if samples < audio.shape[-1]:
        out[..., samples:] = audio[..., : audio.shape[-1] - samples]
    return out


def sparse_filter(audio: np.ndarray, samples: int, forward: list[float], feedback: float) -> np.ndarray:
    """y[n] = forward[0] x[n] + forward[1] x[n-D] + ... + feedback y[n-D], with D = `samples`, over [..., samples]."""
    length = audio.shape[-1]
    rows = -(-length // samples)
    padding = [(0, 0)] * (audio.ndim - 1) + [(0, rows * samples - length)]
    table = np.pad(audio, padding).reshape(*audio.shape[:-1], rows, samples)
    b, a = np.array(forward, dtype=audio.dtype), np.array([1.0, -feedback], dtype=audio.dtype)
    return lfilter(b, a, table, axis=-2).reshape(*audio.shape[:-1], -1)[..., :length]


def comb_allpass(audio: np.ndarray, samples: int, gain: float) -> np.ndarray:
    """Schroeder's all-pass comb, (z^-D - gain) / (1 - gain z^-D): all frequencies at unit level, smeared in time."""
    return sparse_filter(audio, samples, [-gain, 1.0], gain)
