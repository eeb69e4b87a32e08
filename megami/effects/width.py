"""Stereo width."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.signal import butter, sosfilt

from megami.effects.comb import comb_allpass, delayed
from megami.effects.effect import Effect, Range

SPREAD_DELAY_MS = 5.3
SPREAD_ALLPASSES = ((7.9, 0.55), (11.7, -0.5))  # (ms, gain): incommensurable, below the echo threshold
SPREAD_LOWEST_HZ = 180.0


def decorrelated(mid: np.ndarray, sample_rate: int) -> np.ndarray:
    """A version of `mid` [samples] of like spectrum above 180 Hz that is hardly correlated with it."""

    def samples(milliseconds: float) -> int:
        return max(1, round(milliseconds * sample_rate / 1000.0))

    out = delayed(mid, samples(SPREAD_DELAY_MS))
    for milliseconds, gain in SPREAD_ALLPASSES:
        out = comb_allpass(out, samples(milliseconds), gain)
    return sosfilt(butter(2, SPREAD_LOWEST_HZ, "highpass", fs=sample_rate, output="sos"), out).astype(np.float32)


@dataclass(frozen=True)
class Width(Effect):
    """Scale the side signal by `width` (0 mono, 1 as is, 2 wide), after making pseudo-stereo out of the middle.

    `spread` is the level of an all-passed, high-passed copy of the middle that is added to the side: complementary
    combs left and right that cancel in mono, so left + right never changes (Lauridsen 1954; Schroeder 1958).
    """

    width: float = 1.0
    spread: float = 0.0

    RANGES: ClassVar[dict[str, Range]] = {"width": Range(0.0, 2.0, ""), "spread": Range(0.0, 1.0, "")}

    def _process(self, audio: np.ndarray, sample_rate: int) -> np.ndarray:
        if self.width == 1.0 and self.spread == 0.0:
            return audio.copy()
        mid, side = (audio[0] + audio[1]) * np.float32(0.5), (audio[0] - audio[1]) * np.float32(0.5)
        if self.spread > 0.0 and self.width > 0.0:
            side = side + np.float32(self.spread) * decorrelated(mid, sample_rate)
        side = np.float32(self.width) * side
        return np.stack([mid + side, mid - side])
