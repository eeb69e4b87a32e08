"""`megami mix` with several songs: the same mixes as one by one, and a run that may end at any time and go on."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest
import soundfile
from conftest import RATE, Ran
from killing import contents

from megami.cli import main as cli
from megami.cli.catalogue import song_mixer
from megami.cli.catalogue.ledger import LEDGER, REPORT

QUICK = ("--steps", 1, "--num-mixes", 1, "--device", "cpu")


def run(*arguments: object) -> Ran:
    """Run the command line in this process."""
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
    with redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as left:
        cli.main([str(argument) for argument in arguments])
    return Ran(left.value.code, *(stream.buffer.getvalue().decode() for stream in (out, err)))


def report(out: Path) -> dict[str, dict[str, str]]:
    with (out / REPORT).open(encoding="utf-8", newline="") as file:
        return {row["song"]: row for row in csv.DictReader(file)}


def ledger(out: Path) -> list[dict]:
    return [json.loads(line) for line in (out / LEDGER).read_text().splitlines()]


def states(out: Path) -> dict[str, str]:
    return {name: row["state"] for name, row in report(out).items()}


@dataclass(frozen=True)
class Shelf:
    """Songs of three tracks, two of them called alike, one that cannot be read; what a run made of them."""

    root: Path
    options: tuple[object, ...]
    ran: Ran

    @property
    def songs(self) -> list[Path]:
        return [self.root / name for name in ("Amber/Intro", "Blue/Intro", "broken", "Coda")]

    @property
    def out(self) -> Path:
        return self.root / "mixes"


@pytest.fixture(scope="module")
def shelf(tmp_path_factory, tiny_weights, dry_tracks) -> Shelf:
    root = tmp_path_factory.mktemp("shelf")
    shelf = Shelf(root, ("--weights", tiny_weights, *QUICK), Ran(0, "", ""))
    for seed, folder in enumerate(shelf.songs):
        folder.mkdir(parents=True)
        for name, samples in dry_tracks(3, 1.0, seed=seed).items():
            soundfile.write(folder / f"{name}.wav", samples, RATE)
    (root / "broken" / "track 01.wav").write_text("no audio")
    ran = run("mix", *shelf.songs, "--out", shelf.out, *shelf.options)
    return Shelf(root, shelf.options, ran)


@pytest.fixture
def copied(shelf, tmp_path) -> Shelf:
    """A copy of the songs and their mixes, to change; its ledger knows the songs where they are now."""
    shutil.copytree(shelf.root, tmp_path / "shelf")
    lines = tmp_path / "shelf" / "mixes" / LEDGER
    lines.write_text(lines.read_text().replace(str(shelf.root), str(tmp_path / "shelf")))
    return Shelf(tmp_path / "shelf", shelf.options, shelf.ran)


def test_each_song_is_mixed_as_by_itself(shelf, tmp_path):
    alone = tmp_path / "alone"
    for name, folder in (("Intro", shelf.songs[0]), ("Blue - Intro", shelf.songs[1]), ("Coda", shelf.songs[3])):
        assert run("mix", folder, "--out", alone / name, *shelf.options).code == 0
    made = contents(shelf.out)
    assert {name for name, held in made.items() if held is None} == {"Intro", "Blue - Intro", "Coda"}
    assert {name: held for name, held in made.items() if name not in (LEDGER, REPORT)} == contents(alone)


def test_a_song_that_cannot_be_mixed_is_named_and_the_others_go_on(shelf):
    assert shelf.ran.code == 2
    *named, last = shelf.ran.err.splitlines()
    (line,) = [line for line in named if "not mixed" in line]
    assert line.startswith("megami: broken: not mixed: ") and "track 01.wav" in line
    assert "1 of 4 songs" in last and str(shelf.out / REPORT) in last
    done = [shelf.out / "Intro", shelf.out / "Blue - Intro", shelf.out / "Coda", shelf.out / REPORT]
    assert shelf.ran.out.splitlines() == [str(path) for path in done]


def test_the_report_says_what_became_of_each_song(shelf):
    rows = report(shelf.out)
    assert list(rows) == ["Intro", "Blue - Intro", "broken", "Coda"]
    assert rows["broken"]["state"] == "failed" and "track 01.wav" in rows["broken"]["problem"]
    for name in ("Intro", "Blue - Intro", "Coda"):
        words = json.loads((shelf.out / name / "mixes.json").read_text())
        row = rows[name]
        assert (row["state"], row["tracks"], row["takes"], row["problem"]) == ("mixed", "3", "1", "")
        assert float(row["seconds"]) == words["seconds"]
        assert float(row["loudness_lufs"]) == words["mixes"][0]["loudness_lufs"]
        assert row["warnings"] == "; ".join(words["warnings"])
        assert row["folder"] == str(shelf.out / name)


def test_what_is_done_is_left_alone_and_what_changed_is_mixed_anew(copied, dry_tracks):
    before = {path: path.stat().st_mtime_ns for path in copied.out.rglob("*.wav")}
    os.utime(copied.songs[0] / "track 00.wav")  # of another time, but the same
    soundfile.write(copied.songs[3] / "track 00.wav", dry_tracks(1, 1.0, seed=9)["track 00"], RATE)
    good = [copied.songs[0], copied.songs[1], copied.songs[3]]
    again = run("mix", *good, "--out", copied.out, *copied.options)
    assert again.code == 0
    assert states(copied.out) == {"Intro": "mixed before", "Blue - Intro": "mixed before", "Coda": "mixed"}
    assert all((path.stat().st_mtime_ns == before[path]) == (path.parent.name != "Coda") for path in before)

    (copied.out / "Intro" / "mix_1.wav").unlink()
    listed = copied.root / "list.csv"
    listed.write_text("folder,seed\nAmber/Intro,\nBlue/Intro,5\nCoda,\n")
    third = run("mix", "--catalogue", listed, "--out", copied.out, *copied.options)
    assert third.code == 0
    assert states(copied.out) == {"Intro": "mixed", "Blue - Intro": "mixed", "Coda": "mixed before"}
    seeds = [json.loads((copied.out / n / "mixes.json").read_text())["seed"] for n in ("Intro", "Blue - Intro", "Coda")]
    assert seeds == [0, 5, 0]


def test_another_song_never_takes_the_place_of_one_that_is_mixed(copied, tmp_path, dry_tracks):
    """A moved song is known by its stems; another one that is called alike gets a folder of its own."""
    before = contents(copied.out / "Intro")
    moved = tmp_path / "elsewhere" / "Intro"
    shutil.copytree(copied.songs[0], moved)
    shutil.rmtree(copied.songs[0])
    assert run("mix", moved, copied.songs[3], "--out", copied.out, *copied.options).code == 0
    assert states(copied.out) == {"Intro": "mixed before", "Coda": "mixed before"}
    other = tmp_path / "other" / "Intro"
    shutil.copytree(moved, other)
    soundfile.write(other / "track 00.wav", dry_tracks(1, 1.0, seed=9)["track 00"], RATE)
    assert run("mix", other, copied.songs[3], "--out", copied.out, *copied.options).code == 0
    assert states(copied.out) == {"other - Intro": "mixed", "Coda": "mixed before"}
    assert contents(copied.out / "Intro") == before


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="processes cannot be killed so there")
def test_a_run_that_is_killed_loses_the_songs_under_way_and_no_other(shelf, tmp_path):
    """Two processes mix; what they made by then is what one alone makes, and they end with the one that is killed."""
    out, good = tmp_path / "mixes", [shelf.songs[index] for index in (0, 1, 3)]
    words = [sys.executable, "-m", "megami.cli", "mix", *good, "--out", out, *shelf.options, "--jobs", 2]
    process = subprocess.Popen(
        [str(word) for word in words],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        start_new_session=True,
    )
    while not ((out / LEDGER).exists() and len(ledger(out)) > 1) and process.poll() is None:
        time.sleep(0.002)
    process.kill()
    process.wait()
    assert process.returncode == -signal.SIGKILL
    wait_for_the_end(process.pid)
    with (out / LEDGER).open("ab") as file:
        file.write(b'{"song": "Coda", "st')  # as a machine that loses its power may leave it
    done = {line["song"] for line in ledger_lines(out)}
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*.wav") if path.parent.name in done}
    again = run("mix", *good, "--out", out, *shelf.options)
    assert again.code == 0 and not list(out.rglob(".*")), again
    assert {name for name, state in states(out).items() if state == "mixed before"} == done
    assert before and all(path.stat().st_mtime_ns == time_ns for path, time_ns in before.items())
    for name in ("Intro", "Blue - Intro", "Coda"):
        assert contents(out / name) == contents(shelf.out / name)


def wait_for_the_end(group: int) -> None:
    """Wait until no process of a group is left; those that nobody asks for their end may stay as names."""
    for _ in range(1000):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return
        if all(is_over(path) for path in Path("/proc").glob("[0-9]*/stat") if of_group(path, group)):
            return
        time.sleep(0.01)


def of_group(stat: Path, group: int) -> bool:
    """Whether a process, by its file in /proc, is of a group."""
    try:
        return stat.read_text().rpartition(")")[2].split()[2] == str(group)
    except OSError:
        return False


def is_over(stat: Path) -> bool:
    """Whether a process has ended."""
    try:
        return stat.read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def ledger_lines(out: Path) -> list[dict]:
    """The songs of a ledger whose last line may be cut off."""
    lines = (out / LEDGER).read_text().split("\n")[:-1]
    return [line for line in map(json.loads, lines) if "song" in line]


def test_an_interrupted_run_says_how_far_it_came(copied, monkeypatch):
    shutil.rmtree(copied.out)
    usual = song_mixer.run_mix

    def interrupted(job, *arguments):
        if job.out.name == "Coda":
            raise KeyboardInterrupt
        return usual(job, *arguments)

    monkeypatch.setattr(song_mixer, "run_mix", interrupted)
    ran = run("mix", copied.songs[0], copied.songs[3], "--out", copied.out, *copied.options)
    assert ran.code == 130 and "1 of 2 songs are mixed" in ran.err
    assert states(copied.out) == {"Intro": "mixed", "Coda": "to do"}
    assert not (copied.out / "Coda").exists()


def test_a_fault_of_the_program_ends_one_song_with_its_trace(copied, monkeypatch):
    def faulty(*arguments):
        raise TypeError("no such thing")

    monkeypatch.setattr(song_mixer, "run_mix", faulty)
    ran = run("mix", *copied.songs, "--out", copied.out, *copied.options, "--seed", 3)
    assert ran.code == 1 and "Traceback" in ran.err and "TypeError: no such thing" in ran.err
    assert set(states(copied.out).values()) == {"failed"}


@pytest.mark.slow
def test_several_processes_make_the_same_mixes(shelf, tmp_path):
    out, good = tmp_path / "mixes", [shelf.songs[index] for index in (0, 1, 3)]
    ran = run("mix", *good, "--out", out, *shelf.options, "--jobs", 2)
    assert ran.code == 0, ran
    for name in ("Intro", "Blue - Intro", "Coda"):
        assert contents(out / name) == contents(shelf.out / name)


@pytest.mark.slow
def test_a_ray_cluster_makes_the_same_mixes(shelf, tmp_path):
    pytest.importorskip("ray")
    out = tmp_path / "mixes"
    ran = run("mix", *shelf.songs, "--out", out, *shelf.options, "--jobs", 2, "--ray", "local")
    assert ran.code == 2 and states(out)["broken"] == "failed", ran
    for name in ("Intro", "Blue - Intro", "Coda"):
        assert contents(out / name) == contents(shelf.out / name)


def test_files_of_the_user_are_in_the_way_and_stay(copied):
    folder, other = copied.songs[0], copied.songs[3]
    changed = (copied.out / REPORT).read_text() + "my notes\n"
    (copied.out / REPORT).write_text(changed)
    run("mix", folder, other, "--out", copied.out, *copied.options).refused(REPORT, "in the way")
    assert (copied.out / REPORT).read_text() == changed
    (copied.root / "new").mkdir()
    (copied.root / "new" / LEDGER).write_text("mine\n")
    run("mix", folder, other, "--out", copied.root / "new", *copied.options).refused(LEDGER, "in the way")
    run("mix", folder, other, "--out", folder, *copied.options).refused("holds stems")
    run("mix", folder, other, "--out", folder.parent, *copied.options).refused("holds stems")
    assert not list(folder.parent.rglob("*.json*"))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), ("name a folder",)),
        (("song", "--jobs", 2), ("several songs",)),
        (("song", "--device", "cpu,cpu"), ("several songs",)),
        (("song", "other", "--jobs", 0), ("--jobs",)),
        (("song", "other", "--page", "--open"), ("--open",)),
        (("song", "song"), ("listed twice",)),
        (("song", "other", "--device", "cpu,tpu"), ("tpu",)),
        (("--catalogue", "nowhere.txt"), ("nowhere.txt",)),
    ],
)
def test_impossible_options_are_refused_before_anything_is_mixed(tmp_path, monkeypatch, options, words):
    monkeypatch.chdir(tmp_path)
    run("mix", *options, "--out", tmp_path / "mixes").refused(*words)
    assert list(tmp_path.iterdir()) == []
