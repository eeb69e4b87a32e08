"""Chords from roman numerals, and how instruments voice them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from megami.studio.band.notes import BEATS_PER_BAR

SCALES: dict[str, tuple[int, ...]] = {
    "major": (0, 2, 4, 5, 7, 9, 11),
    "minor": (0, 2, 3, 5, 7, 8, 10),
    "dorian": (0, 2, 3, 5, 7, 9, 10),
    "mixolydian": (0, 2, 4, 5, 7, 9, 10),
}
KEY_NAMES = ("C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B")
_DEGREES = {"I": 0, "II": 2, "III": 4, "IV": 5, "V": 7, "VI": 9, "VII": 11}
_SUFFIXES: dict[str, tuple[tuple[int, ...], tuple[int, ...]]] = {
    # suffix: (intervals under an upper-case numeral, under a lower-case numeral)
    "": ((0, 4, 7), (0, 3, 7)),
    "7": ((0, 4, 7, 10), (0, 3, 7, 10)),
    "maj7": ((0, 4, 7, 11), (0, 3, 7, 11)),
    "6": ((0, 4, 7, 9), (0, 3, 7, 9)),
    "9": ((0, 4, 7, 10, 2), (0, 3, 7, 10, 2)),
    "add9": ((0, 4, 7, 2), (0, 3, 7, 2)),
    "sus4": ((0, 5, 7), (0, 5, 7)),
    "sus2": ((0, 2, 7), (0, 2, 7)),
    "b5": ((0, 4, 6, 10), (0, 3, 6, 10)),
    "dim": ((0, 3, 6), (0, 3, 6)),
}


@dataclass(frozen=True)
class Chord:
    """Pitch classes of a chord, root first."""

    pitch_classes: tuple[int, ...]

    @property
    def root(self) -> int:
        return self.pitch_classes[0]


@dataclass(frozen=True)
class Harmony:
    """A key, its scale, and the chords of a repeating progression (one or two chords a bar)."""

    key: int
    scale: str
    bars: tuple[tuple[Chord, ...], ...]

    def at(self, beat: float) -> Chord:
        """The chord that sounds at `beat`."""
        bar, inside = divmod(beat + 1e-6, BEATS_PER_BAR)
        chords = self.bars[int(bar) % len(self.bars)]
        return chords[int(inside * len(chords) / BEATS_PER_BAR)]

    def scale_pitches(self, low: int, high: int) -> list[int]:
        """All pitches of the scale from `low` to `high`, both included."""
        steps = {(self.key + step) % 12 for step in SCALES[self.scale]}
        return [pitch for pitch in range(low, high + 1) if pitch % 12 in steps]

    @property
    def name(self) -> str:
        """Key and scale in words, such as "Eb dorian"."""
        return f"{KEY_NAMES[self.key]} {self.scale}"


def parse_chord(numeral: str, key: int) -> Chord:
    """Chord of a roman numeral such as "bVII", "ii7" or "Imaj7" in `key`; raises ValueError if it is none."""
    match = re.fullmatch(r"([b#]?)([IVXivx]+)(.*)", numeral)
    if match is None or match[2].upper() not in _DEGREES or match[3] not in _SUFFIXES:
        raise ValueError(f"not a chord: {numeral!r}")
    shift = {"b": -1, "#": 1, "": 0}[match[1]]
    root = key + _DEGREES[match[2].upper()] + shift
    intervals = _SUFFIXES[match[3]][0 if match[2].isupper() else 1]
    return Chord(tuple((root + step) % 12 for step in intervals))


def parse_progression(text: str, key: int, scale: str) -> Harmony:
    """Harmony of a text such as "I V vi|iii IV": bars are parted by spaces, two chords in a bar by a stroke."""
    bars = tuple(tuple(parse_chord(name, key) for name in bar.split("|")) for bar in text.split())
    return Harmony(key, scale, bars)


def at_or_above(pitch_class: int, low: int) -> int:
    """The lowest pitch of that class at or above `low`."""
    return low + (pitch_class - low) % 12


def close_voicing(chord: Chord, low: int) -> list[int]:
    """Each chord tone once, within the octave above `low`: chords that follow each other share a register."""
    return sorted(at_or_above(pitch_class, low) for pitch_class in chord.pitch_classes)


def guitar_voicing(chord: Chord, low: int = 40, strings: int = 6) -> list[int]:
    """Root at the bottom, then fifth and chord tones climbing about a fourth at a time, as on six strings."""
    pitches = [at_or_above(chord.root, low)]
    while len(pitches) < strings:
        above = [at_or_above(pc, pitches[-1] + 3) for pc in chord.pitch_classes]
        pitches.append(min(above))
    return pitches


def power_chord(chord: Chord, low: int = 40) -> list[int]:
    """Root, fifth and octave."""
    root = at_or_above(chord.root, low)
    return [root, root + 7, root + 12]
