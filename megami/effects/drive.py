"""Saturation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from megami.audio import db_to_gain
from megami.effects.effect import Effect, Range


def _power(audio: np.ndarray) -> float:
    flat = audio.reshape(-1)
    return float(np.dot(flat, flat)) / flat.size


@dataclass(frozen=True)
class Drive(Effect):
    """Hyperbolic-tangent saturation, to thicken a track with odd harmonics and soften its peaks.

    The input is raised by drive_db into tanh, and the saturated signal brought back to the power of the dry one over
    the whole clip, so drive changes the sound and not the loudness. `mix` is the saturated share: 0 leaves all dry.
    """

    drive_db: float = 6.0
    mix: float = 1.0

    RANGES: ClassVar[dict[str, Range]] = {
        "drive_db": Range(0.0, 40.0, "dB", draw_low=0.0, draw_high=24.0),
        "mix": Range(0.0, 1.0, "", draw_low=0.2, draw_high=1.0),
    }

    def _process(self, audio: np.ndarray, sample_rate: int) -> np.ndarray:
        if self.mix == 0.0:
            return audio.copy()
        saturated = np.tanh(audio * np.float32(db_to_gain(self.drive_db)))
        power = _power(saturated)
        if power == 0.0:  # so quiet that the squares vanish: tanh is linear there
            return audio.copy()
        saturated *= np.float32(self.mix * (_power(audio) / power) ** 0.5)
        return saturated + np.float32(1.0 - self.mix) * audio
