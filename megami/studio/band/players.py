"""Players of pitched instruments: bass lines, chord rhythms, held pads and melodies over a harmony."""

from __future__ import annotations

import numpy as np

from megami.studio.band.harmony import Harmony, at_or_above, close_voicing, guitar_voicing, power_chord
from megami.studio.band.notes import BEATS_PER_BAR, Note
from megami.studio.band.patterns import BASS_LINES, CHORD_RHYTHMS, ENDINGS, MELODY_RHYTHMS, onsets, pick


def bass_part(line: str, harmony: Harmony, bars: int, low: int, rng: np.random.Generator) -> list[Note]:
    """A bass line: one or two bars of a pattern repeated, with another one closing each phrase."""
    patterns = BASS_LINES[line]
    main, closing = pick(rng, patterns), pick(rng, patterns)
    gate = rng.uniform(0.75, 1.0)
    notes = []
    for bar in range(bars):
        text = closing if bar % 4 == 3 else main
        beats_per_step = BEATS_PER_BAR / len(text)
        for step, length, tone in onsets(text):
            start = bar * BEATS_PER_BAR + step * beats_per_step
            accent = 0.88 if step == 0 else (0.78 if step * beats_per_step % 1.0 == 0.0 else 0.68)
            pitch = _bass_pitch(tone, harmony, start, (bar + 1) * BEATS_PER_BAR, low, rng)
            notes.append(Note(start, length * beats_per_step * gate, pitch, accent * rng.uniform(0.85, 1.08)))
    return notes


def _bass_pitch(tone: str, harmony: Harmony, beat: float, next_bar: float, low: int, rng: np.random.Generator) -> int:
    chord = harmony.at(beat)
    root = at_or_above(chord.root, low)
    if tone == "F":
        return root + 7 if root + 7 < low + 16 else root - 5
    if tone == "O":
        return root + 12
    if tone == "T":
        return at_or_above(chord.pitch_classes[1], root)
    if tone == "A":
        return at_or_above(harmony.at(next_bar).root, low) + int(pick(rng, (-1, -2, 2)))
    return root


def chord_part(playing: str, harmony: Harmony, bars: int, low: int, guitar: bool, rng: np.random.Generator) -> list:
    """A chord part: one rhythm repeated, a second one now and then; strummed, broken or struck as the pattern says."""
    style = CHORD_RHYTHMS[playing]
    main, other = pick(rng, style.rhythms), pick(rng, style.rhythms)
    if style.articulation == "hold":
        return held_part(harmony, bars, low, rng)
    order = [int(i) for i in rng.permutation(4)] if rng.random() < 0.5 else [0, 1, 2, 3, 2, 1]
    gate = rng.uniform(0.6, 1.0)
    notes: list[Note] = []
    for bar in range(bars):
        text = other if bar % 4 == 3 or rng.random() < 0.1 else main
        beats_per_step = BEATS_PER_BAR / len(text)
        for count, (step, length, accent) in enumerate(onsets(text)):
            start = bar * BEATS_PER_BAR + step * beats_per_step
            pitches = _voicing(style.articulation, harmony, start, low, guitar)
            duration, velocity = length * beats_per_step * gate, int(accent) / 9.5
            if style.articulation == "arpeggio":
                pitch = pitches[order[count % len(order)] % len(pitches)]
                notes.append(Note(start, max(duration, 0.5) * 1.4, pitch, velocity))
            elif style.articulation == "strum":
                notes.extend(_strum(pitches, start, duration, velocity, down=step % 4 == 0, rng=rng))
            else:
                notes.extend(Note(start + 0.004 * i, duration, p, velocity) for i, p in enumerate(pitches))
    return notes


def _voicing(articulation: str, harmony: Harmony, beat: float, low: int, guitar: bool) -> list[int]:
    chord = harmony.at(beat)
    if articulation == "power":
        return power_chord(chord)
    if articulation == "strum" or (guitar and articulation == "arpeggio"):
        return guitar_voicing(chord)
    return close_voicing(chord, low)


def _strum(pitches: list[int], start: float, duration: float, velocity: float, down: bool, rng: np.random.Generator):
    """Strings one after the other; upstrokes catch only the upper strings and are lighter."""
    strings = list(pitches) if down else list(reversed(pitches))[: 3 + int(rng.integers(2))]
    spread = rng.uniform(0.008, 0.028)
    weight = 1.0 if down else 0.85
    return [
        Note(start + i * spread, duration, pitch, velocity * weight * rng.uniform(0.85, 1.0))
        for i, pitch in enumerate(strings)
    ]


def held_part(harmony: Harmony, bars: int, low: int, rng: np.random.Generator) -> list[Note]:
    """Long chords, one a chord change, tied to the next; tones that stay are struck again softly."""
    notes: list[Note] = []
    for bar in range(bars):
        chords = harmony.bars[bar % len(harmony.bars)]
        length = BEATS_PER_BAR / len(chords)
        for i, chord in enumerate(chords):
            start, velocity = bar * BEATS_PER_BAR + i * length, rng.uniform(0.55, 0.8)
            notes.extend(Note(start, length * 0.99, pitch, velocity) for pitch in close_voicing(chord, low))
    return notes


def melody_part(
    rhythm: str, harmony: Harmony, bars: int, low: int, high: int, rng: np.random.Generator, answer: bool = False
) -> list[Note]:
    """A melody of two-bar phrases (call and ending) with repeats and rests, chord tones on the strong beats.

    `answer` lets it play in the second bars only, where a singer rests.
    """
    scale = harmony.scale_pitches(low, high)
    motifs = [pick(rng, MELODY_RHYTHMS[rhythm]) for _ in range(2)]
    shapes = [rng.choice([-2, -1, -1, 0, 1, 1, 2], size=16) for _ in range(2)]
    steps = len(motifs[0])
    place = len(scale) // 2 + int(rng.integers(-1, 2))
    notes: list[Note] = []
    for bar in range(bars):
        phrase, ending = divmod(bar, 2)
        kind = 1 if phrase % 4 == 2 else 0
        if bool(ending) != answer and (answer or rng.random() < 0.15):
            continue
        text = pick(rng, ENDINGS[steps]) if ending and not answer else motifs[kind]
        for count, (step, length, accent) in enumerate(onsets(text)):
            beats = BEATS_PER_BAR / steps
            start = bar * BEATS_PER_BAR + step * beats
            place = int(np.clip(place + shapes[kind][count % 16], 0, len(scale) - 1))
            if step % (steps // 4) == 0 or length >= steps // 4:
                place = _nearest_chord_tone(scale, place, harmony.at(start).pitch_classes)
            notes.append(Note(start, length * beats * 0.95, scale[place], int(accent) / 9.5))
        place += int(np.sign(len(scale) // 2 - place))
    return notes


def _nearest_chord_tone(scale: list[int], place: int, pitch_classes: tuple[int, ...]) -> int:
    candidates = [i for i, pitch in enumerate(scale) if pitch % 12 in pitch_classes]
    return min(candidates, key=lambda i: abs(i - place)) if candidates else place
