"""Dynamic range compressor."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.signal import lfilter

from megami.effects.effect import Effect, Range

FLOOR = 1e-6  # -120 dB: quieter samples count as this loud
SMALLEST_REDUCTION_DB = 1e-9


def reduction_db(level_db: np.ndarray, threshold_db: float, ratio: float, knee_db: float) -> np.ndarray:
    """Static curve: how many dB (>= 0) a steady level is turned down.

    Quadratic within knee_db around the threshold (Giannoulis, Massberg and Reiss 2012, eq. 4).
    """
    over = level_db - threshold_db
    slope = 1.0 - 1.0 / ratio
    if knee_db <= 0.0:
        return slope * np.maximum(over, 0.0)
    knee = np.clip(over + knee_db / 2.0, 0.0, knee_db)
    return slope * (knee * knee / (2.0 * knee_db) + np.maximum(over - knee_db / 2.0, 0.0))


def ballistics(reduction: np.ndarray, attack_samples: float, release_samples: float) -> np.ndarray:
    """Smooth a reduction [samples] in dB over time: it rises with the attack and falls with the release time.

    The decoupled peak detector of Giannoulis, Massberg and Reiss 2012, eq. 17: r[n] = max(c[n], e^(-1/release) r[n-1]),
    then a one-pole low-pass with the attack time. In logarithms the first recursion is a running maximum.
    """
    decay = np.arange(reduction.shape[-1], dtype=np.float64) / release_samples
    held = np.maximum.accumulate(np.log(np.maximum(reduction, SMALLEST_REDUCTION_DB)) + decay)
    held = np.exp((held - decay).astype(np.float32))
    pole = math.exp(-1.0 / attack_samples)
    return lfilter([1.0 - pole], [1.0, -pole], held)


@dataclass(frozen=True)
class Compressor(Effect):
    """Feed-forward soft-knee compressor, to even out a track (Giannoulis, Massberg and Reiss 2012).

    The detector works on sample peaks in dB and is shared by both channels, so the stereo image stays still. Ratio 1
    with no make-up gain changes nothing.
    """

    threshold_db: float = -20.0
    ratio: float = 3.0
    attack_ms: float = 10.0
    release_ms: float = 120.0
    knee_db: float = 6.0
    makeup_db: float = 0.0

    RANGES: ClassVar[dict[str, Range]] = {
        "threshold_db": Range(-80.0, 0.0, "dB", draw_low=-45.0, draw_high=-5.0),
        "ratio": Range(1.0, 20.0, "", log=True, draw_low=1.5, draw_high=10.0),
        "attack_ms": Range(0.05, 200.0, "ms", log=True, draw_low=0.5, draw_high=60.0),
        "release_ms": Range(5.0, 2000.0, "ms", log=True, draw_low=40.0, draw_high=400.0),
        "knee_db": Range(0.0, 24.0, "dB", draw_low=0.0, draw_high=12.0),
        "makeup_db": Range(-24.0, 24.0, "dB", draw_low=0.0, draw_high=6.0),
    }

    def _process(self, audio: np.ndarray, sample_rate: int) -> np.ndarray:
        peak = np.maximum(np.abs(audio[0]), np.abs(audio[1]))
        level_db = 20.0 * np.log10(np.maximum(peak, np.float32(FLOOR)))
        static = reduction_db(level_db, self.threshold_db, self.ratio, self.knee_db)
        samples_per_ms = sample_rate / 1000.0
        reduction = ballistics(static, self.attack_ms * samples_per_ms, self.release_ms * samples_per_ms)
        gain = np.exp(((self.makeup_db - reduction) * (math.log(10.0) / 20.0)).astype(np.float32))
        return audio * gain
