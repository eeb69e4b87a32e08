"""A folder that is made again and again keeps what a reader put into it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from megami.errors import UserError
from megami.notebook.made_files import LIST, write_made_files


def held(folder: Path) -> dict[str, bytes]:
    """What a folder holds, but for the list."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != LIST]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_the_folder_holds_what_was_made_last(tmp_path: Path) -> None:
    write_made_files(tmp_path, {"a.html": b"1", "parts/b.js": b"2", "parts/deep/c.js": b"3"})
    write_made_files(tmp_path, {"a.html": b"4", "parts/b.js": b"2"})
    assert held(tmp_path) == {"a.html": b"4", "parts/b.js": b"2"} and not (tmp_path / "parts/deep").exists()


def test_a_readers_files_stay(tmp_path: Path) -> None:
    write_made_files(tmp_path, {"a.html": b"1", "old/b.html": b"2"})
    (tmp_path / "old" / "notes.txt").write_bytes(b"mine")
    write_made_files(tmp_path, {"a.html": b"3"})
    assert held(tmp_path) == {"a.html": b"3", "old/notes.txt": b"mine"}


def test_a_file_that_was_there_before_is_not_replaced_and_nothing_is_written(tmp_path: Path) -> None:
    (tmp_path / "b.html").write_bytes(b"mine")
    with pytest.raises(UserError, match=r"b\.html was not made here"):
        write_made_files(tmp_path, {"a.html": b"1", "b.html": b"2"})
    assert held(tmp_path) == {"b.html": b"mine"}


def test_a_made_file_that_a_reader_changed_is_neither_replaced_nor_removed(tmp_path: Path) -> None:
    write_made_files(tmp_path, {"a.html": b"1", "b.html": b"2"})
    (tmp_path / "b.html").write_bytes(b"mine")
    with pytest.raises(UserError, match="changed since"):
        write_made_files(tmp_path, {"a.html": b"3", "b.html": b"4"})
    write_made_files(tmp_path, {"a.html": b"3"})
    assert held(tmp_path) == {"a.html": b"3", "b.html": b"mine"}


def test_a_list_that_names_files_elsewhere_removes_none_of_them(tmp_path: Path) -> None:
    folder, other = tmp_path / "slides", tmp_path / "other.txt"
    write_made_files(folder, {"a.html": b"1"})
    other.write_bytes(b"1")
    listed = json.loads((folder / LIST).read_text())
    (folder / LIST).write_text(json.dumps({**listed, "../other.txt": listed["a.html"]}))
    write_made_files(folder, {"a.html": b"1"})
    assert other.exists()


def test_a_list_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / LIST).write_text("[]")
    with pytest.raises(UserError, match="no list"):
        write_made_files(tmp_path, {"a.html": b"1"})
