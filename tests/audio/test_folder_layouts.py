"""Folders as datasets, archives and people lay them out: the tracks are found, or one line says what to give."""

from __future__ import annotations

import json

import numpy as np
import pytest
from odd_files import RATE, read_and_warned, tone, write

from megami.audio import read_multitrack
from megami.corpus import MultitrackFolder
from megami.errors import UserError


def write_all(root, *names: str):
    for number, name in enumerate(names):
        write(root / name, tone(0.2, 110.0 * (number + 1)))
    return root


def refused(source) -> str:
    with pytest.raises(UserError) as caught:
        read_multitrack(source)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_medleydb(tmp_path):
    raw = [f"Song_RAW/Song_RAW_{stem:02d}_{number:02d}.wav" for stem in (1, 2) for number in (1, 2)]
    write_all(tmp_path, "Song_MIX.wav", "Song_STEMS/Song_STEM_01.wav", "Song_STEMS/Song_STEM_02.wav", *raw)
    song, lines = read_and_warned(tmp_path)
    assert song.names == ("Song_STEM_01", "Song_STEM_02")
    assert any("read from Song_STEMS/" in line for line in lines)
    assert any("Song_MIX.wav was left out" in line for line in lines)
    assert any("Song_RAW/ was left out" in line for line in lines) and len(lines) == 3
    assert read_and_warned(tmp_path, use_all=True)[0].names == song.names


def test_moisesdb(tmp_path):
    root = tmp_path / "0a1b2c"
    write_all(root, "bass/4f2e.wav", "drums/9d1c.wav", "drums/77aa.wav", "vocals/1b3d.wav", "other_keys/5c6d.wav")
    (root / "data.json").write_text(json.dumps({"song": "Song", "stems": []}))
    song, lines = read_and_warned(root)
    assert song.names == ("bass", "drums 77aa", "drums 9d1c", "other_keys", "vocals")
    assert len(lines) == 1 and "bass/, drums/, other_keys/, vocals/" in lines[0]
    assert MultitrackFolder(tmp_path).names == ("0a1b2c",)


def test_musdb(tmp_path):
    rng = np.random.default_rng(0)
    tracks = {name: 0.1 * rng.standard_normal(RATE) for name in ("bass", "drums", "other", "vocals")}
    tracks |= {"mixture": sum(tracks.values()), "accompaniment": sum(tracks.values()) - tracks["vocals"]}
    for name, samples in tracks.items():
        write(tmp_path / f"{name}.wav", samples, subtype="FLOAT")
    song, lines = read_and_warned(tmp_path)
    assert song.names == ("bass", "drums", "other", "vocals")
    assert [line.split(" was left out")[0] for line in lines] == ["mixture.wav", "accompaniment.wav"]


@pytest.mark.parametrize(
    "names",
    [
        ("Artist_Song_Full/Artist_Song_Full/01_Kick.wav", "Artist_Song_Full/Artist_Song_Full/02_Snare.wav"),
        ("Stems/01_Kick.wav", "Stems/02_Snare.wav", "__MACOSX/Stems/._01_Kick.wav"),
        ("Song/Audio Files/01_Kick.wav", "Song/Audio Files/02_Snare.wav", "Song/Bounces/Song.wav"),
        ("dry/01_Kick.wav", "dry/02_Snare.wav", "wet/01_Kick.wav", "wet/02_Snare.wav", "mixture.wav"),
        ("multitracks/01_Kick.wav", "multitracks/02_Snare.wav", "mixes/a.wav", "demo mix.mp3"),
    ],
)
def test_tracks_one_folder_down_or_more(tmp_path, names):
    write_all(tmp_path, *names)
    song, lines = read_and_warned(tmp_path)
    assert song.names == ("01_Kick", "02_Snare")
    assert "are read from" in lines[0] and len(lines) <= 3


def test_which_folder_is_asked_where_it_cannot_be_told(tmp_path):
    write_all(tmp_path, "Song A/bass.wav", "Song B/bass.wav")
    message = refused(tmp_path)
    assert "Song A/, Song B/" in message and "give the one" in message


def test_an_archive_instead_of_a_folder(tmp_path):
    (tmp_path / "song.zip").write_bytes(b"PK\x03\x04")
    assert "is an archive: unpack it" in refused(tmp_path / "song.zip")
    assert "song.zip" in refused(tmp_path) and "unpack" in refused(tmp_path)


def test_a_dataset_as_disks_and_tools_leave_it(tmp_path):
    hidden = (
        ".Trash-1000/files.wav",
        ".ipynb_checkpoints/bass.wav",
        "__MACOSX/a.wav",
        "Song A/.ipynb_checkpoints/b.wav",
    )
    write_all(tmp_path, "Song A/bass.wav", "Song B/bass.wav", *hidden)
    songs = MultitrackFolder(tmp_path)
    assert songs.names == ("Song A", "Song B") and songs[0].warnings == ()


def test_songs_of_a_dataset_with_a_mixture_beside_dry_and_wet(tmp_path, recwarn):
    write_all(tmp_path / "song", "mixture.wav", "dry/bass.wav", "dry/voice.wav", "wet/bass.wav", "wet/voice.wav")
    songs = MultitrackFolder(tmp_path)
    assert songs.names == ("song",) and songs[0].names == ("bass", "voice") and songs.has_pair(0)
    assert songs.pair(0)[1].names == ("bass", "voice") and not recwarn.list
