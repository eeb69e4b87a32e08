"""A singer: the voice's own traits, and how the pitch moves into, within and between the notes of a melody."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

CONTROL_HZ = 200
"""Rate of curves such as pitch and loudness."""
SCOOP_FRAMES = 24


@dataclass(frozen=True)
class Singer:
    """A voice: size of the vocal tract (formants times `tract`), transposition, vibrato, breath and vocal effort."""

    tract: float
    octave: int
    vibrato_hz: float
    vibrato_cents: float
    breath: float
    effort: float
    scoop_semitones: float


def random_singer(rng: np.random.Generator) -> Singer:
    """A high or a low voice with its own colour."""
    high = rng.random() < 0.5
    return Singer(
        tract=rng.uniform(1.08, 1.2) if high else rng.uniform(0.92, 1.02),
        octave=1 if high else 0,
        vibrato_hz=rng.uniform(4.8, 6.2),
        vibrato_cents=rng.uniform(15.0, 55.0),
        breath=rng.uniform(0.03, 0.12),
        effort=rng.uniform(0.2, 0.9),
        scoop_semitones=rng.uniform(0.2, 1.4),
    )


def scoop_into(pitch: np.ndarray, start: int, singer: Singer, rng: np.random.Generator) -> None:
    """Let most notes begin a little low; changes `pitch` (semitones, one value a frame) from frame `start` on."""
    if rng.random() < 0.6:
        rise = np.exp(-np.arange(max(min(SCOOP_FRAMES, len(pitch) - start), 0)) / 7.0)
        pitch[start : start + SCOOP_FRAMES] -= singer.scoop_semitones * rise


def vibrato_depth(time_s: np.ndarray) -> np.ndarray:
    """How far vibrato has come (0..1) at times since a note began: it sets in late."""
    return np.clip((time_s - 0.22) / 0.35, 0.0, 1.0)


def unsteady(pitch: np.ndarray, vibrato: np.ndarray, singer: Singer, rng: np.random.Generator) -> np.ndarray:
    """A melody's pitch (semitones) as sung: gliding from note to note, with vibrato of that depth (0..1) and drift."""
    frames = len(pitch)
    wobble = ndimage.gaussian_filter1d(rng.standard_normal(frames), 30.0) * 1.2
    shake = singer.vibrato_cents / 100.0 * vibrato
    rate = np.cumsum(singer.vibrato_hz * (1.0 + 0.6 * ndimage.gaussian_filter1d(rng.standard_normal(frames), 40.0)))
    return ndimage.gaussian_filter1d(pitch, 4.0) + shake * np.sin(2.0 * np.pi * rate / CONTROL_HZ) + wobble * 0.35
