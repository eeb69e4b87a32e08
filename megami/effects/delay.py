"""Echo."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.signal import butter, sosfilt

from megami.audio.echo_tone import ECHO_BAND_HZ
from megami.effects.comb import delayed, sparse_filter
from megami.effects.effect import Effect, Range


def echoes(send: np.ndarray, samples: int, feedback: float) -> np.ndarray:
    """Sum of feedback^(k-1) send[n - k samples] over k = 1, 2, ..., over [..., samples]."""
    return delayed(sparse_filter(send, samples, [1.0], feedback), samples)


@dataclass(frozen=True)
class Delay(Effect):
    """Repeating echoes, each `feedback` times the one before: y = x + wet * echoes.

    With ping_pong 1 the echoes of the middle signal fall left, right, left, ...; with 0 each channel echoes on its own
    side.
    """

    time_ms: float = 300.0
    feedback: float = 0.35
    wet: float = 0.25
    ping_pong: int = 0

    RANGES: ClassVar[dict[str, Range]] = {
        "time_ms": Range(1.0, 2000.0, "ms", log=True, draw_low=60.0, draw_high=600.0),
        "feedback": Range(0.0, 0.95, "", draw_low=0.0, draw_high=0.65),
        "wet": Range(0.0, 1.0, "", draw_low=0.05, draw_high=0.5),
        "ping_pong": Range(0, 1, "", whole=True),
    }

    def _process(self, audio: np.ndarray, sample_rate: int) -> np.ndarray:
        samples = max(1, round(self.time_ms * sample_rate / 1000.0))
        if self.wet == 0.0 or samples >= audio.shape[-1]:
            return audio.copy()
        band = (ECHO_BAND_HZ[0], min(ECHO_BAND_HZ[1], 0.45 * sample_rate))
        tone = butter(1, band, "bandpass", fs=sample_rate, output="sos")
        send = audio.mean(axis=0) if self.ping_pong else audio
        send = sosfilt(tone, send, axis=-1).astype(np.float32)
        if self.ping_pong:
            left = delayed(sparse_filter(send, 2 * samples, [1.0], self.feedback**2), samples)
            wet = np.stack([left, np.float32(self.feedback) * delayed(left, samples)])
        else:
            wet = echoes(send, samples, self.feedback)
        return audio + np.float32(self.wet) * wet
