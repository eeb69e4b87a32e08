"""Who sings a vocal part when the studio has many voices, and what: alone, in two parts, as a choir, or speaking."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from megami.errors import UserError
from megami.studio.band.harmony import Harmony
from megami.studio.band.lyrics import Word
from megami.studio.band.notes import PlayedNote
from megami.studio.band.patterns import pick
from megami.studio.band.singer import random_singer
from megami.studio.band.speech_synthesisers import VOICES, SpeechVoice
from megami.studio.band.sung_speech import Performer, draw_words, phrases_of, say_words, sing_words
from megami.studio.band.vocoder import Timbre

VOICE_SETS: tuple[str, ...] = ("formant", "many")
"""`formant` is the singer of `voice.py` alone; with `many` he has three vocal parts in ten, and speech the others."""

SINGERS: dict[str, float] = {"formant": 0.3, "solo": 0.4, "duet": 0.15, "spoken": 0.15}
"""How likely a singer's part is sung in which way."""
CHOIRS: dict[str, float] = {"sampled": 0.45, "sung": 0.55}
"""How likely a choir's part is played by the SoundFont, or sung in two or three parts."""

_SPEAKERS: dict[str, float] = {"man": 0.42, "woman": 0.45, "child": 0.13}
_NATURAL = ("flite", "festival")
_NATURAL_CHANCE = 0.8  # the rest is espeak-ng, which makes its formants by rule
# Whose voice becomes whose, and the scaling of its formants.
_TRACTS: dict[tuple[str, str], tuple[float, float]] = {
    ("man", "man"): (0.92, 1.06),
    ("woman", "woman"): (0.94, 1.06),
    ("man", "woman"): (1.14, 1.2),
    ("child", "child"): (1.0, 1.12),
    ("woman", "child"): (1.12, 1.22),
}
_SPEAKING_PITCH = {"man": (42.0, 51.0), "woman": (52.0, 60.0), "child": (58.0, 64.0)}
_RAP_GAP_S = 0.28  # notes as dense as that are a rap more often than a song
_RAP_CHANCE = 0.55
_CHORD_S = 0.12  # notes that start within this time are one chord


def check_voices(voices: str) -> None:
    """Raise UserError unless `voices` is one of VOICE_SETS."""
    if voices not in VOICE_SETS:
        raise UserError(f"unknown voices {voices!r}: use one of {', '.join(VOICE_SETS)}")


def random_performer(
    rng: np.random.Generator, speaker: str | None = None, language: str | None = None, octave: int | None = None
) -> Performer:
    """A man, woman or child (drawn if not given) made of one of the synthesisers' voices that has this language."""
    speaker = speaker or _draw(_SPEAKERS, rng)
    natural = bool(rng.random() < _NATURAL_CHANCE)
    sources = {source for source, goal in _TRACTS if goal == speaker}
    if speaker == "woman" and rng.random() < 0.85:
        sources = {"woman"}  # a man's voice made smaller is a colour for once in a while
    able = [voice for voice in VOICES if voice.speaker in sources and (language is None or voice.language == language)]
    chosen = tuple(voice for voice in able if (voice.program in _NATURAL) == natural) or tuple(able)
    return _performer(pick(rng, chosen), speaker, octave, rng)


def _performer(voice: SpeechVoice, speaker: str, octave: int | None, rng: np.random.Generator) -> Performer:
    """The habits and the timbre of a singer with this voice."""
    high = 0 if speaker == "man" else 1
    singer = replace(
        random_singer(rng),
        octave=high if octave is None else octave,
        tract=float(rng.uniform(*_TRACTS[voice.speaker, speaker])),
    )
    if rng.random() < 0.3:
        singer = replace(singer, vibrato_cents=float(rng.uniform(0.0, 8.0)))
    timbre = Timbre(
        tract=singer.tract,
        effort_db=12.0 * singer.effort - 2.0,
        ring_db=float(rng.uniform(0.0, 6.0)) if speaker == "man" else float(rng.uniform(0.0, 3.0)),
        breath=4.0 * singer.breath,
        air_db=float(rng.uniform(-16.0, -7.0)),
    )
    speaking = float(rng.uniform(*_SPEAKING_PITCH[speaker]))
    return Performer(voice, singer, timbre, speaking, float(rng.uniform(0.9, 1.7)))


def perform_vocal(
    notes: Sequence[PlayedNote], choir: bool, harmony: Harmony, num_samples: int, rng: np.random.Generator
) -> np.ndarray | None:
    """Sing or say a part with one of the many voices; None where the studio's older sound has it.

    `choir`: `notes` are chords. Mono samples [num_samples] (float64, unscaled). Raises UserError where a synthesiser is
    missing.
    """
    way = draw_way(notes, choir, rng)
    return WAYS[way](notes, harmony, num_samples, rng) if notes and way in WAYS else None


def draw_way(notes: Sequence[PlayedNote], choir: bool, rng: np.random.Generator) -> str:
    """How a part is sung: a key of SINGERS or CHOIRS. Dense notes are spoken more often."""
    if choir:
        return _draw(CHOIRS, rng)
    way = _draw(SINGERS, rng)
    gaps = np.diff([note.start_s for note in notes])
    rap = len(gaps) > 0 and float(np.median(gaps)) < _RAP_GAP_S and rng.random() < _RAP_CHANCE
    return "spoken" if rap and way != "formant" else way


def solo(notes: Sequence[PlayedNote], harmony: Harmony, num_samples: int, rng: np.random.Generator) -> np.ndarray:
    """One singer."""
    performer = random_performer(rng)
    lines = draw_words(notes, performer.voice.language, rng)
    return sing_words(notes, lines, performer, num_samples, rng)


def spoken(notes: Sequence[PlayedNote], harmony: Harmony, num_samples: int, rng: np.random.Generator) -> np.ndarray:
    """One speaker who says sentences in the rhythm of the notes."""
    performer = random_performer(rng)
    lines = draw_words(notes, performer.voice.language, rng, vocalise=0.0)
    return say_words(notes, lines, performer, num_samples, rng)


def duet(notes: Sequence[PlayedNote], harmony: Harmony, num_samples: int, rng: np.random.Generator) -> np.ndarray:
    """Two singers with the same words on one track: the second a third or a sixth away within the scale."""
    first = random_performer(rng)
    second = random_performer(rng, language=first.voice.language)
    steps = int(pick(rng, (-2, -2, 2, -5)))
    lines = draw_words(notes, first.voice.language, rng)
    always = rng.random() < 0.5
    joins = [always or rng.random() < 0.7 for _ in lines]
    joins[-1] = joins[-1] or not any(joins)
    below: list[PlayedNote] = []
    words: list[list[Word]] = []
    for phrase, line, joining in zip(phrases_of(notes), lines, joins, strict=True):
        if joining:
            below += loosened(in_parallel(phrase, steps, harmony), rng)
            words.append(line)
    upper = sing_words(notes, lines, first, num_samples, rng)
    lower = sing_words(below, words, second, num_samples, rng)
    return upper + rng.uniform(0.45, 0.9) * lower


def choir(notes: Sequence[PlayedNote], harmony: Harmony, num_samples: int, rng: np.random.Generator) -> np.ndarray:
    """Chords in two or three parts with one or two singers each, on open vowels or words."""
    parts = chord_parts(notes, int(pick(rng, (2, 3))))
    language = str(pick(rng, ("english", "latin", "latin")))
    vocalise = 1.0 if rng.random() < 0.6 else 0.0
    lines = draw_words(parts[0], language, rng, vocalise=vocalise, held=True)
    sound = np.zeros(num_samples)
    for part in parts:
        low = float(np.median([note.pitch for note in part])) < 58.0
        for _ in range(int(pick(rng, (1, 2))) if len(parts) == 2 else 1):
            speaker = "man" if low else str(pick(rng, ("woman", "woman", "child")))
            performer = random_performer(rng, speaker, language, octave=0)
            sung = loosened(part, rng)
            sound += rng.uniform(0.6, 1.0) * sing_words(sung, lines, performer, num_samples, rng)
    return sound


WAYS: dict[str, Callable[[Sequence[PlayedNote], Harmony, int, np.random.Generator], np.ndarray]] = {
    "solo": solo, "duet": duet, "spoken": spoken, "sung": choir
}  # fmt: skip
"""What speech does, by its name in SINGERS or CHOIRS."""


def in_parallel(notes: Sequence[PlayedNote], steps: int, harmony: Harmony) -> list[PlayedNote]:
    """A melody moved by so many steps of the scale: -2 is a third below, 5 a sixth above."""
    scale = harmony.scale_pitches(0, 127)
    moved = []
    for note in notes:
        nearest = int(np.argmin([abs(pitch - note.pitch) for pitch in scale]))
        moved.append(replace(note, pitch=scale[int(np.clip(nearest + steps, 0, len(scale) - 1))]))
    return moved


def loosened(notes: Sequence[PlayedNote], rng: np.random.Generator) -> list[PlayedNote]:
    """Notes as a second singer times them: some 15 ms off each, in the same order."""
    lean = rng.normal(0.0, 0.008)
    starts = np.maximum.accumulate([max(note.start_s + lean + rng.normal(0.0, 0.015), 0.0) for note in notes])
    return [replace(note, start_s=float(start)) for note, start in zip(notes, starts, strict=True)]


def chord_parts(notes: Sequence[PlayedNote], parts: int) -> list[list[PlayedNote]]:
    """Voices of so many parts, from the highest down, out of chords (fewer where no chord has as many notes)."""
    chords: list[list[PlayedNote]] = []
    for note in sorted(notes, key=lambda note: (note.start_s, note.pitch)):
        if chords and note.start_s - chords[-1][0].start_s < _CHORD_S:
            chords[-1].append(note)
        else:
            chords.append([note])
    voices: list[list[PlayedNote]] = [[] for _ in range(parts)]
    for chord in chords:
        high_first = sorted(chord, key=lambda note: -note.pitch)
        for number, voice in enumerate(voices):
            voice.append(high_first[round(number * (len(chord) - 1) / max(parts - 1, 1))])
    return voices


def _draw(chances: dict[str, float], rng: np.random.Generator) -> str:
    names = tuple(chances)
    weights = np.array([chances[name] for name in names])
    return str(rng.choice(names, p=weights / weights.sum()))
