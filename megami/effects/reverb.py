"""Room reverberation by convolution with a seeded synthetic room."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import numpy as np
from scipy.fft import irfft, next_fast_len, rfft
from scipy.signal import oaconvolve

from megami.effects.effect import Effect, Range

BANDS_HZ = (125.0, 250.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0, 16000.0)
LOW_CUT_HZ = 90.0
DECAY_NEPERS = 6.907755278982137  # 60 dB, the definition of reverberation time (ISO 3382)
EARLY_REFLECTIONS = 9
EARLY_SHARE = 0.25  # of the room's energy


def decay_at(frequency_hz: np.ndarray, decay_s: float, damping_hz: float) -> np.ndarray:
    """Reverberation time per frequency: decay_s far below damping_hz, half of it there, falling off above."""
    return decay_s / (1.0 + frequency_hz / damping_hz)


def _band_weights(frequencies: np.ndarray) -> np.ndarray:
    """Triangles on a logarithmic axis [bands, bins] that sum to one at every frequency."""
    position = np.log2(np.maximum(frequencies, 1.0) / BANDS_HZ[0])
    position = np.clip(position, 0.0, len(BANDS_HZ) - 1.0)
    return np.maximum(0.0, 1.0 - np.abs(position[None] - np.arange(len(BANDS_HZ))[:, None])).astype(np.float32)


def _tail(rng: np.random.Generator, samples: int, decay_s: float, damping_hz: float, sample_rate: int) -> np.ndarray:
    """Noise [2, samples], independent left and right, in which every band dies away at its own rate."""
    size = next_fast_len(samples, real=True)
    spectrum = rfft(rng.standard_normal((2, size), dtype=np.float32), axis=-1)
    weights = _band_weights(np.fft.rfftfreq(size, 1.0 / sample_rate))
    time_s = np.arange(samples, dtype=np.float32) / np.float32(sample_rate)
    tail = np.zeros((2, samples), dtype=np.float32)
    for weight, decay in zip(weights, decay_at(np.array(BANDS_HZ), decay_s, damping_hz), strict=True):
        heard = min(samples, int(1.5 * decay * sample_rate) + 1)  # 90 dB down: the rest of this band is left out
        band = irfft(spectrum * weight, n=size, axis=-1)[:, :heard]
        tail[:, :heard] += band * np.exp(np.float32(-DECAY_NEPERS / decay) * time_s[:heard])
    return tail


def _early(rng: np.random.Generator, samples: int, decay_s: float, sample_rate: int) -> np.ndarray:
    """A few single reflections [2, samples], later and wider apart in larger rooms, different left and right."""
    early = np.zeros((2, samples), dtype=np.float32)
    last_ms = 12.0 + 25.0 * min(decay_s, 2.0)
    times_ms = np.sort(rng.uniform(1.0, last_ms, size=(2, EARLY_REFLECTIONS)), axis=-1)
    signs = rng.choice([-1.0, 1.0], size=(2, EARLY_REFLECTIONS))
    places = np.minimum((times_ms * sample_rate / 1000.0).astype(int), samples - 1)
    for channel in range(2):
        np.add.at(early[channel], places[channel], signs[channel] * np.exp(-times_ms[channel] / last_ms))
    return early


def _shaped(early: np.ndarray, tail: np.ndarray, damping_hz: float, sample_rate: int) -> np.ndarray:
    """Join both parts at their shares, cut the lows, and give each channel unit power for pink noise."""
    size = next_fast_len(2 * tail.shape[-1], real=True)
    frequencies = np.fft.rfftfreq(size, 1.0 / sample_rate)
    low_cut = 1.0 / np.sqrt(1.0 + (LOW_CUT_HZ / np.maximum(frequencies, 1e-3)) ** 4)
    walls = 1.0 / np.sqrt(1.0 + (frequencies / (2.0 * damping_hz)) ** 2)
    pink = np.where((frequencies > 40.0) & (frequencies < 12000.0), 1.0 / np.maximum(frequencies, 40.0), 0.0)
    pink /= pink.sum()
    room = np.zeros((2, frequencies.size), dtype=np.complex64)
    for part, colour, share in ((early, low_cut * walls, EARLY_SHARE), (tail, low_cut, 1.0 - EARLY_SHARE)):
        spectrum = rfft(part, n=size, axis=-1) * colour.astype(np.float32)
        power = (np.abs(spectrum) ** 2 @ pink)[:, None]
        room += spectrum * np.sqrt(share / np.maximum(power, 1e-20)).astype(np.float32)
    room /= np.sqrt(np.maximum(np.abs(room) ** 2 @ pink, 1e-20))[:, None].astype(np.float32)
    return irfft(room, n=size, axis=-1)[:, : tail.shape[-1]]


@lru_cache(maxsize=16)
def room_response(decay_s: float, damping_hz: float, seed: int, sample_rate: int) -> np.ndarray:
    """Impulse response [2, samples] of a room without direct sound or pre-delay; read-only, remembered.

    The same arguments give the same room, so tracks can share one. Pink noise comes out as loud as it went in.
    """
    rng = np.random.default_rng([seed, 7])
    samples = max(64, int((decay_s + 0.06) * sample_rate))
    early = _early(rng, samples, decay_s, sample_rate)
    response = _shaped(early, _tail(rng, samples, decay_s, damping_hz, sample_rate), damping_hz, sample_rate)
    response.flags.writeable = False
    return response


@dataclass(frozen=True)
class Reverb(Effect):
    """Put a track into a room: early reflections, then a decaying noise tail (Moorer 1979): y = (1 - wet) x + wet r.

    decay_s is the time to fall by 60 dB at low frequencies, half of it at damping_hz; the room hears the middle signal
    and answers with independent left and right. Tracks share a room when all but `wet` are equal.
    """

    decay_s: float = 0.8
    pre_delay_ms: float = 10.0
    damping_hz: float = 4000.0
    wet: float = 0.2
    seed: int = 0

    RANGES: ClassVar[dict[str, Range]] = {
        "decay_s": Range(0.05, 10.0, "s", log=True, draw_low=0.2, draw_high=2.5),
        "pre_delay_ms": Range(0.0, 250.0, "ms", draw_low=0.0, draw_high=60.0),
        "damping_hz": Range(500.0, 20000.0, "Hz", log=True, draw_low=1500.0, draw_high=12000.0),
        "wet": Range(0.0, 1.0, "", draw_low=0.03, draw_high=0.6),
        "seed": Range(0, 2**31 - 1, "", whole=True),
    }

    def _process(self, audio: np.ndarray, sample_rate: int) -> np.ndarray:
        start = round(self.pre_delay_ms * sample_rate / 1000.0)
        dry = np.float32(1.0 - self.wet) * audio
        heard = audio.shape[-1] - start
        if self.wet == 0.0 or heard <= 0:
            return dry
        room = room_response(self.decay_s, self.damping_hz, self.seed, sample_rate)[:, :heard]
        mid = audio.mean(axis=0, keepdims=True)[:, :heard]
        dry[:, start:] += np.float32(self.wet) * oaconvolve(mid, room, axes=-1)[:, :heard]
        return dry
