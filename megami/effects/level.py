"""Gain and panorama."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from megami.audio import db_to_gain
from megami.effects.effect import Effect, Range


@dataclass(frozen=True)
class Gain(Effect):
    """Turn both channels up or down by gain_db."""

    gain_db: float = 0.0

    RANGES: ClassVar[dict[str, Range]] = {
        "gain_db": Range(-120.0, 120.0, "dB", draw_low=-12.0, draw_high=12.0),
    }

    def _process(self, audio: np.ndarray, sample_rate: int) -> np.ndarray:
        return audio * np.float32(db_to_gain(self.gain_db))


@dataclass(frozen=True)
class Pan(Effect):
    """Place a track between left (-1) and right (+1) by the constant-power law, both gains 1 at the centre.

    gains = sqrt(2) (cos t, sin t), t = (position + 1) pi / 4: their squares always sum to 2. A stereo track has its
    channels weighed, not moved.
    """

    position: float = 0.0

    RANGES: ClassVar[dict[str, Range]] = {"position": Range(-1.0, 1.0, "", draw_low=-0.9, draw_high=0.9)}

    def gains(self) -> tuple[float, float]:
        """Factors of the left and the right channel."""
        if self.position == 0.0:
            return 1.0, 1.0
        angle = (self.position + 1.0) * math.pi / 4.0
        return math.sqrt(2.0) * math.cos(angle), math.sqrt(2.0) * math.sin(angle)

    def _process(self, audio: np.ndarray, sample_rate: int) -> np.ndarray:
        return audio * np.array(self.gains(), dtype=np.float32)[:, None]
