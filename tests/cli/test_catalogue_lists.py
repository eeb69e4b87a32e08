"""Lists of songs: what they may hold, and what the folders of their mixes are called."""

from __future__ import annotations

from pathlib import Path

import pytest

from megami.cli.catalogue.ledger import LEDGER, REPORT
from megami.cli.catalogue.songs import LONGEST_NAME, Listed, listed_folders, names_of, read_list
from megami.errors import UserError


def written(folder: Path, text: str, name: str = "songs.txt") -> Path:
    (folder / name).write_bytes(text.encode())
    return folder / name


def test_a_list_has_a_folder_in_each_line(tmp_path):
    path = written(tmp_path, "\ufeff# demos\nfirst\r\n\n  second song  \n#third\n/elsewhere/fourth")
    assert [song.stems for song in read_list(path)] == [
        tmp_path / "first",
        tmp_path / "second song",
        Path("/elsewhere/fourth"),
    ]


def test_a_table_has_options_for_each_song(tmp_path):
    text = (
        'Folder, name, seed, loudness, num-mixes, role, stems, reference\n# a comment\n"a, b",,7,-14,,,yes,\n'
        "c,other name,,,2,vox=vocal; dr=drums,no,records/x.wav; y.wav:2\n"
    )
    first, second = read_list(written(tmp_path, text, "songs.csv"))
    assert (first.stems, first.name) == (tmp_path / "a, b", None)
    assert first.options == {"seed": 7, "loudness_lufs": -14.0, "stems_too": True}
    assert (second.stems, second.name) == (tmp_path / "c", "other name")
    assert second.options == {
        "num_mixes": 2,
        "roles": ("vox=vocal", "dr=drums"),
        "stems_too": False,
        "references": (str(tmp_path / "records/x.wav"), str(tmp_path / "y.wav:2")),
    }
    semicolons = read_list(written(tmp_path, "folder;seed\nsong;3\n", "other.csv"))
    assert semicolons[0].options == {"seed": 3}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("folder,seed\nsong,many\n", "line 2: 'many' is no value for seed"),
        ("folder,sead\nsong,1\n", "line 1: unknown column 'sead'"),
        ("song,seed\n", "unknown column 'song'"),
        ("name,seed\nx,1\n", "no column is called folder"),
        ("folder,seed\n# only this\n", "no songs"),
        ("folder,seed\n,1\n", "line 2: names no folder"),
        ("folder\nsong,1\n", "line 2: has 2 cells"),
        ("folder,stems\nsong,perhaps\n", "'perhaps' is no value for stems"),
    ],
)
def test_a_list_with_a_mistake_is_refused_with_its_line(tmp_path, text, words):
    with pytest.raises(UserError, match=r"songs\.csv") as refused:
        read_list(written(tmp_path, text, "songs.csv"))
    assert words in str(refused.value)


def test_songs_that_are_called_alike_are_told_apart_by_the_folders_around_them():
    songs = listed_folders(map(Path, ("/a/Song", "/b/song", "/c/b/Song", "/other")))
    assert names_of(songs, {}) == ["Song", "b - song", "c - b - Song", "other"]


def test_a_song_keeps_the_name_of_a_former_run():
    songs = listed_folders(map(Path, ("/b/song", "/a/song")))
    assert names_of(songs, {"/a/song": "song"}) == ["b - song", "song"]


def test_no_song_takes_the_name_of_another_that_a_former_run_mixed():
    known = {"/a/song": "song"}
    assert names_of(listed_folders([Path("/b/song")]), known) == ["b - song"]
    assert names_of([Listed(Path("/b/song"), "line 2", "song")], known) == ["song"]


def test_names_that_files_of_the_catalogue_have_are_not_given():
    assert names_of(listed_folders([Path("/music") / REPORT]), {}, (LEDGER, REPORT)) == [f"music - {REPORT}"]
    (hidden,) = names_of(listed_folders([Path("/music/.hidden")]), {})
    assert hidden == "_.hidden"
    (long,) = names_of(listed_folders([Path("/music") / ("ä" * 250)]), {})
    assert len(long.encode()) <= LONGEST_NAME


@pytest.mark.parametrize("name", ["a/b", "..", ".hidden", "a\\b", "x" * 300])
def test_impossible_names_are_refused(name):
    with pytest.raises(UserError, match="line 4"):
        names_of([Listed(Path("/song"), "list.csv, line 4", name)], {})


def test_two_songs_of_one_name_are_refused():
    songs = [Listed(Path("/song"), "line 2", "Take"), Listed(Path("/song"), "line 3", "take")]
    with pytest.raises(UserError, match="line 3"):
        names_of(songs, {})
