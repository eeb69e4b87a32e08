"""A folder of songs as a dataset: order, laziness, dry/wet pairs, and errors a user can act on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from megami.corpus import MultitrackFolder
from megami.errors import UserError


def write(path: Path, samples: int = 4410, value: float = 0.1) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.full(samples, value), 44100, subtype="FLOAT")


def test_every_folder_with_audio_is_a_song_in_order(tmp_path: Path) -> None:
    write(tmp_path / "beta" / "drums.wav", 4410)
    write(tmp_path / "beta" / "bass.wav", 2205)
    write(tmp_path / "alpha" / "dry" / "voice.wav")
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "readme.txt").write_text("no audio here")
    songs = MultitrackFolder(tmp_path)
    assert len(songs) == 2 and songs.names == ("alpha", "beta")
    assert [song.names for song in songs] == [("voice",), ("bass", "drums")]
    assert songs[1].audio.shape == (2, 1, 4410) and songs[-1].names == songs[1].names
    assert torch.all(songs[1].audio[0, 0, 2205:] == 0)


def test_files_are_read_when_asked_for(tmp_path: Path) -> None:
    write(tmp_path / "good" / "a.wav")
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "a.wav").write_bytes(b"not audio")
    songs = MultitrackFolder(tmp_path)
    assert songs[1].names == ("a",)
    with pytest.raises(UserError):
        songs[0]
    with pytest.raises(IndexError):
        songs[2]


def test_what_is_a_stem_is_decided_as_in_a_song_that_is_mixed(tmp_path: Path) -> None:
    """A link to a file that is gone is named when it is read, not passed over."""
    write(tmp_path / "song" / "a.wav")
    (tmp_path / "song" / ".hidden.wav").write_bytes(b"")
    (tmp_path / "song" / "folder.wav").mkdir()
    assert MultitrackFolder(tmp_path)[0].names == ("a",)
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked" / "gone.wav").symlink_to(tmp_path / "nowhere.wav")
    songs = MultitrackFolder(tmp_path)
    assert songs.names == ("linked", "song")
    with pytest.raises(UserError, match=r"gone\.wav: no such file"):
        songs[0]


def test_pairs_match_track_by_track_and_are_equally_long(tmp_path: Path) -> None:
    for name in ("bass", "voice"):
        write(tmp_path / "song" / "dry" / f"{name}.wav", 4410, 0.1)
        write(tmp_path / "song" / "wet" / f"{name}.wav", 6000, 0.2)
    songs = MultitrackFolder(tmp_path)
    dry, wet = songs.pair(0)
    assert songs.has_pair(0) and dry.names == wet.names == ("bass", "voice")
    assert dry.audio.shape[-1] == wet.audio.shape[-1] == 6000
    assert torch.allclose(wet.audio, torch.tensor(0.2)) and torch.all(dry.audio[..., 4410:] == 0)
    assert songs[0].audio.shape[-1] == 4410


def test_errors_say_what_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="not a folder"):
        MultitrackFolder(tmp_path / "nowhere")
    with pytest.raises(UserError, match="no sub-folder with audio"):
        MultitrackFolder(tmp_path)
    write(tmp_path / "stem.wav")
    with pytest.raises(UserError, match="folder above"):
        MultitrackFolder(tmp_path)
    write(tmp_path / "song" / "dry" / "voice.wav")
    with pytest.raises(UserError, match="no dry/wet pair"):
        MultitrackFolder(tmp_path).pair(0)
    write(tmp_path / "song" / "wet" / "bass.wav")
    with pytest.raises(UserError, match="bass, voice"):
        MultitrackFolder(tmp_path).pair(0)
