"""Frames of a voice to sound: formants moved to the singer's size, what lies above the recording's band, and WORLD."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from megami.audio import SAMPLE_RATE
from megami.studio.band.analysed_speech import FRAME_MS, Speech, load_world
from megami.studio.band.singer import CONTROL_HZ

BINS = 513  # of the spectra that WORLD makes sound of, at 44.1 kHz
SILENCE_DB = -60.0
"""Frames under this level are left out."""
_BAND_EDGE = 0.86  # of half the sampling rate: recordings are filtered above it
_FADE_FRAMES = 4


@dataclass(frozen=True)
class Timbre:
    """What a singer makes of a spoken voice.

    `tract` multiplies formants; `effort_db` lifts 1-4 kHz of the loudest notes; `ring_db` is the singer's formant near
    3 kHz; `breath` (0..1) is how much of the periodic part above 1 kHz becomes noise; `air_db` is the slope per octave
    above the band of a recording of 16 or 22 kHz.
    """

    tract: float = 1.0
    effort_db: float = 0.0
    ring_db: float = 0.0
    breath: float = 0.0
    air_db: float = -12.0


@dataclass
class Frames:
    """Frames of 5 ms at 44.1 kHz: pitch (0 unvoiced), envelope and aperiodicity [frames, BINS], level."""

    f0_hz: np.ndarray
    envelope_db: np.ndarray
    aperiodicity: np.ndarray
    loudness_db: np.ndarray

    @staticmethod
    def silent(frames: int) -> Frames:
        """So many frames of silence."""
        shape = (frames, BINS)
        return Frames(
            np.zeros(frames), np.zeros(shape, np.float32), np.ones(shape, np.float32), np.full(frames, -200.0)
        )


def frames_at(speech: Speech, position: np.ndarray, timbre: Timbre) -> tuple[np.ndarray, np.ndarray]:
    """Envelope (dB) and aperiodicity [frames, BINS] of speech at frame numbers `position`, fractions included."""
    low = np.clip(position.astype(int), 0, len(speech.f0_hz) - 1)
    high = np.minimum(low + 1, len(speech.f0_hz) - 1)
    part = np.clip(position - low, 0.0, 1.0).astype(np.float32)[:, None]
    envelope = (1.0 - part) * speech.envelope_db[low] + part * speech.envelope_db[high]
    aperiodicity = (1.0 - part) * speech.aperiodicity[low] + part * speech.aperiodicity[high]
    hz = np.linspace(0.0, SAMPLE_RATE / 2.0, BINS) / timbre.tract
    edge_hz = _BAND_EDGE * speech.rate / 2.0
    per_bin = (envelope.shape[1] - 1) / (speech.rate / 2.0)
    at = np.minimum(hz, edge_hz) * per_bin
    left = np.minimum(at.astype(int), envelope.shape[1] - 2)
    share = (at - left).astype(np.float32)
    envelope = (1.0 - share) * envelope[:, left] + share * envelope[:, left + 1]
    aperiodicity = (1.0 - share) * aperiodicity[:, left] + share * aperiodicity[:, left + 1]
    above = np.log2(np.maximum(hz / edge_hz, 1.0)).astype(np.float32)
    # Above the band there is no recording: the level at its edge falls off, and noise takes over from the partials.
    noisy = 0.8 * np.clip(above * 2.0, 0.0, 1.0)
    return envelope + above * timbre.air_db, aperiodicity + (1.0 - aperiodicity) * noisy


def synthesize(frames: Frames, effort: np.ndarray, timbre: Timbre, num_samples: int) -> np.ndarray:
    """Sound of frames, mono samples [num_samples]; `effort` [frames] is 0 for soft and 1 for the loudest notes."""
    world = load_world()
    hz = np.linspace(0.0, SAMPLE_RATE / 2.0, BINS)
    lift = timbre.effort_db * np.clip(np.log2(np.maximum(hz, 1.0) / 700.0) / 1.5, 0.0, 1.0)
    ring = timbre.ring_db * np.exp(-0.5 * (np.log2(np.maximum(hz, 1.0) / (2900.0 * timbre.tract)) / 0.25) ** 2)
    breath = timbre.breath * np.clip(np.log2(np.maximum(hz, 1.0) / 900.0) / 2.0, 0.0, 1.0)
    rough = 0.7 * np.clip(np.log2(np.maximum(hz, 1.0) / 3000.0) / 2.0, 0.0, 1.0)  # no voice is periodic up there
    sound = np.zeros(num_samples)
    for start, stop in _runs(frames.loudness_db > SILENCE_DB):
        here = slice(start, stop)
        level_db = frames.envelope_db[here] + frames.loudness_db[here, None] + lift * effort[here, None] + ring
        aperiodicity = frames.aperiodicity[here] + (1.0 - frames.aperiodicity[here]) * breath
        aperiodicity = np.clip(np.maximum(aperiodicity, rough), 1e-3, 1.0 - 1e-6).astype(np.float64)
        spectrum = np.ascontiguousarray(10.0 ** (level_db / 10.0), np.float64) + 1e-14
        f0 = np.ascontiguousarray(frames.f0_hz[here])
        piece = world.synthesize(f0, spectrum, aperiodicity, SAMPLE_RATE, FRAME_MS)
        ramp = np.minimum(np.arange(len(piece)) / (_FADE_FRAMES * SAMPLE_RATE / CONTROL_HZ), 1.0)
        piece = piece * ramp * ramp[::-1]
        first = start * SAMPLE_RATE // CONTROL_HZ
        room = sound[first : first + len(piece)]
        room += piece[: len(room)]
    return sound


def _runs(sounding: np.ndarray) -> list[tuple[int, int]]:
    """Starts and stops of the stretches that are true."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], sounding.astype(np.int8), [0]])))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]
