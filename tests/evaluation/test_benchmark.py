"""Mixes by others through the command line: songs are written, mixed by a stranger, and measured beside our rows."""

from __future__ import annotations

import hashlib
import json
import re
import shlex
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from submitted import CONFIG, SONGS, noise, without_soundfont, write_mix

from megami.audio import read_audio, write_audio
from megami.cli import main as cli
from megami.corpus import load_song
from megami.errors import UserError
from megami.evaluation.results import Row, read_results, write_results
from megami.evaluation.stage import EvaluationConfig
from megami.evaluation.written_songs import write_songs

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def cache(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("benchmark") / "cache"


@pytest.fixture
def evaluate(cache, tiny_weights, monkeypatch, capsys):
    """Give evaluate(*options): a run of `megami evaluate` on three short songs, (exit code, stdout, stderr)."""
    without_soundfont(monkeypatch)
    monkeypatch.setattr(EvaluationConfig, "quick", staticmethod(lambda: CONFIG))

    def run(*options: object) -> tuple[int, str, str]:
        usual = ["--quick", "--weights", tiny_weights, "--cache", cache, "--device", "cpu", "--workers", 1]
        capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            cli.main(["evaluate", *map(str, [*usual, *options])])
        said = capsys.readouterr()
        return left.value.code, said.out, said.err

    return run


@pytest.fixture
def songs(evaluate, tmp_path) -> Path:
    """The folder that --write-songs wrote."""
    code, printed, _ = evaluate("--write-songs", tmp_path / "songs")
    assert code == 0 and printed.strip() == str(tmp_path / "songs" / "songs.json")
    return tmp_path / "songs"


def refused(ran: tuple[int, str, str], *words: str) -> None:
    code, printed, said = ran
    lines = [line for line in said.splitlines() if line.startswith("megami: ")]
    assert code == 2 and printed == "" and "Traceback" not in said, ran
    assert all(word in lines[-1] for word in words), lines


def mix_equally(songs: Path, out: Path, names=SONGS) -> None:
    """A stranger's system: the plain sum of the stems, knowing nothing of this package's insides."""
    for name in names:
        stems = [soundfile.read(path, dtype="float32")[0] for path in sorted((songs / name).glob("*.flac"))]
        (out / name).mkdir(parents=True)
        soundfile.write(out / name / "mix.wav", np.repeat(0.3 * np.sum(stems, 0)[:, None], 2, 1), 44100, "PCM_24")


def test_songs_are_written_as_they_are_and_listed(songs, cache):
    listed = json.loads((songs / "songs.json").read_text(encoding="utf-8"))["songs"]
    assert list(listed) == list(SONGS) and {path.name for path in songs.iterdir()} == {
        *SONGS,
        "songs.json",
        "README.md",
    }
    for name, words in listed.items():
        song = load_song(cache / "songs" / f"{name}.npz")
        assert (words["seed"], words["genre"], words["samples"]) == (song.seed, song.genre, 44100)
        assert sorted(path.name for path in (songs / name).iterdir()) == [track["file"] for track in words["tracks"]]
        for track, dry, role in zip(words["tracks"], song.multitrack.audio, song.roles, strict=True):
            path = songs / name / track["file"]
            audio, rate = read_audio(path)
            assert track["role"] == role and rate == words["sample_rate"] == 44100
            assert soundfile.info(path).subtype == "PCM_24" and (audio - dry).abs().max() < 2**-22
            assert track["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
            as_wav = write_audio(songs.parent / "other.wav", audio, rate)  # another file, the same samples
            samples = soundfile.read(as_wav, dtype="int32")[0].astype("<i4").tobytes()
            assert track["samples_sha256"] == hashlib.sha256(samples).hexdigest()
    assert listed["test_0002"]["genre_held_out"] and not listed["test_0000"]["genre_held_out"]
    assert "megami evaluate --quick --systems" in (songs / "README.md").read_text(encoding="utf-8")


def test_nothing_is_written_over(evaluate, songs, tmp_path):
    before = {path: path.stat().st_mtime_ns for path in songs.rglob("*")}
    refused(evaluate("--write-songs", songs), "holds test songs already")
    assert before == {path: path.stat().st_mtime_ns for path in songs.rglob("*")}
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine")
    refused(evaluate("--write-songs", tmp_path / "mine"), "is not empty")
    refused(evaluate("--write-songs", tmp_path / "mine" / "notes.txt"), "not a folder")
    refused(evaluate("--write-songs", tmp_path / "new", "--out", tmp_path / "rows.json"), "leave out")
    assert not (tmp_path / "new").exists() and [path.name for path in (tmp_path / "mine").iterdir()] == ["notes.txt"]


def test_a_write_that_fails_leaves_the_folder_as_it_was(cache, songs, tmp_path, monkeypatch):
    some = {name: load_song(cache / "songs" / f"{name}.npz") for name in SONGS}

    def full(path, *rest):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("megami.evaluation.written_songs.write_atomically", full)
    (tmp_path / "empty").mkdir()
    for place in ("empty", "new"):
        with pytest.raises(UserError, match="No space left"):
            write_songs(tmp_path / place, some, 5, quick=True)
    assert list((tmp_path / "empty").iterdir()) == [] and not (tmp_path / "new").exists()


def test_a_strangers_sum_is_measured_like_our_raw_sum_and_added_to_the_results(evaluate, songs, tmp_path):
    mixes, out = tmp_path / "systems", tmp_path / "rows.json"
    mix_equally(songs, mixes / "plain sum")
    mix_equally(songs, mixes / "two songs", SONGS[:2])
    write_mix(mixes / "noise", SONGS[0], noise(1), "a.wav")
    for song in SONGS:
        write_mix(mixes / "noise", song, noise(2, channels=1))
    before = {path: path.is_dir() or path.read_bytes() for path in mixes.rglob("*")}
    code, printed, said = evaluate("--systems", mixes, "--out", out)
    assert code == 0 and "| plain sum |" in printed and "| two songs (2 of 3 songs) |" in printed
    assert "two songs: its row stands on 2 of 3 songs" in said and "noise: mono" in said
    assert before == {path: path.is_dir() or path.read_bytes() for path in mixes.rglob("*")}
    rows, made_by = read_results(out)
    value = {(row.system, row.metric): row.value for row in rows}
    for metric in ("kad_mix", "fad_mix", "coverage_of_mix", "precision_of_mix", "mix_centroid_octaves"):
        assert value["plain sum", metric] == pytest.approx(value["raw_sum", metric], rel=1e-3, abs=1e-3)
    assert value["engineers", "kad_mix"] < value["plain sum", "kad_mix"] < value["noise", "kad_mix"]
    assert value["noise", "IM-mss-lr"] > value["plain sum", "IM-mss-lr"] > 0
    assert made_by["systems"]["noise"]["mixes"] == 4 and made_by["systems"]["two songs"]["songs"] == list(SONGS[:2])
    assert not any(row.system == "plain sum" and row.metric.startswith("kad_embedding") for row in rows)

    shutil.rmtree(mixes / "noise")
    mix_equally(songs, tmp_path / "later")
    assert evaluate("--systems", tmp_path / "later", "--out", out)[0] == 0
    again, _ = read_results(out)
    assert again[: len(rows)] == rows and {row.system for row in again[len(rows) :]} == {"later"}


def test_the_commands_of_the_page_work_one_after_another(evaluate, songs, tmp_path, monkeypatch, load_script):
    """Those with --quick as they stand; the others take an hour, so only their options are looked at."""
    page = (ROOT / "book" / "benchmark.md").read_text(encoding="utf-8")
    lines = [line for block in re.findall(r"^```bash\n(.*?)^```$", page, re.M | re.S) for line in block.splitlines()]
    assert {line.split()[0] for line in lines} == {"megami", "python", "cp"}
    ours = [shlex.split(line)[2:] for line in lines if line.startswith("megami evaluate")]
    write, measure, whole, recorded = ours
    monkeypatch.chdir(tmp_path)
    assert write == ["--quick", "--write-songs", "songs"] and songs == tmp_path / "songs"
    (script,) = [shlex.split(line)[1:] for line in lines if "python scripts/" in line]
    load_script(Path(script[0]).stem).main(*map(Path, script[1:]))
    assert measure[0] == "--quick" and measure[1:] == whole
    assert recorded[:2] == ["--data", "MedleyDB"]  # what --data does is tested with a data set that is at hand
    code, printed, _ = evaluate(*measure[1:])
    assert code == 0 and "| ridge |" in printed and Path(measure[-1]).exists()
    mixed = [read_audio(path)[0] for path in sorted(Path("mixes").rglob("*.wav"))]
    assert len(mixed) == len(SONGS) and all(0.4 < float(mix.abs().max()) <= 0.51 for mix in mixed)


def test_results_about_other_songs_are_left_alone(evaluate, songs, tmp_path):
    mix_equally(songs, tmp_path / "mine")
    out = tmp_path / "rows.json"
    write_results(out, [Row("engineers", "kad_mix", 90.0, 80.0, 99.0, 15)], {"command": "megami evaluate"})
    before = out.read_bytes()
    refused(evaluate("--systems", tmp_path / "mine", "--out", out), "about other songs")
    assert out.read_bytes() == before
    refused(evaluate("--systems", songs), "dry songs")
    refused(evaluate("--systems", tmp_path / "nowhere"), "no such folder")


def test_how_many_songs_there_are_is_known_before_they_are_played():
    from megami.evaluation.benchmark import song_names, song_samples

    assert song_names(CONFIG) == list(SONGS) and song_samples(CONFIG) == 44100
    longer = replace(CONFIG, corpus=replace(CONFIG.corpus, seconds=12.0, test_songs=12))
    assert song_names(longer)[-1] == "test_0011" and song_samples(longer) == 12 * 44100
