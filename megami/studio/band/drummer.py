"""The drummer and the percussionist: bars of a groove with small variations, fills and crashes."""

from __future__ import annotations

import numpy as np

from megami.studio.band.grooves import DRUM_KEYS, FILLS, GROOVES, PERCUSSION, hits
from megami.studio.band.notes import BEATS_PER_BAR, Note
from megami.studio.band.patterns import pick

_CYMBALS = ("hat", "pedal", "open", "ride", "crash")


def drum_part(groove: str, bars: int, steps: int, energy: list[float], fills: float, rng: np.random.Generator) -> list:
    """Notes (General MIDI drum keys) of `bars` bars; low `energy` (0..1 a bar) thins them, `fills` is a chance."""
    notes: list[Note] = []
    for bar in range(bars):
        pattern = dict(GROOVES[groove])
        last_of_phrase = bar % 4 == 3 or bar == bars - 1
        if last_of_phrase and rng.random() < fills:
            pattern = {**{drum: text for drum, text in pattern.items() if drum in _CYMBALS}, **pick(rng, FILLS[steps])}
        if bar > 0 and energy[bar] > energy[bar - 1] + 0.1:
            pattern["crash"] = "9"
        for drum, start, velocity in hits(pattern):
            if _left_out(drum, start, energy[bar], rng):
                continue
            loud = velocity * (0.72 + 0.28 * energy[bar]) * (0.85 if drum in _CYMBALS else 1.0)
            notes.append(Note(bar * BEATS_PER_BAR + start, 0.25, DRUM_KEYS[drum], min(loud, 1.0)))
        notes.extend(_ornaments(bar, energy[bar], rng))
    return notes


def _left_out(drum: str, start: float, energy: float, rng: np.random.Generator) -> bool:
    """Quiet bars lose the backbeat's company; any bar may lose an off-beat hit now and then."""
    if energy < 0.35 and drum in ("snare", "clap", "tom low", "tom mid"):
        return rng.random() < 0.7
    return start % 1.0 > 0.0 and rng.random() < 0.06


def _ornaments(bar: int, energy: float, rng: np.random.Generator) -> list[Note]:
    """A ghost note or an extra kick in some bars."""
    notes = []
    if rng.random() < 0.3 * energy:
        start = bar * BEATS_PER_BAR + float(pick(rng, (1.75, 2.25, 3.75)))
        notes.append(Note(start, 0.25, DRUM_KEYS["snare"], 0.22))
    if rng.random() < 0.2 * energy:
        start = bar * BEATS_PER_BAR + float(pick(rng, (1.5, 2.5, 3.5)))
        notes.append(Note(start, 0.25, DRUM_KEYS["kick"], 0.7))
    return notes


def percussion_part(pattern: str, bars: int, rng: np.random.Generator) -> list[Note]:
    """Notes of a percussion pattern, each bar a little different."""
    notes = []
    for bar in range(bars):
        for drum, start, velocity in hits(PERCUSSION[pattern]):
            if rng.random() > 0.04:
                loud = velocity * rng.uniform(0.8, 1.0)
                notes.append(Note(bar * BEATS_PER_BAR + start, 0.25, DRUM_KEYS[drum], loud))
    return notes
