"""Speech that sings or keeps time: syllables of a synthesiser laid on notes, in the pitch of the melody or in its own.

Consonants keep their length and come before the beat, vowels begin on it and are stretched to their note, as singers
and singing synthesisers do (Macon et al., "A singing voice synthesis system based on sinusoidal modeling", 1997).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from megami.audio import SAMPLE_RATE
from megami.studio.band.analysed_speech import Speech, Syllable, speech_of
from megami.studio.band.filters import highpass
from megami.studio.band.lyrics import Word, draw_line, draw_vocalise
from megami.studio.band.notes import PlayedNote
from megami.studio.band.singer import CONTROL_HZ, Singer, scoop_into, unsteady, vibrato_depth
from megami.studio.band.speech_synthesisers import SpeechVoice
from megami.studio.band.vocoder import Frames, Timbre, frames_at, synthesize
from megami.studio.band.voice import breathe_in

PHRASE_GAP_S = 0.25
"""A rest of this length ends a phrase."""
_SHORTEST = 8  # frames of a vowel
_LONGEST_ONSET = 40  # frames of consonants before a beat
_LONGEST_CODA, _CODA_SHARE = 40, 0.3  # frames of consonants after a vowel, and their share in what follows the beat
_LOUDEST_HISS_DB = -13.0  # against the vowel: the speakers' own s is up to the microphone
_SPOKEN_STRETCH = 1.4  # a spoken vowel is drawn out no further
_SLOW, _FAST = 0.8, 1.1  # paces of speech to be sung and to be said


@dataclass(frozen=True)
class Performer:
    """Who sings: a synthesiser's voice, the singer's habits, what becomes of the timbre, and the pitch of speech."""

    voice: SpeechVoice
    singer: Singer
    timbre: Timbre
    speaking_pitch: float  # MIDI
    intonation: float  # the voice's own movement of pitch, times this


@dataclass(frozen=True)
class Laid:
    """A syllable in its place: `start` of its first consonant, `vowel`, and `stop` in frames; how loud (0..1)."""

    speech: Speech
    syllable: Syllable
    start: int
    vowel: int
    stop: int
    velocity: float


def phrases_of(notes: Sequence[PlayedNote]) -> list[list[PlayedNote]]:
    """Notes in phrases that are parted by rests."""
    phrases: list[list[PlayedNote]] = []
    for note in notes:
        if phrases and note.start_s - _end(phrases[-1][-1]) < PHRASE_GAP_S:
            phrases[-1].append(note)
        else:
            phrases.append([note])
    return phrases


def draw_words(
    notes: Sequence[PlayedNote], language: str, rng: np.random.Generator, vocalise: float = 0.15, held: bool = False
) -> list[list[Word]]:
    """A line of words for each phrase, one syllable a note; the first line comes back now and then.

    `vocalise` is the chance that nothing but la la is sung, `held` that it is open vowels.
    """
    only = rng.random() < vocalise
    lines: list[list[Word]] = []
    for phrase in phrases_of(notes):
        again = [line for line in lines if sum(count for _, count in line) == len(phrase)]
        if again and rng.random() < 0.5:
            lines.append(again[0])
        else:
            draw = draw_vocalise(len(phrase), language, rng, held) if only else draw_line(len(phrase), language, rng)
            lines.append(draw)
    return lines


def sing_words(
    notes: Sequence[PlayedNote], lines: Sequence[Sequence[Word]], performer: Performer, num_samples: int,
    rng: np.random.Generator,
) -> np.ndarray:  # fmt: skip
    """Sing `lines`, which have a syllable for each of `notes`; mono samples [num_samples] (float64, unscaled).

    Raises UserError where the voice's synthesiser is not installed.
    """
    words = [word for line in lines for word in line]
    spoken = speech_of(performer.voice, [(word,) for word in words], _SLOW)
    syllables = [(speech, syllable) for speech in spoken for syllable in speech.syllables]
    frames = num_samples * CONTROL_HZ // SAMPLE_RATE + 2
    laid = lay(notes, syllables, frames, None)
    melody = melody_pitch(notes, performer.singer, frames, rng)
    return _render(laid, melody, performer, notes, num_samples, rng)


def say_words(
    notes: Sequence[PlayedNote], lines: Sequence[Sequence[Word]], performer: Performer, num_samples: int,
    rng: np.random.Generator,
) -> np.ndarray:  # fmt: skip
    """Speak `lines` in the rhythm of `notes`, each a sentence with the synthesiser's own prosody, as `sing_words`."""
    spoken = speech_of(performer.voice, [tuple(line) for line in lines], _FAST)
    syllables = [(speech, syllable) for speech in spoken for syllable in speech.syllables]
    frames = num_samples * CONTROL_HZ // SAMPLE_RATE + 2
    laid = lay(notes, syllables, frames, _SPOKEN_STRETCH)
    return _render(laid, None, performer, notes, num_samples, rng)


def lay(
    notes: Sequence[PlayedNote], syllables: Sequence[tuple[Speech, Syllable]], frames: int, most_stretch: float | None
) -> list[Laid]:
    """Put one syllable on each note: its vowel begins with the note and its consonants before that.

    Vowels last until the note ends, or `most_stretch` times their length if that is shorter; None: any length.
    """
    starts = [round(note.start_s * CONTROL_HZ) for note in notes]
    onsets = []
    for k, (_, syllable) in enumerate(syllables):
        room = starts[k] - (starts[k - 1] + _SHORTEST) if k else starts[k]
        onsets.append(int(np.clip(min(syllable.vowel - syllable.start, _LONGEST_ONSET), 0, max(room, 0))))
    laid = []
    for k, (note, (speech, syllable)) in enumerate(zip(notes, syllables, strict=True)):
        stop = round(_end(note) * CONTROL_HZ)
        if k + 1 < len(notes):
            following = starts[k + 1] - onsets[k + 1]
            close = notes[k + 1].start_s - _end(note) < PHRASE_GAP_S / 2.0
            stop = following if close or stop > following else stop
        if most_stretch is not None:
            after = min(syllable.stop - syllable.coda, _LONGEST_CODA)
            natural = most_stretch * (syllable.coda - syllable.vowel) + after
            stop = min(stop, starts[k] + round(natural))
        stop = min(max(stop, starts[k] + 2), frames)
        if starts[k] < stop:
            laid.append(Laid(speech, syllable, starts[k] - onsets[k], starts[k], stop, note.velocity))
    return laid


def melody_pitch(notes: Sequence[PlayedNote], singer: Singer, frames: int, rng: np.random.Generator) -> np.ndarray:
    """The pitch (MIDI, one value a frame) of a sung melody with scoops, vibrato and drift."""
    pitch = np.full(frames, float(notes[0].pitch + 12 * singer.octave))
    vibrato = np.zeros(frames)
    for note in notes:
        start = round(note.start_s * CONTROL_HZ)
        pitch[start:] = note.pitch + 12 * singer.octave
        scoop_into(pitch, start, singer, rng)
        stop = min(round(_end(note) * CONTROL_HZ), frames)
        vibrato[start:stop] = vibrato_depth(np.arange(max(stop - start, 0)) / CONTROL_HZ)
    jitter = 0.04 * ndimage.gaussian_filter1d(rng.standard_normal(frames), 1.0)
    return unsteady(pitch, vibrato, singer, rng) + jitter


def _render(
    laid: Sequence[Laid], melody: np.ndarray | None, performer: Performer, notes: Sequence[PlayedNote],
    num_samples: int, rng: np.random.Generator,
) -> np.ndarray:  # fmt: skip
    total = num_samples * CONTROL_HZ // SAMPLE_RATE + 2
    frames = Frames.silent(total)
    effort = np.zeros(total)
    for one in laid:
        position, inside = _path(one)
        here = slice(one.start, one.stop)
        frames.envelope_db[here], frames.aperiodicity[here] = frames_at(one.speech, position, performer.timbre)
        frames.loudness_db[here] = _loudness(one, position, inside)
        effort[here] = one.velocity
        voiced = (_pitch_at(one.speech, position) > 0.0) | (inside & _has_voice(one))
        if melody is None:
            frames.f0_hz[here] = voiced * _own_pitch(one, position, performer)
        else:
            frames.f0_hz[here] = voiced * 440.0 * 2.0 ** ((melody[here] - 69.0) / 12.0)
    _join(frames, [one.start for one in laid])
    effort = ndimage.gaussian_filter1d(effort, 4.0)
    sound = highpass(synthesize(frames, effort, performer.timbre, num_samples), 70.0)
    level = float(np.abs(sound).max())
    silent_since = -1.0
    for phrase in phrases_of(notes):
        if phrase[0].start_s - silent_since > 0.55 and rng.random() < 0.7:
            breathe_in(sound, phrase[0].start_s - 0.15, level * (1.0 + 4.0 * performer.singer.breath), rng)
        silent_since = _end(phrase[-1])
    return sound


def _path(one: Laid) -> tuple[np.ndarray, np.ndarray]:
    """Which frame of the speech sounds in each frame of a laid syllable, and which of them are its vowel."""
    syllable, length = one.syllable, one.stop - one.vowel
    after = syllable.stop - syllable.coda
    end = min(after, _LONGEST_CODA, int(_CODA_SHARE * length))  # the vowel is what carries a note
    onset = np.linspace(syllable.vowel - (one.vowel - one.start), syllable.vowel, one.vowel - one.start, endpoint=False)
    vowel = _stretched(syllable.vowel, syllable.coda, length - end)
    coda = np.linspace(syllable.coda, syllable.stop, end, endpoint=False)
    inside = np.zeros(one.stop - one.start, bool)
    inside[len(onset) : len(onset) + len(vowel)] = True
    return np.concatenate([onset, vowel, coda]), inside


def _stretched(start: int, stop: int, frames: int) -> np.ndarray:
    """Frame numbers from `start` to `stop` in so many frames: the ends keep their pace, the middle gives way.

    What a diphthong moves towards comes late, as singers do it.
    """
    length = stop - start
    if frames <= length:
        return np.linspace(start, stop, frames, endpoint=False)
    edge = length // 4
    middle = np.linspace(0.0, 1.0, frames - 2 * edge) ** 1.3 * (length - 2 * edge)
    return start + np.concatenate([np.arange(edge), edge + middle, length - edge + np.arange(edge)])


def _loudness(one: Laid, position: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Level of each frame in dB: that of the speech, evened out in the vowel, with the note's velocity and release."""
    own = np.interp(position, np.arange(len(one.speech.loudness_db)), one.speech.loudness_db)
    hissing = (_pitch_at(one.speech, position) == 0.0) & ~inside
    own = np.where(hissing, np.minimum(own, _LOUDEST_HISS_DB), np.where(inside, 0.5 * own, own))
    release = np.arange(len(own))[::-1]
    return own + 20.0 * np.log10(0.3 + 0.7 * one.velocity) - 4.0 * np.maximum(5 - release, 0)


def _has_voice(one: Laid) -> bool:
    """Whether the vowel has a pitch anywhere: a whispered one stays whispered."""
    return bool((one.speech.f0_hz[one.syllable.vowel : one.syllable.coda] > 0.0).any())


def _pitch_at(speech: Speech, position: np.ndarray) -> np.ndarray:
    """What the speech's pitch is in the frames nearest to `position`: Hz, 0 where there is none."""
    return speech.f0_hz[np.clip(np.round(position).astype(int), 0, len(speech.f0_hz) - 1)]


def _own_pitch(one: Laid, position: np.ndarray, performer: Performer) -> np.ndarray:
    """The speech's own pitch, moved to where the performer speaks: Hz, one value a frame."""
    f0 = one.speech.f0_hz
    voiced = np.flatnonzero(f0 > 0.0)
    if not len(voiced):
        return np.full(len(position), 440.0 * 2.0 ** ((performer.speaking_pitch - 69.0) / 12.0))
    semitones = 12.0 * np.log2(np.interp(np.arange(len(f0)), voiced, f0[voiced]) / np.median(f0[voiced]))
    moved = performer.speaking_pitch + performer.intonation * np.clip(semitones, -9.0, 9.0)
    return 440.0 * 2.0 ** ((np.interp(position, np.arange(len(f0)), moved) - 69.0) / 12.0)


def _join(frames: Frames, joints: Sequence[int]) -> None:
    """Let spectra flow into one another where a syllable follows the one before without a rest."""
    for joint in joints:
        if joint < 4 or joint + 4 > len(frames.f0_hz) or frames.loudness_db[joint - 1] < -100.0:
            continue
        near = slice(joint - 4, joint + 4)
        for values in (frames.envelope_db, frames.aperiodicity, frames.loudness_db):
            values[near] = ndimage.gaussian_filter1d(values[near], 1.5, axis=0, mode="nearest")


def _end(note: PlayedNote) -> float:
    return note.start_s + note.duration_s
