"""Whole songs of the studio: what a session's tapes look like, and that a seed always gives the same ones."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from megami.errors import UserError
from megami.studio import GENRES, INSTRUMENTS, ROLES, Song, compose_song
from megami.studio.band.soundfont import find_soundfont


@pytest.fixture(autouse=True, scope="module")
def _soundfont():
    try:
        find_soundfont()
    except UserError as error:
        pytest.skip(str(error))
    if find_spec("tinysoundfont") is None:
        pytest.skip("tinysoundfont is not installed: pip install --no-deps tinysoundfont")


def _digest(song: Song) -> str:
    return hashlib.sha256(song.multitrack.audio.numpy().tobytes()).hexdigest()


@pytest.mark.parametrize("genre", GENRES)
def test_a_song_is_a_clean_session(genre):
    song = compose_song(7, genre, 6.0)
    audio = song.multitrack.audio.numpy()
    assert song.genre == genre and 4 <= len(audio) <= 8 and audio.shape[1:] == (1, 6 * 44100)
    assert set(song.roles) <= set(ROLES) and set(song.instruments) <= set(INSTRUMENTS)
    peak_db = 20 * np.log10(np.abs(audio).max(axis=(1, 2)))
    assert np.all((peak_db > -13.0) & (peak_db < -2.0))
    assert np.abs(audio.mean(axis=2)).max() < 2e-3
    frames = audio[:, 0, : 60 * 4410].reshape(len(audio), 60, 4410)
    floor_db = 10 * np.log10(np.mean(frames**2, axis=2).min(axis=1) + 1e-12)
    assert np.all(floor_db > -95.0)


def test_the_same_seed_gives_the_same_song_in_another_process():
    here = _digest(compose_song(11, seconds=4.0))
    code = (
        "import hashlib; from megami.studio import compose_song; compose_song(3, seconds=3.0);"
        "song = compose_song(11, seconds=4.0);"
        "print(hashlib.sha256(song.multitrack.audio.numpy().tobytes()).hexdigest())"
    )
    root = Path(__file__).resolve().parents[2]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    there = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert there.stdout.strip() == here
    assert _digest(compose_song(12, seconds=4.0)) != here


def test_impossible_songs_are_refused():
    for arguments in ((-1, None, 12.0), (0, "polka", 12.0), (0, None, 0.5)):
        with pytest.raises(UserError):
            compose_song(*arguments)
