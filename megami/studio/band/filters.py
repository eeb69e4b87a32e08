"""Small filters of the dry renderer: shelves, bells, pass filters, and a lowpass that moves."""

from __future__ import annotations

import numpy as np
from scipy import signal

from megami.audio import SAMPLE_RATE, db_to_gain


def lowpass(audio: np.ndarray, hz: float, order: int = 2) -> np.ndarray:
    """Butterworth lowpass."""
    return signal.sosfilt(signal.butter(order, _inside(hz), "low", fs=SAMPLE_RATE, output="sos"), audio)


def highpass(audio: np.ndarray, hz: float, order: int = 2) -> np.ndarray:
    """Butterworth highpass."""
    return signal.sosfilt(signal.butter(order, _inside(hz), "high", fs=SAMPLE_RATE, output="sos"), audio)


def bandpass(audio: np.ndarray, low_hz: float, high_hz: float) -> np.ndarray:
    """Butterworth bandpass of second order on each side."""
    band = (_inside(low_hz), _inside(high_hz))
    return signal.sosfilt(signal.butter(2, band, "band", fs=SAMPLE_RATE, output="sos"), audio)


def bell(audio: np.ndarray, hz: float, gain_db: float, q: float) -> np.ndarray:
    """Peaking equaliser (R. Bristow-Johnson's cookbook form)."""
    amplitude, omega = 10.0 ** (gain_db / 40.0), 2.0 * np.pi * _inside(hz) / SAMPLE_RATE
    alpha, cosine = np.sin(omega) / (2.0 * q), np.cos(omega)
    b = np.array([1.0 + alpha * amplitude, -2.0 * cosine, 1.0 - alpha * amplitude])
    a = np.array([1.0 + alpha / amplitude, -2.0 * cosine, 1.0 - alpha / amplitude])
    return signal.lfilter(b / a[0], a / a[0], audio)


def tilt(audio: np.ndarray, hz: float, low_db: float, high_db: float) -> np.ndarray:
    """First-order split at `hz` with its own gain below and above."""
    b, a = signal.butter(1, _inside(hz), "low", fs=SAMPLE_RATE)
    low = signal.lfilter(b, a, audio)
    return db_to_gain(low_db) * low + db_to_gain(high_db) * (audio - low)


def resonant_lowpass(audio: np.ndarray, hz: float, q: float) -> np.ndarray:
    """Second-order lowpass with resonance `q`, twice in a row for 24 dB per octave (second stage without resonance)."""
    for resonance in (q, 0.6):
        omega = 2.0 * np.pi * _inside(hz) / SAMPLE_RATE
        alpha, cosine = np.sin(omega) / (2.0 * resonance), np.cos(omega)
        b = np.array([0.5 * (1.0 - cosine), 1.0 - cosine, 0.5 * (1.0 - cosine)])
        a = np.array([1.0 + alpha, -2.0 * cosine, 1.0 - alpha])
        audio = signal.lfilter(b / a[0], a / a[0], audio)
    return audio


def sweeping_lowpass(audio: np.ndarray, low_hz: float, octaves: float, opening: np.ndarray, q: float) -> np.ndarray:
    """Lowpass whose cutoff follows `opening` (0..1, per sample) over `octaves` above `low_hz`.

    Four fixed filters are crossfaded, which is cheap in numpy and free of zipper noise.
    """
    positions = np.linspace(0.0, 1.0, 4)
    swept = np.zeros_like(audio)
    for position in positions:
        weight = np.clip(1.0 - np.abs(opening - position) * 3.0, 0.0, 1.0)
        if weight.any():
            swept += weight * resonant_lowpass(audio, low_hz * 2.0 ** (octaves * position), q)
    return swept


def _inside(hz: float) -> float:
    return float(np.clip(hz, 10.0, 0.47 * SAMPLE_RATE))
