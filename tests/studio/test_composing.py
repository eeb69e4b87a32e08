"""The composer: harmony, time, bands and parts, without any sound."""

from __future__ import annotations

import numpy as np
import pytest

from megami.errors import UserError
from megami.studio import GENRES, HELD_OUT_GENRES, INSTRUMENTS, ROLES
from megami.studio.band.composer import MAX_TRACKS, MIN_TRACKS, arrange
from megami.studio.band.genres import genre_named
from megami.studio.band.grooves import DRUM_KEYS, FILLS, GROOVES, PERCUSSION
from megami.studio.band.harmony import SCALES, close_voicing, guitar_voicing, parse_chord, parse_progression
from megami.studio.band.notes import Feel, Note, perform
from megami.studio.band.patterns import BASS_LINES, CHORD_RHYTHMS, ENDINGS, MELODY_RHYTHMS, onsets
from megami.studio.band.recording_session import draw_genre
from megami.studio.band.sounds import SOUNDS


def test_chords_are_what_their_numerals_say():
    assert parse_chord("I", 0).pitch_classes == (0, 4, 7)
    assert parse_chord("vi", 0).pitch_classes == (9, 0, 4)
    assert parse_chord("bVII7", 2).pitch_classes == (0, 4, 7, 10)
    with pytest.raises(ValueError):
        parse_chord("H", 0)


def test_two_chords_share_a_bar():
    harmony = parse_progression("I IV|V", 0, "major")
    assert [harmony.at(beat).root for beat in (0.0, 3.9, 4.0, 5.9, 6.0, 8.0)] == [0, 0, 5, 5, 7, 0]


def test_voicings_hold_only_chord_tones_in_their_register():
    chord = parse_chord("ii7", 0)
    close, strings = close_voicing(chord, 50), guitar_voicing(chord)
    assert all(50 <= pitch < 62 for pitch in close) and len(close) == 4
    assert strings[0] % 12 == chord.root and strings == sorted(set(strings))
    assert {pitch % 12 for pitch in close + strings} == set(chord.pitch_classes)


def test_swing_delays_the_off_steps_only():
    straight, swung = Feel(120.0, 0.0, 0.25, 0.0, 0.1), Feel(120.0, 0.3, 0.25, 0.0, 0.1)
    assert [swung.seconds(beat) for beat in (0.0, 0.5, 4.0)] == pytest.approx([0.1, 0.35, 2.1])
    assert swung.seconds(0.25) - straight.seconds(0.25) == pytest.approx(0.3 * 0.125)


def test_people_are_loose_and_machines_exact():
    feel, notes = Feel(120.0, 0.0, 0.25, 8.0, 0.5), [Note(float(beat), 1.0, 60, 0.8) for beat in range(64)]

    def late_ms(machine: bool) -> np.ndarray:
        played = perform(notes, feel, np.random.default_rng(0), machine)
        return np.array([1e3 * (note.start_s - feel.seconds(i)) for i, note in enumerate(played)])

    assert 4.0 < np.std(late_ms(False)) < 25.0
    assert np.abs(late_ms(True)).max() < 2.0


def test_pattern_texts_fill_their_bars():
    melodic = [text for table in (BASS_LINES, MELODY_RHYTHMS) for texts in table.values() for text in texts]
    melodic += [text for playing in CHORD_RHYTHMS.values() for text in playing.rhythms]
    assert {len(text) for text in melodic} == {12, 16}
    assert all(len(text) == steps for steps, texts in ENDINGS.items() for text in texts)
    drums = [g for g in (*GROOVES.values(), *PERCUSSION.values(), *FILLS[16], *FILLS[12])]
    assert all(drum in DRUM_KEYS for groove in drums for drum in groove)
    assert all(len(text) in (1, 6, 8, 12, 16) for groove in drums for text in groove.values())
    assert onsets("R--.O.-.") == [(0, 3, "R"), (4, 1, "O")]


@pytest.mark.parametrize("name", GENRES)
def test_every_genre_names_only_what_exists(name):
    genre = genre_named(name)
    assert set(genre.grooves) <= set(GROOVES) and set(genre.scales) <= set(SCALES)
    for text in genre.progressions:
        parse_progression(text, 0, "major")
    for seat in genre.seats:
        assert seat.role in ROLES and all(sound == "percussion" or sound in SOUNDS for sound in seat.sounds)
        known = {"bass": BASS_LINES, "percussion": PERCUSSION, "lead": {**MELODY_RHYTHMS, **CHORD_RHYTHMS}}
        known |= {"chords": CHORD_RHYTHMS, "pad": CHORD_RHYTHMS, "vocal": {**MELODY_RHYTHMS, "hold": None}}
        assert set(seat.playing) <= set(known[seat.role])
    assert {sound.instrument for sound in SOUNDS.values()} <= set(INSTRUMENTS)


@pytest.mark.parametrize("name", GENRES)
def test_arrangements_have_a_band_that_plays_most_of_the_time(name):
    seconds = 12.0
    for seed in range(8):
        arrangement = arrange(genre_named(name), seconds, seed)
        assert MIN_TRACKS <= len(arrangement.parts) + 2 * arrangement.split_drums <= MAX_TRACKS
        sounding = np.zeros(int(seconds))
        for part in arrangement.parts:
            assert part.notes and all(0.0 <= note.start_s < seconds for note in part.notes)
            seconds_played = np.unique([int(note.start_s) for note in part.notes])
            sounding[seconds_played] += 1
        assert np.mean(sounding >= 2) > 0.7
        assert arrange(genre_named(name), seconds, seed) == arrangement


def test_bass_notes_are_low_and_follow_the_roots():
    arrangement = arrange(genre_named("rock"), 12.0, 3)
    bass = next(part for part in arrangement.parts if part.role == "bass")
    assert max(note.pitch for note in bass.notes) < 60
    beats = [(note.start_s - arrangement.feel.start_s) * arrangement.feel.bpm / 60.0 for note in bass.notes]
    roots = [note.pitch % 12 == arrangement.harmony.at(b + 0.1).root for note, b in zip(bass.notes, beats, strict=True)]
    assert np.mean(roots) > 0.5


def test_genres_are_named_and_two_are_held_out():
    assert len(GENRES) == len(set(GENRES)) == 12
    assert len(HELD_OUT_GENRES) == 2 and set(HELD_OUT_GENRES) < set(GENRES)
    with pytest.raises(UserError, match="polka"):
        genre_named("polka")


def test_without_a_genre_the_held_out_ones_are_never_drawn():
    drawn = {draw_genre(seed) for seed in range(200)}
    assert drawn == set(GENRES) - set(HELD_OUT_GENRES)
