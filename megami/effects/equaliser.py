"""Five-band parametric equaliser."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.signal import sosfilt

from megami.effects.effect import Effect, Range

SHELF_Q = math.sqrt(0.5)
HIGHEST_SHARE_OF_RATE = 0.49  # a band above the Nyquist frequency is moved just below it


def _angle(frequency_hz: float, sample_rate: int) -> tuple[float, float]:
    """cos and sin of the band's angular frequency."""
    frequency_hz = min(frequency_hz, HIGHEST_SHARE_OF_RATE * sample_rate)
    omega = 2.0 * math.pi * frequency_hz / sample_rate
    return math.cos(omega), math.sin(omega)


def peak_section(gain_db: float, frequency_hz: float, q: float, sample_rate: int) -> np.ndarray:
    """Second-order section [6] of a peaking band: gain_db at its centre, 0 dB far away (RBJ audio EQ cookbook)."""
    amplitude = 10.0 ** (gain_db / 40.0)
    cos, sin = _angle(frequency_hz, sample_rate)
    alpha = sin / (2.0 * q)
    boost, cut = alpha * amplitude, alpha / amplitude
    section = np.array([1.0 + boost, -2.0 * cos, 1.0 - boost, 1.0 + cut, -2.0 * cos, 1.0 - cut])
    return section / section[3]


def low_shelf_section(gain_db: float, frequency_hz: float, sample_rate: int) -> np.ndarray:
    """Second-order section [6] of a low shelf: half of gain_db (in dB) at frequency_hz (RBJ audio EQ cookbook)."""
    a = 10.0 ** (gain_db / 40.0)
    cos, sin = _angle(frequency_hz, sample_rate)
    slope = 2.0 * math.sqrt(a) * sin / (2.0 * SHELF_Q)
    b = [(a + 1) - (a - 1) * cos + slope, 2 * ((a - 1) - (a + 1) * cos), (a + 1) - (a - 1) * cos - slope]
    d = [(a + 1) + (a - 1) * cos + slope, -2 * ((a - 1) + (a + 1) * cos), (a + 1) + (a - 1) * cos - slope]
    return np.array([a * coefficient for coefficient in b] + d) / d[0]


def high_shelf_section(gain_db: float, frequency_hz: float, sample_rate: int) -> np.ndarray:
    """Second-order section [6] of a high shelf: half of gain_db (in dB) at frequency_hz (RBJ audio EQ cookbook)."""
    a = 10.0 ** (gain_db / 40.0)
    cos, sin = _angle(frequency_hz, sample_rate)
    slope = 2.0 * math.sqrt(a) * sin / (2.0 * SHELF_Q)
    b = [(a + 1) + (a - 1) * cos + slope, -2 * ((a - 1) + (a + 1) * cos), (a + 1) + (a - 1) * cos - slope]
    d = [(a + 1) - (a - 1) * cos + slope, 2 * ((a - 1) - (a + 1) * cos), (a + 1) - (a - 1) * cos - slope]
    return np.array([a * coefficient for coefficient in b] + d) / d[0]


def _gain() -> Range:
    return Range(-24.0, 24.0, "dB", draw_low=-15.0, draw_high=15.0)


def _frequency(draw_low: float, draw_high: float) -> Range:
    return Range(20.0, 20000.0, "Hz", log=True, draw_low=draw_low, draw_high=draw_high)


def _quality() -> Range:
    return Range(0.1, 20.0, "", log=True, draw_low=0.3, draw_high=3.0)


@dataclass(frozen=True)
class Equaliser(Effect):
    """Low shelf, three peaks and high shelf in series, to colour a track (RBJ audio EQ cookbook biquads).

    Gains in dB, centre or corner frequencies in Hz; the shelves have Q 1/sqrt(2). All gains 0: nothing changes.
    """

    low_gain_db: float = 0.0
    low_hz: float = 100.0
    peak1_gain_db: float = 0.0
    peak1_hz: float = 400.0
    peak1_q: float = 0.7
    peak2_gain_db: float = 0.0
    peak2_hz: float = 1500.0
    peak2_q: float = 0.7
    peak3_gain_db: float = 0.0
    peak3_hz: float = 4500.0
    peak3_q: float = 0.7
    high_gain_db: float = 0.0
    high_hz: float = 8000.0

    RANGES: ClassVar[dict[str, Range]] = {
        "low_gain_db": _gain(),
        "low_hz": _frequency(30.0, 250.0),
        "peak1_gain_db": _gain(),
        "peak1_hz": _frequency(150.0, 1000.0),
        "peak1_q": _quality(),
        "peak2_gain_db": _gain(),
        "peak2_hz": _frequency(800.0, 3500.0),
        "peak2_q": _quality(),
        "peak3_gain_db": _gain(),
        "peak3_hz": _frequency(2500.0, 9000.0),
        "peak3_q": _quality(),
        "high_gain_db": _gain(),
        "high_hz": _frequency(4000.0, 12000.0),
    }

    def sections(self, sample_rate: int) -> np.ndarray:
        """Second-order sections [5, 6] of the whole equaliser, in series."""
        return np.stack(
            [
                low_shelf_section(self.low_gain_db, self.low_hz, sample_rate),
                peak_section(self.peak1_gain_db, self.peak1_hz, self.peak1_q, sample_rate),
                peak_section(self.peak2_gain_db, self.peak2_hz, self.peak2_q, sample_rate),
                peak_section(self.peak3_gain_db, self.peak3_hz, self.peak3_q, sample_rate),
                high_shelf_section(self.high_gain_db, self.high_hz, sample_rate),
            ]
        )

    def _process(self, audio: np.ndarray, sample_rate: int) -> np.ndarray:
        gains = (self.low_gain_db, self.peak1_gain_db, self.peak2_gain_db, self.peak3_gain_db, self.high_gain_db)
        active = [gain != 0.0 for gain in gains]
        if not any(active):
            return audio.copy()
        return sosfilt(self.sections(sample_rate)[active], audio, axis=-1)
