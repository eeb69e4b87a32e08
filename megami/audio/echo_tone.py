"""How echoes sound: the band that they are kept to, and its impulse response."""

from __future__ import annotations

import math

import numpy as np

ECHO_BAND_HZ = (150.0, 6000.0)
"""Echoes are thinner and darker than the sound, so that they stay behind it."""


def echo_tone(samples: int, sample_rate: int) -> np.ndarray:
    """Impulse response [samples] of a first-order Butterworth band-pass over ECHO_BAND_HZ, float64.

    By the bilinear transform, both edges exact. (As `butter` of scipy.signal, which takes a second to import.)
    """
    low, high = (math.tan(math.pi * hz / sample_rate) for hz in ECHO_BAND_HZ)
    width, middle = high - low, low * high
    scale = 1.0 + width + middle
    first, second = 2.0 * (middle - 1.0) / scale, (1.0 - width + middle) / scale
    response = np.zeros(samples + 2)  # two samples of rest come first
    for place in range(samples):
        given = {0: width / scale, 2: -width / scale}.get(place, 0.0)
        response[place + 2] = given - first * response[place + 1] - second * response[place]
    return response[2:]
