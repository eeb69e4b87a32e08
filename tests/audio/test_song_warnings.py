"""What is odd about a song is named once, wherever somebody may look: a warning in Python, and lines of the song."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import pytest
import soundfile
import torch

from megami.audio import Multitrack, read_multitrack, resample
from megami.corpus.multitrack_folder import same_length
from megami.errors import SongWarning, warn_of_song


def write(path, samples: int = 4410):
    path.parent.mkdir(exist_ok=True)
    soundfile.write(path, 0.1 * np.ones(samples), 44100)
    return path


def test_an_oddity_is_warned_of_once_and_kept(tmp_path):
    write(tmp_path / " .wav")
    write(tmp_path / "bass.wav")
    with pytest.warns(SongWarning) as caught:
        song = read_multitrack(tmp_path)
    assert song.names == ("bass", "unnamed")
    assert len(song.warnings) == 1 and "' .wav'" in song.warnings[0] and "'unnamed'" in song.warnings[0]
    assert [str(one.message) for one in caught] == list(song.warnings)
    assert caught[0].filename == __file__  # the caller's line


def test_a_song_without_oddities_is_read_in_silence(tmp_path):
    write(tmp_path / "bass.wav")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read_multitrack(tmp_path).warnings == ()


def test_what_is_made_of_a_song_keeps_its_warnings():
    song = Multitrack(("a", "b"), np.ones((2, 1, 100)), 44100, ["odd"])
    assert song.warnings == ("odd",)
    half = replace(song, audio=resample(song.audio, 44100, 22050), sample_rate=22050)
    cut = replace(song, audio=song.audio[..., :50])
    assert half.warnings == cut.warnings == song.select([1]).warnings == ("odd",)
    assert all(one.warnings == ("odd",) for one in same_length(cut, song))


def test_a_name_with_a_line_break_stays_one_line() -> None:
    line = "Stems/a\nb\x1b[2J.mp3 was left out"
    with pytest.warns(SongWarning) as warned:
        warn_of_song([line])
    assert str(warned[0].message) == "Stems/a\\nb\\x1b[2J.mp3 was left out"
    song = Multitrack(("a",), torch.zeros(1, 1, 10), 44100, warnings=(line,))
    assert song.warnings == ("Stems/a\\nb\\x1b[2J.mp3 was left out",)
