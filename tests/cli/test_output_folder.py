"""Results appear together or not at all, wherever it goes wrong."""

from __future__ import annotations

import itertools
import json
import os

import pytest

from megami.cli.output_folder import MANIFEST, appearing_files, check_writable
from megami.errors import UserError


def write_run(out, names: list[str], content: str) -> None:
    with appearing_files(out) as partial:
        for name in names:
            (partial / name).parent.mkdir(exist_ok=True)
            (partial / name).write_text(content)
        (partial / MANIFEST).write_text(json.dumps({"files": [*names, MANIFEST], "run": content}))


FIRST = ["mix_1.wav", "mix_2.wav", "mix_1_tracks/a.wav", "mix_2_tracks/a.wav"]
SECOND = ["mix_1.wav", "mix_1_tracks/b.wav", "mix_3_tracks/a.wav", "index.html"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError(28, "No space left on device")])
def test_failing_at_any_move_undoes_all_of_them(tmp_path, snapshot, monkeypatch, error):
    out, replace = tmp_path / "out", os.replace
    write_run(out, FIRST, "first")
    (out / "notes.txt").write_text("mine")
    before = snapshot(tmp_path)
    for fatal in itertools.count(1):
        calls = itertools.count(1)

        def breaks(source, target, fatal=fatal, calls=calls):
            if next(calls) == fatal:
                raise error
            replace(source, target)

        monkeypatch.setattr(os, "replace", breaks)
        try:
            write_run(out, SECOND, "second")
        except (KeyboardInterrupt, UserError):
            assert snapshot(tmp_path) == before
        else:
            break
    assert fatal == len(FIRST) + 1 + len(SECOND) + 1 + 1  # with the manifest both times; the last count did not fail
    after = snapshot(out)
    assert {name for name, content in after.items() if content is not None} == {*SECOND, MANIFEST, "notes.txt"}
    assert {name for name, content in after.items() if content is None} == {"mix_1_tracks", "mix_3_tracks"}


@pytest.mark.parametrize("deep", ["out", "a/b/out"])
def test_folders_that_were_made_go_again(tmp_path, deep):
    with pytest.raises(ZeroDivisionError), appearing_files(tmp_path / deep) as partial:
        (partial / "half.wav").write_text("half")
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "listed", [["../victim.wav"], ["mix_1_tracks/../../victim.wav"], ["notes.txt"], "notes.txt", [3], None]
)
def test_a_strange_manifest_removes_nothing(tmp_path, listed):
    out = tmp_path / "out"
    out.mkdir()
    (out / "notes.txt").write_text("mine")
    (tmp_path / "victim.wav").write_text("mine")
    (out / MANIFEST).write_text(json.dumps({"files": listed}))
    write_run(out, ["mix_1.wav"], "new")
    assert (tmp_path / "victim.wav").exists() and (out / "notes.txt").exists()
    (out / MANIFEST).write_text("not JSON")
    write_run(out, ["mix_1.wav"], "newer")
    assert (out / "mix_1.wav").read_text() == "newer"


def test_check_writable(tmp_path):
    check_writable(tmp_path / "not" / "yet")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(UserError, match="file is not a folder"):
            check_writable(path)
