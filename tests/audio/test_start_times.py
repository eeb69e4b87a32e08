"""Broadcast WAVs that say when they were recorded."""

from __future__ import annotations

import numpy as np
import pytest
from odd_files import clicks, read_and_warned, wav_bytes, write

HOURS = 10 * 3600


def write_at(path, start_seconds: float, samples, rate: int):
    path.write_bytes(wav_bytes(samples, rate, time_reference=round(start_seconds * rate)))


@pytest.mark.parametrize("rate", [44100, 48000, 96000])
def test_tracks_are_aligned_by_their_start_times(tmp_path, rate):
    whole = clicks(4.0, rate)
    for name in ("bass", "drums"):
        write_at(tmp_path / f"{name}.wav", HOURS, whole, rate)
    write_at(tmp_path / "vocals.wav", HOURS + 1.5, whole[3 * rate // 2 :], rate)
    song, lines = read_and_warned(tmp_path)
    bass, _, vocals = song.audio[:, 0].numpy()
    assert song.sample_rate == rate and song.seconds == 4.0 and not vocals[: round(1.49 * rate)].any()
    late = slice(round(1.6 * rate), None)
    assert np.abs(vocals[late] - bass[late]).max() < 0.01
    assert len(lines) == 1 and lines[0].startswith("vocals.wav begins 1.50 s after")


def test_one_start_time_for_all_gives_neither_shift_nor_warning(tmp_path):
    for name in ("bass", "drums"):
        write_at(tmp_path / f"{name}.wav", HOURS, clicks(), 44100)
    write(tmp_path / "vocals.wav", clicks())
    song, lines = read_and_warned(tmp_path)
    assert song.seconds == 2.0 and lines == []


@pytest.mark.parametrize(
    ("elsewhere", "words"),
    [(2 * HOURS, "10.0 hours after"), (0, "10.0 hours before"), (HOURS + 600, "10.0 minutes after")],
)
def test_a_file_that_cannot_be_of_the_song_is_named_and_not_moved(tmp_path, elsewhere, words):
    for name in ("bass", "drums"):
        write_at(tmp_path / f"{name}.wav", HOURS, clicks(), 44100)
    write_at(tmp_path / "vocals.wav", elsewhere, clicks(), 44100)
    song, lines = read_and_warned(tmp_path)
    assert song.seconds == 2.0 and np.array_equal(song.audio[0], song.audio[2])
    assert len(lines) == 1 and "vocals.wav" in lines[0] and words in lines[0]


def test_of_two_files_with_nothing_in_common_neither_is_moved(tmp_path):
    write_at(tmp_path / "a.wav", 0, clicks(), 44100)
    write_at(tmp_path / "b.wav", HOURS, clicks(), 44100)
    song, lines = read_and_warned(tmp_path)
    assert song.seconds == 2.0 and len(lines) == 1 and "a.wav" in lines[0] and "10.0 hours before" in lines[0]
