"""Songs with a form: verses and choruses that come back, each with its own chords, melody and density."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from megami.errors import UserError
from megami.studio.band.composer import (
    Arrangement,
    Part,
    choose_band,
    draw_feel,
    draw_harmony,
    is_machine,
    write_part,
)
from megami.studio.band.genres import Genre, Seat
from megami.studio.band.harmony import Harmony
from megami.studio.band.notes import BEATS_PER_BAR, Note, perform
from megami.studio.band.patterns import pick


@dataclass(frozen=True)
class Section:
    """One section of a form: its music, its bars, how busy the drums are (0 to 1), and which roles or sounds rest."""

    music: str  # sections of the same music share chords, melody and patterns
    bars: int
    energy: float = 1.0
    resting: tuple[str, ...] = ()


INTRO = Section("verse", 2, 0.6, ("vocal", "lead"))
VERSE = Section("verse", 4, 0.6, ("pad", "percussion", "choir"))
CHORUS = Section("chorus", 4, 1.0)
SHORT_VERSE = replace(VERSE, bars=2)
VERSE_AND_CHORUS = (INTRO, VERSE, CHORUS, SHORT_VERSE, CHORUS)
"""Sixteen bars: about 40 seconds at a medium tempo."""


def bars_of(form: tuple[Section, ...]) -> int:
    """How many bars a form has."""
    return sum(section.bars for section in form)


def arrange_form(genre: Genre, form: tuple[Section, ...], seed: int) -> tuple[Arrangement, float]:
    """Compose a song with a form; the same seed gives the same song. Also gives its length in seconds.

    Music that comes back is the same on paper and played anew. The last bar is held out to its end. Raises UserError
    for a form without bars.
    """
    if bars_of(form) < 1:
        raise UserError("a form needs at least one bar")
    rng = np.random.default_rng([seed, 6])
    feel = draw_feel(genre, rng)
    seats = choose_band(genre, rng)
    kinds = sorted({section.music for section in form}, key=[section.music for section in form].index)
    harmonies = _harmonies(genre, kinds, rng)
    parts = []
    for index, seat in enumerate(seats):
        player = np.random.default_rng([seed, 7, index])
        sound = str(pick(player, seat.sounds))
        music = {}
        for n, kind in enumerate(kinds):
            writer = np.random.default_rng([seed, 8, n, index])
            music[kind] = _music(seat, sound, genre, harmonies[kind], form, kind, seats, writer)
        written = _in_form(music, form, {seat.role, *seat.sounds})
        parts.append(Part(seat.role, sound, tuple(perform(written, feel, player, is_machine(sound)))))
    same_room = bool(rng.random() < genre.same_room)
    seconds = round(feel.start_s + bars_of(form) * BEATS_PER_BAR * 60.0 / feel.bpm, 2)
    return Arrangement(genre, harmonies[kinds[0]], feel, tuple(parts), False, same_room), seconds


def _harmonies(genre: Genre, kinds: list[str], rng: np.random.Generator) -> dict[str, Harmony]:
    """Chords for each kind of section, all in the key and the scale of the first, different where the genre can."""
    first = draw_harmony(genre, rng)
    found = {kinds[0]: first}
    for kind in kinds[1:]:
        others = (draw_harmony(genre, np.random.default_rng([int(rng.integers(2**31)), n])) for n in range(200))
        fitting = (one for one in others if one.scale == first.scale)
        moved = (_in_key(one, first.key) for one in fitting)
        found[kind] = next((one for one in moved if one.bars not in [h.bars for h in found.values()]), first)
    return found


def _in_key(harmony: Harmony, key: int) -> Harmony:
    """The same chords in another key."""
    up = key - harmony.key
    bars = tuple(
        tuple(replace(chord, pitch_classes=tuple((pitch + up) % 12 for pitch in chord.pitch_classes)) for chord in bar)
        for bar in harmony.bars
    )
    return Harmony(key, harmony.scale, bars)


def _music(
    seat: Seat, sound: str, genre: Genre, harmony: Harmony, form: tuple[Section, ...], kind: str,
    seats: list[Seat], rng: np.random.Generator,
) -> list[Note]:  # fmt: skip
    """What a player plays in sections of one kind, for as many bars as the longest of them has."""
    sections = [section for section in form if section.music == kind]
    bars = max(section.bars for section in sections)
    has_vocal = any(other.role == "vocal" and "singer" in other.sounds for other in seats)
    energy = max(section.energy for section in sections)
    return write_part(seat, sound, genre, harmony, bars, [energy] * bars, has_vocal, rng)


def _in_form(music: dict[str, list[Note]], form: tuple[Section, ...], called: set[str]) -> list[Note]:
    """The notes of a player who is `called` so, by role and sounds; none sounds on into a section of rest."""
    notes, bar = [], 0
    for section in form:
        start, end = bar * BEATS_PER_BAR, (bar + section.bars) * BEATS_PER_BAR
        if not called & set(section.resting):
            moved = (replace(note, start=note.start + start) for note in music[section.music])
            notes += [
                replace(note, duration=min(note.duration, end - note.start)) for note in moved if note.start < end
            ]
        bar += section.bars
    return notes
