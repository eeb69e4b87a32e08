"""Songs with a form: what comes back is the same, who rests is silent, and everything stays in one key."""

from __future__ import annotations

import numpy as np
import pytest

from megami.errors import UserError
from megami.studio import GENRES
from megami.studio.band.form import VERSE_AND_CHORUS, arrange_form, bars_of
from megami.studio.band.genres import genre_named
from megami.studio.band.notes import BEATS_PER_BAR

SEEDS = range(8)


def bar_times(arrangement, bars: int) -> np.ndarray:
    """When each bar begins, in seconds, and when the last one ends."""
    return np.array([arrangement.feel.seconds(BEATS_PER_BAR * bar) for bar in range(bars + 1)])


def pitches(part, times: np.ndarray, first: int, last: int) -> list[int]:
    """The pitches of a part in some bars, from low to high; notes within 80 ms of a bar line may belong to either."""
    begin, end = times[first] - 0.08, times[last] - 0.08
    return sorted(note.pitch for note in part.notes if begin <= note.start_s < end)


@pytest.mark.parametrize("genre", GENRES)
def test_a_chorus_comes_back_with_the_same_notes(genre):
    for seed in SEEDS:
        arrangement, _ = arrange_form(genre_named(genre), VERSE_AND_CHORUS, seed)
        times = bar_times(arrangement, 16)
        for part in arrangement.parts:
            first, second = pitches(part, times, 6, 10), pitches(part, times, 12, 16)
            assert abs(len(first) - len(second)) <= 2, (seed, part.sound)
            assert len(set(first) ^ set(second)) <= 2, (seed, part.sound)


def test_verse_and_chorus_are_different_music():
    different = total = 0
    for seed in SEEDS:
        arrangement, _ = arrange_form(genre_named("pop"), VERSE_AND_CHORUS, seed)
        times = bar_times(arrangement, 16)
        for part in arrangement.parts:
            if part.role in ("bass", "chords", "vocal"):
                total += 1
                different += pitches(part, times, 2, 6) != pitches(part, times, 6, 10)
    assert different > 0.9 * total


def test_who_rests_is_silent_and_rings_no_longer_than_the_section_before():
    rested = 0
    for seed in SEEDS:
        arrangement, _ = arrange_form(genre_named("pop"), VERSE_AND_CHORUS, seed)
        times = bar_times(arrangement, 16)
        for part in arrangement.parts:
            if part.role == "vocal" and part.sound == "singer":
                assert not pitches(part, times, 0, 2)
            if part.role == "pad":
                rested += 1
                assert not pitches(part, times, 2, 6) and pitches(part, times, 6, 10)
                ends = [note.start_s + note.duration_s for note in part.notes if note.start_s < times[10] - 0.1]
                assert max(ends) < times[10] + 0.25
    assert rested


def test_the_length_follows_from_tempo_and_bars():
    arrangement, seconds = arrange_form(genre_named("rock"), VERSE_AND_CHORUS, 3)
    feel = arrangement.feel
    assert bars_of(VERSE_AND_CHORUS) == 16
    assert seconds == pytest.approx(feel.start_s + 64 * 60 / feel.bpm, abs=0.01)
    assert max(note.start_s for part in arrangement.parts for note in part.notes) < seconds + 0.1


def test_sections_share_key_and_scale():
    for seed in SEEDS:
        arrangement, _ = arrange_form(genre_named("country"), VERSE_AND_CHORUS, seed)
        scale = {pitch % 12 for pitch in arrangement.harmony.scale_pitches(0, 127)}
        for part in arrangement.parts:
            if part.role == "vocal" and part.sound == "singer":
                assert {note.pitch % 12 for note in part.notes} <= scale


def test_a_form_without_bars_is_refused():
    with pytest.raises(UserError, match="at least one bar"):
        arrange_form(genre_named("pop"), (), 0)
