"""Stereo stems exported as a left and a right file."""

from __future__ import annotations

import numpy as np
import pytest
from odd_files import RATE, read_and_warned, tone, write

LEFT, RIGHT = tone(1.0, 220.0), tone(1.0, 330.0)


@pytest.mark.parametrize(
    ("left", "right", "name"),
    [
        ("Piano.L.wav", "Piano.R.wav", "Piano"),
        ("Piano_L.wav", "Piano_R.wav", "Piano"),
        ("Piano-left.wav", "Piano-right.wav", "Piano"),
        ("Piano_Left.flac", "Piano_Right.flac", "Piano"),
        ("02 OH L.aif", "02 OH R.aif", "02 OH"),
        ("Piano (L).wav", "Piano (R).wav", "Piano"),
        ("piano.l.WAV", "piano.R.wav", "piano"),
        ("Piano - L.wav", "Piano - R.wav", "Piano"),
    ],
)
def test_two_halves_are_one_stereo_track(tmp_path, left, right, name):
    for file, samples in ((left, LEFT), (right, RIGHT)):
        write(
            tmp_path / file, samples, format=None if file.lower()[-3:] == "lac" else "AIFF" if "aif" in file else "WAV"
        )
    write(tmp_path / "Bass.wav")
    song, lines = read_and_warned(tmp_path)
    assert sorted(song.names) == sorted(("Bass", name))
    piano = song.audio[song.names.index(name)]
    assert np.allclose(piano[0], LEFT, atol=1e-4) and np.allclose(piano[1], RIGHT, atol=1e-4)
    assert len(lines) == 1 and left in lines[0] and right in lines[0] and repr(name) in lines[0]


@pytest.mark.parametrize(
    ("files", "names"),
    [
        ({"Piano.L": LEFT}, ("Piano.L",)),
        ({"Piano.L": LEFT, "Piano.R": RIGHT[:-1]}, ("Piano.L", "Piano.R")),
        ({"Piano.L": np.stack([LEFT, LEFT], 1), "Piano.R": np.stack([RIGHT, RIGHT], 1)}, ("Piano.L", "Piano.R")),
        ({"Piano.L": LEFT, "Piano.R": RIGHT, "Piano": tone()}, ("Piano", "Piano.L", "Piano.R")),
        ({"Piano.L": LEFT, "Piano_R": RIGHT}, ("Piano.L", "Piano_R")),
        ({"Piano L": LEFT, "Organ R": RIGHT}, ("Organ R", "Piano L")),
        ({"L": LEFT, "R": RIGHT}, ("L", "R")),
        ({"Vocal": LEFT, "Vocar": RIGHT}, ("Vocal", "Vocar")),
    ],
)
def test_what_is_no_pair_stays_apart(tmp_path, files, names):
    for name, samples in files.items():
        write(tmp_path / f"{name}.wav", samples)
    song, lines = read_and_warned(tmp_path)
    assert song.names == names and lines == []


def test_halves_of_two_rates_stay_apart(tmp_path):
    write(tmp_path / "Piano.L.wav", LEFT)
    write(tmp_path / "Piano.R.wav", RIGHT, 48000)
    assert read_and_warned(tmp_path)[0].names == ("Piano.L", "Piano.R")


def test_a_list_of_files_is_taken_as_it_is(tmp_path):
    files = [write(tmp_path / f"Piano.{side}.wav", samples) for side, samples in (("L", LEFT), ("R", RIGHT))]
    song, lines = read_and_warned(files)
    assert song.names == ("Piano.L", "Piano.R") and song.audio.shape == (2, 1, RATE) and lines == []
