"""The composer: picks a band, a key, a progression and sections, and writes a part for every player."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from megami.studio.band.drummer import drum_part, percussion_part
from megami.studio.band.genres import Genre, Seat
from megami.studio.band.harmony import Harmony, parse_progression
from megami.studio.band.notes import BEATS_PER_BAR, Feel, Note, PlayedNote, perform
from megami.studio.band.patterns import pick
from megami.studio.band.players import bass_part, chord_part, held_part, melody_part
from megami.studio.band.sounds import SOUNDS

MIN_TRACKS, MAX_TRACKS = 4, 8
_REST_CHANCE = {"drums": 0.05, "percussion": 0.2, "bass": 0.07, "chords": 0.12, "lead": 0.3, "pad": 0.22, "vocal": 0.15}
_MACHINES = ("machine", "electronic", "808")


@dataclass(frozen=True)
class Part:
    """What one player plays: a role, a sound (a key of SOUNDS, or the kit's name for drums) and the performed notes."""

    role: str
    sound: str
    notes: tuple[PlayedNote, ...]


@dataclass(frozen=True)
class Arrangement:
    """A composed song before it is rendered."""

    genre: Genre
    harmony: Harmony
    feel: Feel
    parts: tuple[Part, ...]
    split_drums: bool
    same_room: bool


def arrange(genre: Genre, seconds: float, seed: int) -> Arrangement:
    """Compose a song of `seconds` in `genre`; the same seed gives the same song."""
    rng = np.random.default_rng([seed, 1])
    feel = draw_feel(genre, rng)
    bars = int(np.ceil((seconds - feel.start_s) * feel.bpm / 60.0 / BEATS_PER_BAR)) + 1
    harmony = draw_harmony(genre, rng)
    seats = choose_band(genre, rng)
    sections, energy = _sections(bars, rng)
    resting = _rests([seat.role for seat in seats], len(set(sections)), rng)
    split = bool(rng.random() < genre.split_drums) and len(seats) <= MAX_TRACKS - 2
    same_room = bool(rng.random() < genre.same_room)
    parts = []
    has_vocal = any(seat.role == "vocal" and "singer" in seat.sounds for seat in seats)
    for index, seat in enumerate(seats):
        player = np.random.default_rng([seed, 2, index])
        sound = str(pick(player, seat.sounds))
        written = write_part(seat, sound, genre, harmony, bars, [energy[s] for s in sections], has_vocal, player)
        written = [note for note in written if not resting[index][sections[int(note.start // BEATS_PER_BAR)]]]
        played = perform(written, feel, player, is_machine(sound))
        parts.append(Part(seat.role, sound, tuple(note for note in played if note.start_s < seconds)))
    return Arrangement(genre, harmony, feel, tuple(parts), split, same_room)


def is_machine(sound: str) -> bool:
    """Whether a part with that sound is sequenced, and not played by hand."""
    return any(word in sound for word in _MACHINES) or "synth" in sound


def draw_feel(genre: Genre, rng: np.random.Generator) -> Feel:
    """A tempo and a time feel of the genre."""
    bpm = float(np.round(rng.uniform(*genre.bpm)))
    return Feel(
        bpm=bpm,
        swing=float(rng.uniform(*genre.swing)),
        swing_unit_beats=genre.swing_unit_beats,
        looseness_ms=float(rng.uniform(*genre.looseness_ms)),
        start_s=float(rng.uniform(0.02, 0.3)),
    )


def draw_harmony(genre: Genre, rng: np.random.Generator) -> Harmony:
    """A progression in a random key, with a scale of the genre that has the progression's third."""
    progression = str(pick(rng, genre.progressions))
    names = progression.replace("|", " ").split()
    minor = any(name in ("i", "i7", "i9") for name in names)
    fitting = tuple(scale for scale in genre.scales if (scale in ("minor", "dorian")) == minor)
    fitting = fitting or (("minor",) if minor else ("major",))
    return parse_progression(progression, int(rng.integers(12)), str(pick(rng, fitting)))


def choose_band(genre: Genre, rng: np.random.Generator) -> list[Seat]:
    """Drums first, then every seat that its chance fills; topped up or cut to MIN_TRACKS..MAX_TRACKS."""
    drums = Seat("drums", genre.kits, genre.grooves, genre.drums)
    seats = (drums, *genre.seats)
    taken = [bool(rng.random() < seat.probability) for seat in seats]
    likely_first = sorted(range(len(seats)), key=lambda i: -seats[i].probability)
    for index in likely_first:
        if sum(taken) < MIN_TRACKS:
            taken[index] = True
    for index in reversed(likely_first):
        if sum(taken) > MAX_TRACKS - 1:
            taken[index] = False
    return [seat for seat, chosen in zip(seats, taken, strict=True) if chosen]


def _sections(bars: int, rng: np.random.Generator) -> tuple[list[int], list[float]]:
    """Section number of each bar, and the energy (0..1) of each section."""
    sections: list[int] = []
    energy: list[float] = []
    while len(sections) < bars:
        length = int(pick(rng, (2, 2, 3, 4)))
        sections.extend([len(energy)] * length)
        energy.append(float(pick(rng, (0.3, 0.6, 0.8, 1.0, 1.0))))
    return sections[:bars], energy


def _rests(roles: list[str], num_sections: int, rng: np.random.Generator) -> list[list[bool]]:
    """For each player, the sections he sits out; nobody sits out half the song and every section keeps two thirds."""
    resting = [[bool(rng.random() < _REST_CHANCE[role]) for _ in range(num_sections)] for role in roles]
    for row in resting:
        while sum(row) > (num_sections - 1) // 2 + (num_sections > 3):
            row[int(pick(rng, tuple(i for i, rests in enumerate(row) if rests)))] = False
    for section in range(num_sections):
        while sum(row[section] for row in resting) > len(roles) // 3:
            away = tuple(i for i, row in enumerate(resting) if row[section])
            resting[int(pick(rng, away))][section] = False
    return resting


def write_part(
    seat: Seat, sound: str, genre: Genre, harmony: Harmony, bars: int, energy: list[float], has_vocal: bool,
    rng: np.random.Generator,
) -> list[Note]:  # fmt: skip
    """The written notes of one player for the whole song."""
    playing = str(pick(rng, seat.playing))
    if seat.role == "drums":
        return drum_part(playing, bars, genre.steps, energy, float(rng.uniform(0.1, 0.7)), rng)
    if seat.role == "percussion":
        return percussion_part(playing, bars, rng)
    low, high = SOUNDS[sound].low, SOUNDS[sound].high
    if seat.role == "bass":
        return bass_part(playing, harmony, bars, low + int(rng.integers(0, 4)), rng)
    if playing == "hold":
        return held_part(harmony, bars, low + int(rng.integers(0, 10)), rng)
    if seat.role == "chords" or playing == "riff":
        guitar = "guitar" in sound or sound == "banjo"
        return chord_part(playing, harmony, bars, low + int(rng.integers(2, 11)), guitar, rng)
    span = 14 if seat.role == "vocal" else 17
    bottom = low + int(rng.integers(0, max(high - low - span, 1)))
    answer = seat.role == "lead" and has_vocal and rng.random() < 0.6
    return melody_part(playing, harmony, bars, bottom, bottom + span, rng, answer)
