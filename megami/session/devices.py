"""The devices of a channel as a session stores them, each of which our own reader can play."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.signal import fftconvolve

from megami.audio import db_to_gain
from megami.effects import Compressor
from megami.session.bands import Band, apply_bands


@dataclass(frozen=True)
class EqualiserDevice:
    """Bands in series."""

    bands: tuple[Band, ...]

    def apply(self, audio: np.ndarray, sample_rate: int) -> np.ndarray:
        """Equalise audio [2, samples]."""
        return apply_bands(self.bands, audio, sample_rate)


@dataclass(frozen=True)
class CompressorDevice:
    """The compressor of `megami.effects`: soft knee of 6 dB, both channels turned down alike."""

    knobs: Compressor

    def apply(self, audio: np.ndarray, sample_rate: int) -> np.ndarray:
        """Compress audio [2, samples]."""
        return self.knobs.apply(audio, sample_rate)


@dataclass(frozen=True)
class DriveDevice:
    """tanh saturation that leaves quiet parts as loud as they are: x + mix (tanh(g x) / g - x)."""

    gain_db: float
    mix: float

    def apply(self, audio: np.ndarray, sample_rate: int) -> np.ndarray:
        """Saturate audio [2, samples]."""
        gain = db_to_gain(self.gain_db)
        return audio + self.mix * (np.tanh(gain * audio) / gain - audio)


@dataclass(frozen=True, eq=False)
class ConvolverDevice:
    """An impulse response [2, samples] at the session's rate: direct sound, reflections, reverberation, echoes."""

    impulse: np.ndarray

    def apply(self, audio: np.ndarray, sample_rate: int) -> np.ndarray:
        """Convolve each channel of audio [2, samples] with its own response, cut to the same length."""
        return fftconvolve(audio, self.impulse, axes=-1)[:, : audio.shape[-1]]


Device = EqualiserDevice | CompressorDevice | DriveDevice | ConvolverDevice


def play(devices: tuple[Device, ...], audio: np.ndarray, sample_rate: int) -> np.ndarray:
    """Send audio [1 or 2, samples] through devices in their order: [2, samples]; mono goes to both channels."""
    audio = np.ascontiguousarray(np.broadcast_to(audio, (2, audio.shape[-1])), dtype=np.float64)
    for device in devices:
        audio = device.apply(audio, sample_rate).astype(np.float64)
    return audio


def balance_gains(pan: float) -> np.ndarray:
    """Amplitudes of left and right [2] for a pan of -1..1: the far channel is turned down, the near one is not."""
    return np.array([min(1.0, 1.0 - pan), min(1.0, 1.0 + pan)])


def pan_of(left: float, right: float) -> float:
    """The pan that gives two channels these amplitudes, but for what both have in common."""
    louder = max(left, right)
    if louder <= 0.0:
        return 0.0
    return 1.0 - left / louder if right >= left else right / louder - 1.0
