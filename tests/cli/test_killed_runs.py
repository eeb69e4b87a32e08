"""A run that is killed anywhere leaves the old run or the new one whole, and the next run clears what is left."""

from __future__ import annotations

import itertools
import os
import shutil
import sys
from pathlib import Path

import pytest
from killing import contents, copy_with_links, killed_at

from megami.cli.dead_runs import LOCK, bury_dead_runs, only_run
from megami.cli.exchange import exchange
from megami.cli.manifest import MANIFEST, write_manifest
from megami.cli.output_folder import appearing_files
from megami.errors import UserError

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are not forked there")
can_exchange = pytest.mark.skipif(sys.platform not in ("linux", "darwin"), reason="folders do not change places there")

RUNS = {
    "old": ("mix_1.wav", "mix_2.wav", "mix_3.wav", "mix_1_tracks/a.wav", "mix_3_tracks/a.wav"),
    "new": ("mix_1.wav", "mix_2.wav", "mix_1_tracks/b.wav", "mix_2_tracks/a.wav", "index.html"),
    "same": ("mix_1.wav", "mix_2.wav", "mix_3.wav", "mix_1_tracks/a.wav", "mix_3_tracks/a.wav"),
    "next": ("mix_1.wav",),
}
MINE = {"notes.txt": b"mine", "mix_1_tracks/notes.txt": b"mine too"}


def write_run(out, kind: str) -> None:
    with appearing_files(out) as partial:
        for name in RUNS[kind]:
            (partial / name).parent.mkdir(exist_ok=True)
            (partial / name).write_text(f"{'old' if kind == 'same' else kind} {name}")
        write_manifest(partial, {"megami": "0", "run": kind}, [*RUNS[kind], MANIFEST])


def files(folder) -> dict[str, bytes]:
    return {name: content for name, content in contents(folder).items() if content is not None}


def seen(out) -> dict[str, bytes]:
    """The files of a folder but for hidden ones."""
    return {name: content for name, content in files(out).items() if not name.startswith(".")}


def set_out(tmp_path, there: str):
    """A folder for mixes, and the folder around it, with what the user has there."""
    root, out = tmp_path / "root", tmp_path / "root" / "mixes"
    root.mkdir()
    if there != "nothing":
        write_run(out, "old")
    if "and" in there:
        for name, content in MINE.items():
            (out / name).write_bytes(content)
    if "folders" in there:  # then a new folder cannot take its place
        (out / "album").mkdir()
        (out / "album" / "mix_1.wav").write_bytes(b"mine")
    return root, out


def whole_runs(root, out, kind: str) -> list[dict[str, bytes]]:
    """What is to be seen before a run and after it."""
    before = seen(out) if out.exists() else {}
    copy = shutil.copytree(root, root.parent / "copy")
    write_run(copy / "mixes", kind)
    return [before, seen(copy / "mixes")]


def deaths(root, work, error=None):
    """Kill the work at each of its file operations in turn, or raise an error there, each time in a fresh folder."""
    shutil.copytree(root, root.parent / "kept")
    for number in itertools.count(1):
        shutil.rmtree(root)
        shutil.copytree(root.parent / "kept", root, copy_function=shutil.copy2)
        if not killed_at(root, number, work, error):
            assert number > 10
            return
        yield number


@pytest.mark.parametrize(
    ("there", "kind"),
    [
        ("nothing", "new"),
        ("old run", "new"),
        ("old run and files", "new"),
        ("old run and folders", "new"),
        ("old run and folders", "same"),
    ],
)
def test_a_run_that_is_killed_anywhere(tmp_path, there, kind):
    root, out = set_out(tmp_path, there)
    either = whole_runs(root, out, kind)
    for number in deaths(root, lambda: write_run(out, kind)):
        if "folders" not in there and sys.platform in ("linux", "darwin"):
            assert (seen(out) if out.exists() else {}) in either, number
        if out.exists():
            clear_up(out)
            assert seen(out) in either and not hidden(root), number
        write_run(out, "next")
        left = seen(out)
        mine = {name: content for name, content in either[0].items() if content.startswith(b"mine")}
        assert set(left) == {"mix_1.wav", MANIFEST, *mine} and left.items() >= mine.items(), number
        assert left["mix_1.wav"] == b"next mix_1.wav" and not hidden(root), number


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(143)], ids=["Ctrl-C", "SIGTERM"])
@pytest.mark.parametrize("there", ["old run and files", "old run and folders"])
def test_a_run_that_is_interrupted_anywhere_tidies_up_itself(tmp_path, there, error):
    """What it cannot remove because it is interrupted as it removes it, the next run does."""
    root, out = set_out(tmp_path, there)
    either, left = whole_runs(root, out, "new"), 0
    for number in deaths(root, lambda: write_run(out, "new"), error):
        assert seen(out) in either, number
        left += bool(hidden(root))
        clear_up(out)
        assert seen(out) in either and not hidden(root), number
    assert left < number / 2


@pytest.mark.parametrize("step", [10, pytest.param(1, marks=pytest.mark.slow)])
@pytest.mark.parametrize("there", ["old run and files", "old run and folders"])
def test_clearing_up_may_be_killed_too(tmp_path, there, step):
    root, out = set_out(tmp_path, there)
    either = whole_runs(root, out, "same")
    for number in deaths(root, lambda: write_run(out, "same")):
        if number % step:
            continue
        dead = copy_with_links(root, root.parent / "dead")
        for second in itertools.count(1):
            shutil.rmtree(root)
            copy_with_links(dead, root)
            if not killed_at(root, second, lambda: clear_up(out)):
                break
            clear_up(out)
            assert seen(out) in either and not hidden(root), (number, second)
        shutil.rmtree(dead)


def clear_up(out) -> None:
    """Do what the next run does first."""
    with only_run(out):
        bury_dead_runs(out)


def hidden(root) -> list[str]:
    """All that is hidden in a folder and below."""
    return [str(path) for path in root.rglob(".*")]


@pytest.fixture
def out(tmp_path):
    """A folder for mixes with a run in it and a file of the user."""
    write_run(tmp_path / "mixes", "old")
    (tmp_path / "mixes" / "notes.txt").write_bytes(b"mine")
    return tmp_path / "mixes"


def test_a_second_run_into_the_same_folder_is_refused(out, tmp_path):
    before = seen(out)
    (tmp_path / "alias").symlink_to(out)
    with appearing_files(out) as partial:
        (partial / "mix_1.wav").write_text("first")
        for name in ("mixes", "alias", "alias/../mixes/mix_1_tracks/.."):
            with pytest.raises(UserError, match="another megami mix is writing into"):
                write_run(tmp_path / name, "next")
        write_manifest(partial, {"megami": "0"}, ["mix_1.wav", MANIFEST])
    assert seen(out)["mix_1.wav"] == b"first" and set(seen(out)) == {"mix_1.wav", MANIFEST, "notes.txt"}
    assert before["notes.txt"] == seen(out)["notes.txt"] and not hidden(tmp_path)


def test_a_lock_that_was_left_does_not_count(out, tmp_path):
    (out / LOCK).touch()
    write_run(out, "next")
    assert not hidden(tmp_path)


@pytest.mark.parametrize("make", ["file", "link to a stem", "folder"])
def test_what_has_the_name_of_the_lock_and_is_not_one_stays(out, tmp_path, make):
    (tmp_path / "stem.wav").write_bytes(b"mine")
    if make == "file":
        (out / LOCK).write_bytes(b"mine")
    elif make == "folder":
        (out / LOCK).mkdir()
    else:
        (out / LOCK).symlink_to(tmp_path / "stem.wav")
    before = contents(tmp_path)
    with pytest.raises(UserError, match=f"{LOCK} is in the way"):
        write_run(out, "next")
    assert contents(tmp_path) == before


def test_hidden_folders_of_the_user_stay(out, tmp_path):
    """They are named as ours, but have no mark."""
    for place in (out / ".partial-mine", tmp_path / ".mixes.partial-mine"):
        place.mkdir()
        (place / "mix_1.wav").write_bytes(b"mine")
    (tmp_path / ".partial-link").symlink_to(tmp_path)
    (out / ".partial-link").symlink_to(tmp_path)
    write_run(out, "next")
    assert (out / ".partial-mine" / "mix_1.wav").read_bytes() == b"mine"
    assert (tmp_path / ".mixes.partial-mine" / "mix_1.wav").read_bytes() == b"mine"
    assert (out / ".partial-link").is_symlink()


def test_a_file_of_the_user_is_told_of_where_it_cannot_come_back(out, tmp_path):
    """A run died with old files taken away; then the user wrote another file of that name."""
    said: list[str] = []
    (out / "album").mkdir()
    kept = contents(out)["mix_2.wav"]
    for number in itertools.count(1):
        killed_at(tmp_path, number, lambda: write_run(out, "new"))
        if not (out / "mix_2.wav").exists():
            break
    (out / "mix_2.wav").write_bytes(b"mine")
    with only_run(out):
        bury_dead_runs(out, said.append)
    with only_run(out):
        bury_dead_runs(out)
    assert (out / "mix_2.wav").read_bytes() == b"mine"
    told = [line.partition(" is what ")[0] for line in said if "mix_2.wav" in line]
    assert len(told) == 1 and Path(told[0]).read_bytes() == kept


@can_exchange
def test_folders_change_places_at_once(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / name).touch()
    exchange(tmp_path / "one", tmp_path / "two")
    assert os.listdir(tmp_path / "one") == ["two"] and os.listdir(tmp_path / "two") == ["one"]
    with pytest.raises(OSError):
        exchange(tmp_path / "one", tmp_path / "nowhere")


@can_exchange
def test_a_new_folder_has_the_rights_of_the_old_one(out):
    out.chmod(0o751)
    before = out.stat()
    write_run(out, "next")
    assert out.stat().st_ino != before.st_ino and out.stat().st_mode == before.st_mode


def test_whoever_works_in_the_folder_stays_in_it(out, monkeypatch):
    monkeypatch.chdir(out)
    before = out.stat().st_ino
    write_run(out, "next")
    assert out.stat().st_ino == before and sorted(os.listdir()) == ["mix_1.wav", MANIFEST, "notes.txt"]


@can_exchange
@pytest.mark.parametrize("name", ["mix_1.wav", "mix_9.wav", "mix_2_tracks/a.wav", "later.txt", "notes.txt"])
def test_a_file_that_comes_or_changes_in_the_last_instant(out, tmp_path, monkeypatch, name):
    """Written after all was looked at: what would be lost stops the run, what is in nobody's way is kept."""
    before = seen(out)

    def late(first, second):
        (second / name).parent.mkdir(exist_ok=True)
        (second / name).unlink(missing_ok=True)
        (second / name).write_bytes(b"late")
        monkeypatch.undo()
        exchange(first, second)

    monkeypatch.setattr("megami.cli.publishing.exchange", late)
    if name in ("later.txt", "mix_9.wav"):
        write_run(out, "new")
        assert seen(out)["mix_1.wav"] == b"new mix_1.wav"
    else:
        with pytest.raises(UserError, match=f"{name} is in the way"):
            write_run(out, "new")
        assert {place: content for place, content in seen(out).items() if place != name}.items() <= before.items()
    assert seen(out)[name] == b"late" and not hidden(tmp_path)


@can_exchange
@pytest.mark.parametrize("after", [False, True])
def test_an_interrupt_as_folders_change_places_is_undone(out, tmp_path, monkeypatch, after):
    before = contents(tmp_path)

    def interrupted(first, second):
        monkeypatch.undo()
        if after:
            exchange(first, second)
        raise KeyboardInterrupt

    monkeypatch.setattr("megami.cli.publishing.exchange", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_run(out, "new")
    assert contents(tmp_path) == before
