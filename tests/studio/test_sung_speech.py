"""Voices of speech synthesisers that sing and speak in rhythm: what is heard is measured."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from megami.errors import UserError
from megami.studio import compose_song
from megami.studio.band import analysed_speech
from megami.studio.band.analysed_speech import Speech, find_syllables, load_world, speech_of
from megami.studio.band.cast import choir, duet, random_performer, solo, spoken
from megami.studio.band.harmony import parse_progression
from megami.studio.band.notes import PlayedNote
from megami.studio.band.soundfont import find_soundfont
from megami.studio.band.speech_synthesisers import VOICES, find_synthesisers
from megami.studio.band.sung_speech import draw_words, lay, say_words, sing_words

RATE = 44100
SECONDS = 6.0
SAMPLES = int(SECONDS * RATE)
C_MAJOR = parse_progression("I", 0, "major")
MELODY = [PlayedNote(0.6 + 0.5 * i, 0.48, pitch, 0.8) for i, pitch in enumerate((52, 55, 57, 60))]
MELODY += [PlayedNote(3.6 + 0.5 * i, 0.48, pitch, 0.8) for i, pitch in enumerate((59, 57, 52))]
NATURAL = [voice for voice in VOICES if voice.program != "espeak-ng"]


@pytest.fixture(autouse=True, scope="module")
def _synthesisers():
    try:
        find_synthesisers()
    except UserError as error:
        pytest.skip(str(error))


def _performer(speaker: str, seed: int = 0):
    return random_performer(np.random.default_rng(seed), speaker)


def _level_db(audio: np.ndarray, start_s: float, stop_s: float) -> float:
    return 10 * np.log10(np.mean(audio[int(start_s * RATE) : int(stop_s * RATE)] ** 2) + 1e-12)


@pytest.mark.parametrize("speaker", ["man", "woman", "child"])
def test_the_melody_is_sung(speaker):
    performer = _performer(speaker, 3)
    rng = np.random.default_rng(1)
    words = draw_words(MELODY, performer.voice.language, rng, vocalise=0.0)
    audio = sing_words(MELODY, words, performer, SAMPLES, rng)
    f0, time = load_world().harvest(audio, RATE, f0_floor=100.0, f0_ceil=900.0)
    for note in MELODY:
        inside = (f0 > 0.0) & (time > note.start_s + 0.1) & (time < note.start_s + 0.3)
        assert inside.sum() > 5
        sung = 69.0 + 12.0 * np.log2(np.median(f0[inside]) / 440.0)
        assert abs(sung - note.pitch - 12 * performer.singer.octave) < 0.5


def test_the_same_seed_sings_the_same_whatever_was_said_before(monkeypatch):
    first = solo(MELODY, C_MAJOR, SAMPLES, np.random.default_rng(5))
    monkeypatch.setattr(analysed_speech, "_kept", {})
    assert np.array_equal(solo(MELODY, C_MAJOR, SAMPLES, np.random.default_rng(5)), first)
    assert not np.array_equal(solo(MELODY, C_MAJOR, SAMPLES, np.random.default_rng(6)), first)


def test_singers_differ_in_spectrum_more_than_their_songs():
    def spectrum(speaker: str, singer: int, song: int) -> np.ndarray:
        rng = np.random.default_rng(song)
        performer = _performer(speaker, singer)
        words = draw_words(MELODY, performer.voice.language, rng, vocalise=0.0)
        audio = sing_words(MELODY, words, performer, SAMPLES, rng)
        power = np.abs(np.fft.rfft(audio)) ** 2
        edges = (np.geomspace(300.0, 10000.0, 31) * SECONDS).astype(int)  # bins of six bands an octave
        level_db = 10 * np.log10(np.add.reduceat(power, edges)[:-1] / np.diff(edges))
        return level_db - level_db.mean()

    people = [("man", 0), ("woman", 0), ("child", 1)]
    heard = [[spectrum(*person, song) for song in (1, 2)] for person in people]
    own = np.mean([np.abs(a - b).mean() for a, b in heard])
    others = np.mean([np.abs(a[0] - b[1]).mean() for i, a in enumerate(heard) for j, b in enumerate(heard) if i != j])
    assert others > 1.25 * own


@pytest.mark.parametrize("perform", [solo, duet, spoken])
def test_voices_are_clean_and_silent_where_nobody_sings(perform):
    for seed in (1, 2):
        audio = perform(MELODY, C_MAJOR, SAMPLES, np.random.default_rng(seed))
        assert len(audio) == SAMPLES and np.isfinite(audio).all()
        assert abs(audio.mean()) < 1e-4 * np.abs(audio).max()
        loud = _level_db(audio, 0.6, 2.6)
        assert np.abs(audio[-int(0.4 * RATE) :]).max() < 1e-12
        assert _level_db(audio, 2.8, 2.95) < loud - 50.0  # the rest between the phrases, before the breath
        crest_db = 20 * np.log10(np.abs(audio).max()) - loud
        assert 6.0 < crest_db < 26.0
        largest_step = np.abs(np.diff(audio, 2)).max()
        assert largest_step < 2.0 * np.abs(audio).max()  # a click steps by twice its peak and more


def test_spoken_lines_have_their_vowels_where_asked_and_pauses_in_between():
    notes = [PlayedNote(0.4 + 1.1 * i, 1.0, 50, 0.9) for i in range(5)]
    performer = replace(_performer("man", 1), voice=NATURAL[0])
    line = [[(word, 1) for word in ("moon", "night", "stone", "home", "wall")]]
    audio = say_words(notes, line, performer, SAMPLES, np.random.default_rng(0))
    loudest = max(_level_db(audio, note.start_s, note.start_s + 0.15) for note in notes)
    for note in notes:
        assert _level_db(audio, note.start_s, note.start_s + 0.15) > loudest - 12.0
        assert _level_db(audio, note.start_s + 0.72, note.start_s + 0.85) < loudest - 40.0  # spoken, not drawn out


def test_speech_keeps_its_own_melody():
    notes = [PlayedNote(0.5 + 0.2 * i, 0.18, 64, 0.9) for i in range(16)]
    performer = _performer("man", 1)
    rng = np.random.default_rng(3)
    lines = draw_words(notes, performer.voice.language, rng, vocalise=0.0)
    said = say_words(notes, lines, performer, SAMPLES, rng)
    f0, _ = load_world().harvest(said, RATE, f0_floor=60.0, f0_ceil=500.0)
    semitones = 69.0 + 12.0 * np.log2(f0[f0 > 0.0] / 440.0)
    assert abs(np.median(semitones) - performer.speaking_pitch) < 2.0
    assert np.percentile(semitones, 90) - np.percentile(semitones, 10) > 1.0


def test_a_choir_sings_the_outer_notes_of_its_chords():
    def share(audio: np.ndarray, pitch: float, start_s: float, stop_s: float) -> float:
        piece = audio[int(start_s * RATE) : int(stop_s * RATE)]
        power = np.abs(np.fft.rfft(piece * np.hanning(len(piece)))) ** 2
        hz = np.fft.rfftfreq(len(piece), 1.0 / RATE)
        near = np.abs(12.0 * np.log2(np.maximum(hz, 1.0) / 440.0) + 69.0 - pitch) < 0.7
        return float(power[near].sum() / power.sum())

    chords = [PlayedNote(0.5 + 2.5 * i, 2.4, pitch, 0.8) for i in range(2) for pitch in (55, 60, 64)]
    sung = choir(chords, C_MAJOR, SAMPLES, np.random.default_rng(8))
    assert all(share(sung, pitch, 1.0, 2.6) > 0.003 for pitch in (55, 64))
    assert all(share(sung, pitch, 1.0, 2.6) < 0.003 for pitch in (57.5, 62))


def test_vowels_begin_on_the_beat_and_consonants_before_it():
    speech = speech_of(NATURAL[0], [(("stone", 1),)])[0]
    laid = lay(MELODY[:4], [(speech, speech.syllables[0])] * 4, 1200, None)
    for one, note in zip(laid, MELODY, strict=False):
        assert one.vowel == round(note.start_s * 200) and 4 <= one.vowel - one.start <= 40
    assert all(a.stop == b.start for a, b in pairwise(laid))  # sung legato
    assert abs(laid[-1].stop - 200 * (MELODY[3].start_s + MELODY[3].duration_s)) <= 1


@pytest.mark.parametrize("voice", VOICES, ids=lambda voice: voice.name)
def test_every_voice_says_words_with_as_many_vowels_as_they_have(voice):
    words = [(("river", 2),), (("moon", 1),)] if voice.language == "english" else [(("luna", 2),), (("la", 1),)]
    for word, speech in zip(words, speech_of(voice, words, 0.8), strict=True):
        assert isinstance(speech, Speech) and len(speech.syllables) == word[0][1]
        edges = [edge for s in speech.syllables for edge in (s.start, s.vowel, s.coda, s.stop)]
        assert edges == sorted(edges) and edges[0] == 0 and edges[-1] == len(speech.f0_hz)
        for syllable in speech.syllables:
            assert syllable.coda - syllable.vowel >= 4  # 20 ms
            assert np.mean(speech.f0_hz[syllable.vowel : syllable.coda] > 0.0) > 0.5


def test_syllables_without_dips_between_them_share_the_time():
    found = find_syllables(np.full(90, 100.0), np.zeros((90, 65)), 16000, 3)
    assert found[0].start == 0 and found[-1].stop == 90
    assert all(s.start <= s.vowel < s.coda <= s.stop for s in found)


def test_many_voices_change_the_voices_of_a_song_and_nothing_else():
    try:
        find_soundfont()
    except UserError as error:
        pytest.skip(str(error))
    changed = 0
    for seed, genre in ((3, "pop"), (9, "folk")):
        plain, many = compose_song(seed, genre, 4.0), compose_song(seed, genre, 4.0, voices="many")
        assert many.multitrack.names == plain.multitrack.names and many.instruments == plain.instruments
        for instrument, a, b in zip(plain.instruments, plain.multitrack.audio, many.multitrack.audio, strict=True):
            same = bool((a == b).all())
            assert same or instrument == "voice"
            changed += not same
    assert changed
