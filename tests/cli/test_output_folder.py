"""Results appear together or not at all, wherever it goes wrong, and nothing that is not ours is ever lost."""

from __future__ import annotations

import itertools
import json
import os
import sys

import pytest

from megami.cli import publishing
from megami.cli.manifest import MANIFEST, own_files, write_manifest
from megami.cli.output_folder import appearing_files, check_out, check_writable
from megami.errors import UserError

needs_links = pytest.mark.skipif(sys.platform == "win32", reason="links need special rights there")
one_by_one = pytest.mark.parametrize("way", ["one by one"], indirect=True)
pytestmark = pytest.mark.usefixtures("way")


def not_exchangeable(*arguments):
    raise publishing.NotExchangeable


@pytest.fixture(params=["at once", "one by one"])
def way(request, monkeypatch) -> None:
    """Let a new folder take the place of the old, where this system can do that, or let files move one by one."""
    if request.param == "one by one":
        monkeypatch.setattr(publishing, "change_places", not_exchangeable)


def write_run(out, names: list[str], content: str, sources=(), say=lambda words: None, meanwhile=lambda: None) -> None:
    with appearing_files(out, sources, say) as partial:
        for name in names:
            (partial / name).parent.mkdir(exist_ok=True)
            (partial / name).write_text(f"{content} {name}")
        write_manifest(partial, {"megami": "0", "run": content}, [*names, MANIFEST])
        meanwhile()


def refuse_early_and_late(out, names: list[str], words: str, snapshot, sources=()) -> None:
    """Check that a run that writes the names is refused before and after mixing, and that nothing changes."""
    before = snapshot(out.parent)
    with pytest.raises(UserError, match=words):
        check_out(out, [*names, MANIFEST], sources)
    with pytest.raises(UserError, match=words):
        write_run(out, names, "refused", sources)
    assert snapshot(out.parent) == before


FIRST = ["mix_1.wav", "mix_2.wav", "mix_1_tracks/a.wav", "mix_2_tracks/a.wav"]
SECOND = ["mix_1.wav", "mix_1_tracks/b.wav", "mix_3_tracks/a.wav", "index.html"]


def without_hard_links(source, target, **options):
    raise OSError(95, "Operation not supported")


@one_by_one
@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError(28, "No space left on device")])
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("hard_links", [True, False])
def test_failing_at_any_move_undoes_all_of_them(tmp_path, snapshot, monkeypatch, error, when, hard_links):
    out = tmp_path / "out"
    write_run(out, FIRST, "first")
    (out / "notes.txt").write_text("mine")
    (out / "mix_1_tracks" / "notes.txt").write_text("mine")
    (out / "mix_3_tracks").mkdir()
    before = snapshot(tmp_path)
    if not hard_links:
        monkeypatch.setattr(os, "link", without_hard_links)

    def breaking(move, count):
        def breaks(source, target):
            this = 0 if str(target).endswith(publishing.GONE) else next(count)  # which says that all was moved
            if this == fatal and when == "before":
                raise error
            move(source, target)
            if this == fatal:
                raise error

        return breaks

    rename, rename_to_free = os.rename, publishing.rename_to_free
    for fatal in itertools.count(1):
        count = itertools.count(1)
        if hard_links:  # else it is part of the other
            monkeypatch.setattr(os, "rename", breaking(rename, count))
        monkeypatch.setattr(publishing, "rename_to_free", breaking(rename_to_free, count))
        try:
            write_run(out, SECOND, "second")
        except (KeyboardInterrupt, UserError):
            assert snapshot(tmp_path) == before, fatal
        else:
            break
    moves = len([*SECOND, MANIFEST]) + (len([*FIRST, MANIFEST]) if hard_links else 0)
    assert fatal == moves + 1  # the last count did not fail
    after = snapshot(out)
    notes = {"notes.txt", "mix_1_tracks/notes.txt"}
    assert {name for name, content in after.items() if content is not None} == {*SECOND, MANIFEST, *notes}
    assert {name for name, content in after.items() if content is None} == {"mix_1_tracks", "mix_3_tracks"}


@one_by_one
def test_an_interrupt_in_the_middle_of_a_move_is_undone(tmp_path, snapshot, monkeypatch):
    write_run(tmp_path / "out", FIRST, "first")
    before, link = snapshot(tmp_path), os.link

    def breaks(source, target, **options):
        link(source, target)
        if str(target).endswith("mix_1_tracks/b.wav"):
            raise KeyboardInterrupt

    monkeypatch.setattr(os, "link", breaks)
    with pytest.raises(KeyboardInterrupt):
        write_run(tmp_path / "out", SECOND, "second")
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize("deep", ["out", "a/b/out"])
def test_folders_that_were_made_go_again(tmp_path, deep):
    with pytest.raises(ZeroDivisionError), appearing_files(tmp_path / deep) as partial:
        (partial / "half.wav").write_text("half")
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


def their_file(path):
    path.write_text("mine")


def their_folder(path):
    path.mkdir()


def their_link(path):
    (path.parent / "elsewhere.txt").write_text("mine")
    path.symlink_to("elsewhere.txt")


def their_broken_link(path):
    path.symlink_to("nowhere")


@pytest.mark.parametrize(
    "make",
    [their_file, their_folder, *(pytest.param(make, marks=needs_links) for make in (their_link, their_broken_link))],
)
@pytest.mark.parametrize("name", ["mix_1.wav", "index.html", MANIFEST, "mix_1_tracks/a.wav", "mix_1_tracks"])
@pytest.mark.parametrize("former", [True, False])
def test_what_the_last_run_did_not_write_is_never_replaced(tmp_path, snapshot, make, name, former):
    out = tmp_path / "out"
    out.mkdir()
    if former:
        write_run(out, ["mix_1.flac"], "first")
        (out / MANIFEST).unlink() if name == MANIFEST else None
    (out / name).parent.mkdir(exist_ok=True)
    make(out / name)
    if name == "mix_1_tracks" and make is their_folder:
        write_run(out, ["mix_1_tracks/a.wav"], "goes into the folder")
        return
    refuse_early_and_late(out, ["mix_1.wav", "index.html", "mix_1_tracks/a.wav"], f"{out / name} is", snapshot)


def changed(path):
    path.write_text("edited")


def same_size(path):
    path.write_bytes(path.read_bytes()[::-1])


def replaced_by_link(path):
    path.rename(path.with_name("moved"))
    path.symlink_to("moved")


@pytest.mark.parametrize("change", [changed, same_size, pytest.param(replaced_by_link, marks=needs_links)])
@pytest.mark.parametrize("name", ["mix_1.wav", "mix_1_tracks/a.wav"])
def test_a_file_that_changed_since_it_was_written_is_no_longer_ours(tmp_path, snapshot, change, name):
    out, said = tmp_path / "out", []
    write_run(out, FIRST, "first")
    change(out / name)
    refuse_early_and_late(out, [name], f"{out / name} is in the way", snapshot)
    before = snapshot(out)
    write_run(out, ["mix_1.flac"], "second", say=said.append)
    after = snapshot(out)
    assert len(said) == 1 and said[0].startswith(f"{out / name} was changed")
    assert {place for place, content in after.items() if content is not None} >= {name, "mix_1.flac", MANIFEST}
    assert after[name] == before[name] and not {"mix_2.wav", "mix_2_tracks"} & set(after)
    assert set(own_files(out)) == {"mix_1.flac", MANIFEST}


@needs_links
def test_a_folder_of_tracks_that_became_a_link_is_not_written_through(tmp_path, snapshot):
    out = tmp_path / "out"
    write_run(out, FIRST, "first")
    (out / "mix_1_tracks").rename(tmp_path / "archive")
    (out / "mix_1_tracks").symlink_to(tmp_path / "archive")
    refuse_early_and_late(out, ["mix_1_tracks/b.wav"], "mix_1_tracks is in the way", snapshot)
    write_run(out, ["mix_1.wav"], "second")
    assert (tmp_path / "archive" / "a.wav").read_text() == "first mix_1_tracks/a.wav"


def edit_manifest(out, **changes):
    words = json.loads((out / MANIFEST).read_text())
    (out / MANIFEST).write_text(json.dumps({**words, **changes}))


@pytest.mark.parametrize(
    "text", ["not JSON", "[]", "3", '{"files": ["mix_1.wav", "mixes.json"]}', "[" * 100_000, "\xff"]
)
def test_a_manifest_of_somebody_else_stays(tmp_path, snapshot, text):
    out = tmp_path / "out"
    out.mkdir()
    (out / MANIFEST).write_bytes(text.encode("latin-1"))
    (out / "mix_1.wav").write_text("mine")
    refuse_early_and_late(out, ["mix_1.wav"], "mixes.json is in the way", snapshot)


def test_a_manifest_that_somebody_wrote_into_stays(tmp_path, snapshot):
    write_run(tmp_path / "out", FIRST, "first")
    edit_manifest(tmp_path / "out", favourite="mix 2")
    refuse_early_and_late(tmp_path / "out", ["mix_1.flac"], "mixes.json is in the way", snapshot)


@pytest.mark.parametrize(
    "listed",
    [["../victim.wav"], ["mix_1_tracks/../../victim.wav"], ["mix_1_tracks/..\\x.wav"], ["notes.txt"], [3], None],
)
def test_a_manifest_that_lists_what_no_run_writes_is_not_ours(tmp_path, snapshot, listed):
    out = tmp_path / "out"
    write_run(out, ["mix_1.wav"], "first")
    (out / "notes.txt").write_text("mine")
    (tmp_path / "victim.wav").write_text("mine")
    edit_manifest(out, files=listed and [*listed, MANIFEST], sha256=None)
    refuse_early_and_late(out, ["mix_1.wav"], "mixes.json is in the way", snapshot)


def test_a_manifest_without_hashes_still_counts(tmp_path, snapshot):
    out = tmp_path / "out"
    write_run(out, FIRST, "first")
    edit_manifest(out, sha256=None)
    os.utime(out / MANIFEST)
    write_run(out, ["mix_1.wav"], "second")
    assert set(snapshot(out)) == {"mix_1.wav", MANIFEST}
    edit_manifest(out, sha256=None)
    young = (out / MANIFEST).stat().st_mtime + 60
    (out / "mix_1.wav").write_text("mine")
    os.utime(out / "mix_1.wav", (young, young))
    refuse_early_and_late(out, ["mix_1.wav"], "mix_1.wav is in the way", snapshot)


@pytest.mark.parametrize("name", ["mix_1.wav", "mix_2.wav", "mix_1_tracks/a.wav", "index.html"])
def test_a_file_that_appears_or_changes_while_mixing_stays(tmp_path, snapshot, name):
    out = tmp_path / "out"
    write_run(out, FIRST, "first")
    before = snapshot(out)
    with pytest.raises(UserError, match=f"{name} is in the way"):
        write_run(out, [*SECOND, "mix_2.wav", "mix_1_tracks/a.wav"], "second", meanwhile=lambda: changed(out / name))
    after = snapshot(out)
    assert after.pop(name) == b"edited" and before.pop(name, None) != b"edited" and after == before


@one_by_one
@pytest.mark.parametrize("hard_links", [True, False])
def test_a_file_that_appears_between_the_moves_stays(tmp_path, snapshot, monkeypatch, hard_links):
    out, rename = tmp_path / "out", os.rename
    write_run(out, FIRST, "first")
    before = snapshot(out)

    def late(source, target):
        rename(source, target)
        changed(out / "mix_3_tracks" / "a.wav") if (out / "mix_3_tracks").exists() else None
        if str(target).endswith("mix_2.wav"):
            changed(out / "index.html")

    monkeypatch.setattr(os, "rename", late)
    if not hard_links:
        monkeypatch.setattr(os, "link", without_hard_links)
    with pytest.raises(UserError, match=r"index\.html is in the way"):
        write_run(out, SECOND, "second")
    after = snapshot(out)
    assert after.pop("index.html") == b"edited" and after == before


@one_by_one
def test_a_former_file_is_kept_if_its_name_is_taken_meanwhile(tmp_path, snapshot, monkeypatch):
    out, rename = tmp_path / "out", os.rename
    write_run(out, FIRST, "first")

    def late(source, target):
        rename(source, target)
        if str(target).endswith("mix_1.wav"):
            changed(out / "mix_1.wav")

    monkeypatch.setattr(os, "rename", late)
    with pytest.raises(UserError, match=r"mix_1\.wav cannot be put back: its former content is") as caught:
        write_run(out, SECOND, "second")
    assert (out / "mix_1.wav").read_text() == "edited"
    kept = str(caught.value).split("content is ")[1]
    with open(kept) as file:
        assert file.read() == "first mix_1.wav"
    assert {name for name in snapshot(out) if not name.startswith(".")} == {
        *FIRST,
        MANIFEST,
        "mix_1_tracks",
        "mix_2_tracks",
    }


@needs_links
@pytest.mark.parametrize("link", ["itself", "symlink", "hard link", "linked folder", "dots"])
@pytest.mark.parametrize("name", ["mix_1.wav", "mix_2_tracks/a.wav"])
def test_sources_are_not_replaced_or_removed_by_any_name(tmp_path, snapshot, link, name):
    out, song = tmp_path / "out", tmp_path / "song"
    write_run(out, FIRST, "first")
    song.mkdir()
    source = song / "stem.WAV"
    match link:
        case "itself":
            source = out / name
        case "symlink":
            source.symlink_to(out / name)
        case "hard link":
            os.link(out / name, source)
        case "linked folder":
            (tmp_path / "alias").symlink_to(out)
            source = tmp_path / "alias" / name
        case "dots":
            source = song / ".." / "out" / name
    refuse_early_and_late(out, ["mix_1.wav", "mix_9.wav"], f"{name} is a stem of this song", snapshot, [source])


def test_another_spelling_of_a_file_of_ours_is_ours_where_capitals_do_not_count(tmp_path, snapshot):
    out = tmp_path / "out"
    write_run(out, FIRST, "first")
    os.link(out / "mix_1_tracks" / "a.wav", out / "mix_1_tracks" / "A.wav")  # as such a disk answers
    check_out(out, ["mix_1_tracks/A.wav"], [])
    before = snapshot(out)
    with pytest.raises(UserError, match=r"A\.wav is in the way"):  # here it is a link that the user made
        write_run(out, ["mix_1_tracks/A.wav"], "second")
    assert snapshot(out) == before


def test_sources_inside_the_output_folder_are_fine_elsewhere(tmp_path):
    out = tmp_path / "out"
    write_run(out, FIRST, "first")
    (out / "mix_1_tracks" / "mine.wav").write_text("mine")
    write_run(out, ["mix_1.wav"], "second", [out / "mix_1_tracks" / "mine.wav"])
    assert (out / "mix_1_tracks" / "mine.wav").read_text() == "mine"
    assert not (out / "mix_1_tracks" / "a.wav").exists()


def test_check_writable(tmp_path):
    check_writable(tmp_path / "not" / "yet")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(UserError, match="file is not a folder"):
            check_writable(path)


@needs_links
def test_a_link_to_nowhere_is_no_folder(tmp_path):
    (tmp_path / "link").symlink_to("nowhere")
    with pytest.raises(UserError, match="link is not a folder"):
        check_writable(tmp_path / "link")
