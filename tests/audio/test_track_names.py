"""Names of tracks as file systems and languages write them."""

from __future__ import annotations

import sys
import unicodedata

import pytest
from odd_files import read_and_warned, tone, write

from megami.audio import read_audio, read_multitrack, write_audio
from megami.corpus import MultitrackFolder
from megami.errors import UserError

COMPOSED, APART = (unicodedata.normalize(form, "Stimme für Björn") for form in ("NFC", "NFD"))


def test_a_name_is_one_however_its_letters_are_written(tmp_path):
    write(tmp_path / "song" / "dry" / f"{APART}.wav")
    write(tmp_path / "song" / "wet" / f"{COMPOSED}.wav")
    dry, wet = MultitrackFolder(tmp_path).pair(0)
    assert dry.names == wet.names == (COMPOSED,)
    assert read_and_warned([tmp_path / "song" / "dry" / f"{APART}.wav"])[0].names == (COMPOSED,)


@pytest.mark.skipif(sys.platform != "linux", reason="the two names are one file elsewhere")
def test_two_files_whose_names_look_the_same_are_refused_in_one_line(tmp_path):
    write(tmp_path / f"{APART}.wav")
    write(tmp_path / f"{COMPOSED}.wav")
    with pytest.raises(UserError, match="more than one track is named"):
        read_multitrack(tmp_path)


@pytest.mark.parametrize("suffix", [".wav", ".flac"])
def test_a_name_as_long_as_the_system_allows_is_written(tmp_path, suffix):
    audio = read_audio(write(tmp_path / "a.wav", tone(0.1)))[0]
    path = write_audio(tmp_path / ("x" * (255 - len(suffix)) + suffix), audio)
    assert read_audio(path)[0].shape == (1, 4410)
    with pytest.raises(UserError, match="too long"):
        write_audio(tmp_path / ("x" * 256 + suffix), audio)
    assert len(list(tmp_path.iterdir())) == 2
