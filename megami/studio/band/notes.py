"""Notes on a grid of beats, and the human inaccuracy that turns them into performed notes in seconds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

BEATS_PER_BAR = 4


@dataclass(frozen=True)
class Note:
    """One written note: `start` and `duration` in beats, MIDI `pitch` (or drum key), `velocity` 0..1."""

    start: float
    duration: float
    pitch: int
    velocity: float


@dataclass(frozen=True)
class PlayedNote:
    """One performed note: `start_s` and `duration_s` in seconds, MIDI `pitch`, `velocity` 0..1."""

    start_s: float
    duration_s: float
    pitch: int
    velocity: float


@dataclass(frozen=True)
class Feel:
    """How a band keeps time: tempo, swing of the off-steps (0 straight .. 0.33 triplet), and looseness."""

    bpm: float
    swing: float
    swing_unit_beats: float
    looseness_ms: float
    start_s: float

    def seconds(self, beat: float) -> float:
        """Time of a beat position after swing, in seconds from the start of the recording."""
        pair = 2.0 * self.swing_unit_beats
        whole, inside = divmod(beat, pair)
        unit = self.swing_unit_beats
        if inside < unit:
            inside *= 1.0 + self.swing
        else:
            inside = unit * (1.0 + self.swing) + (inside - unit) * (1.0 - self.swing)
        return self.start_s + (whole * pair + inside) * 60.0 / self.bpm


def perform(notes: Sequence[Note], feel: Feel, rng: np.random.Generator, machine: bool = False) -> list[PlayedNote]:
    """Play written notes as a person would: late or early by a few ms, with a slow drift, and uneven in velocity.

    `machine` leaves timing exact (sequenced parts). Returns notes sorted by start, none before time zero.
    """
    lean_ms = 0.0 if machine else rng.normal(0.0, 0.5 * feel.looseness_ms)
    jitter_ms = 0.3 if machine else feel.looseness_ms
    drift = rng.uniform(0.0, 2.0 * np.pi)
    played = []
    for note in sorted(notes, key=lambda n: (n.start, n.pitch)):
        late_ms = lean_ms + rng.normal(0.0, jitter_ms)
        if not machine:
            late_ms += feel.looseness_ms * np.sin(drift + 0.35 * note.start)
        start_s = max(feel.seconds(note.start) + 1e-3 * late_ms, 0.0)
        duration_s = max(feel.seconds(note.start + note.duration) - feel.seconds(note.start), 0.03)
        velocity = float(np.clip(note.velocity * (1.0 + rng.normal(0.0, 0.02 if machine else 0.07)), 0.05, 1.0))
        played.append(PlayedNote(float(start_s), float(duration_s), int(note.pitch), velocity))
    return sorted(played, key=lambda n: (n.start_s, n.pitch))
