"""Who sings and what, before anybody makes a sound; and what is said where a voice is missing."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from megami.errors import UserError
from megami.studio import compose_song
from megami.studio.band import cast, speech_synthesisers
from megami.studio.band.cast import CHOIRS, SINGERS, chord_parts, draw_way, in_parallel, loosened, random_performer
from megami.studio.band.harmony import parse_progression
from megami.studio.band.lyrics import draw_line, draw_vocalise
from megami.studio.band.notes import PlayedNote
from megami.studio.band.speech_synthesisers import PACKAGES, VOICES, find_synthesisers
from megami.studio.band.sung_speech import draw_words, phrases_of

ROOT = Path(__file__).resolve().parents[2]
C_MAJOR = parse_progression("I", 0, "major")
SLOW = [PlayedNote(0.5 * i, 0.45, 60 + i % 5, 0.8) for i in range(12)]
DENSE = [PlayedNote(0.2 * i, 0.18, 60, 0.8) for i in range(12)]


@pytest.fixture
def looking_anew():
    """What was found before does not count, and what is found in the test does not count after it."""
    find_synthesisers.cache_clear()
    yield
    find_synthesisers.cache_clear()


def test_missing_programs_are_named_in_one_line(monkeypatch, tmp_path, looking_anew):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match="apt-get install flite festival espeak-ng") as error:
        compose_song(0, seconds=2.0, voices="many")
    assert "\n" not in str(error.value)


def test_missing_voices_and_a_missing_vocoder_are_named(monkeypatch, looking_anew):
    def absent(name: str) -> str:
        raise speech_synthesisers.PackageNotFoundError(name)

    monkeypatch.setattr(speech_synthesisers, "_FESTIVAL_FOLDERS", ())
    monkeypatch.setattr(speech_synthesisers, "version", absent)
    with pytest.raises(UserError) as error:
        find_synthesisers()
    voices = [package for package in PACKAGES if package.startswith("festvox")]
    assert all(package in str(error.value) for package in voices) and "pip install pyworld" in str(error.value)


def test_unknown_voices_are_refused():
    with pytest.raises(UserError, match="unknown voices 'few': use one of formant, many"):
        compose_song(0, voices="few")


@pytest.mark.parametrize("language", ["english", "latin"])
def test_lines_have_the_syllables_asked_for(language):
    rng = np.random.default_rng(0)
    for syllables in range(1, 13):
        for line in (draw_line(syllables, language, rng), draw_vocalise(syllables, language, rng)):
            assert sum(count for _, count in line) == syllables
            assert all(word.isascii() and word.isalpha() for word, _ in line)  # they are put into a festival script


def test_every_phrase_gets_a_line_and_lines_come_back():
    notes = [PlayedNote(2.0 * bar + 0.4 * i, 0.35, 60, 0.8) for bar in range(12) for i in range(4)]
    lines = draw_words(notes, "english", np.random.default_rng(1), vocalise=0.0)
    assert [len(phrase) for phrase in phrases_of(notes)] == [4] * 12
    assert [sum(count for _, count in line) for line in lines] == [4] * 12
    assert 1 < len({tuple(line) for line in lines}) < 12


def test_the_second_voice_keeps_to_the_scale():
    third = in_parallel(SLOW, -2, C_MAJOR)
    sixth = in_parallel(SLOW, 5, C_MAJOR)
    white = [note for note in range(128) if note % 12 in (0, 2, 4, 5, 7, 9, 11)]
    assert all(note.pitch in white for note in third + sixth)
    in_key = [i for i, note in enumerate(SLOW) if note.pitch in white]
    assert {SLOW[i].pitch - third[i].pitch for i in in_key} == {3, 4}
    assert {sixth[i].pitch - SLOW[i].pitch for i in in_key} <= {8, 9}
    loose = loosened(SLOW, np.random.default_rng(0))
    late = np.array([b.start_s - a.start_s for a, b in zip(SLOW, loose, strict=True)])
    assert 0.005 < np.std(late) < 0.04 and np.abs(late).max() < 0.1


def test_a_duet_is_two_singers_with_the_same_words(monkeypatch):
    sung = []

    def listen(notes, lines, performer, num_samples, rng):
        sung.append((notes, [word for line in lines for word in line], performer))
        return np.ones(num_samples)

    monkeypatch.setattr(cast, "sing_words", listen)
    for seed in range(20):
        sung.clear()
        cast.duet(SLOW, C_MAJOR, 10, np.random.default_rng(seed))
        (first, words, one), (second, same_words, other) = sung
        assert first == SLOW and words == same_words and one != other
        assert one.voice.language == other.voice.language
        steps = {low.pitch - high.pitch for low, high in zip(second, first, strict=True)}
        assert steps <= {-4, -3, -2} or steps <= {2, 3, 4} or steps <= {-10, -9, -8, -7}
        assert all(abs(low.start_s - high.start_s) < 0.1 for low, high in zip(second, first, strict=True))


def test_a_fresh_clone_installs_all_that_is_needed():
    assert set(PACKAGES) <= set((ROOT / ".ci" / "run").read_text(encoding="utf-8").replace(")", " ").split())


def test_a_choirs_chords_become_lines_from_the_highest_down():
    chords = [
        PlayedNote(2.0 * bar + 0.01 * i, 1.9, pitch, 0.7) for bar in range(3) for i, pitch in enumerate((52, 57, 60))
    ]
    assert [[note.pitch for note in part] for part in chord_parts(chords, 3)] == [[60] * 3, [57] * 3, [52] * 3]
    assert [[note.pitch for note in part] for part in chord_parts(chords, 2)] == [[60] * 3, [52] * 3]


def test_all_ways_of_singing_come_up_as_often_as_they_should():
    rng = np.random.default_rng(0)
    ways = Counter(draw_way(SLOW, False, rng) for _ in range(2000))
    assert all(abs(ways[name] / 2000 - chance) < 0.04 for name, chance in SINGERS.items())
    choirs = Counter(draw_way(SLOW, True, rng) for _ in range(2000))
    assert all(abs(choirs[name] / 2000 - chance) < 0.04 for name, chance in CHOIRS.items())
    assert Counter(draw_way(DENSE, False, rng) for _ in range(2000))["spoken"] > 1.8 * ways["spoken"]


def test_men_women_and_children_sing_with_every_voice_there_is():
    rng = np.random.default_rng(0)
    drawn = [random_performer(rng) for _ in range(1500)]
    assert {performer.voice for performer in drawn} == set(VOICES)
    octaves = Counter(performer.singer.octave for performer in drawn)
    assert 0.3 < octaves[0] / 1500 < 0.55
    pitches = sorted(performer.speaking_pitch for performer in drawn)
    assert pitches[0] < 45.0 and pitches[-1] > 60.0
    assert all(
        performer.voice.language == "latin" for performer in (random_performer(rng, None, "latin") for _ in range(99))
    )


def test_phrases_end_where_there_are_rests():
    for before, after in pairwise(phrases_of([SLOW[0], SLOW[1], SLOW[4], SLOW[5]])):
        assert after[0].start_s - before[-1].start_s - before[-1].duration_s >= 0.25
