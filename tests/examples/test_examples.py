"""The scripts of examples/ run as they stand, on a short song with the shipped weights."""

from __future__ import annotations

import re
import runpy
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from handmade import handmade_song

from megami.audio import read_audio, write_audio
from megami.evaluation.written_songs import write_songs

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def stems(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One second of three stems of a sample song."""
    folder = tmp_path_factory.mktemp("stems")
    for name in ("bass", "drums", "piano"):
        audio, rate = read_audio(ROOT / "data_samples" / "paper_boats" / f"{name}.flac")
        write_audio(folder / f"{name}.wav", audio[:, 8 * rate : 9 * rate], rate)
    return folder


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """What an example prints, started from the root of the repository as its first lines say."""

    def started(name: str, *arguments: Path) -> str:
        monkeypatch.chdir(ROOT)
        monkeypatch.setattr(sys, "argv", [name, *map(str, arguments)])
        runpy.run_path(str(ROOT / "examples" / name), run_name="__main__")
        return capsys.readouterr().out

    return started


def test_a_folder_is_mixed_three_different_ways(run: Callable[..., str], stems: Path, tmp_path: Path):
    printed = run("mix_a_folder.py", stems, tmp_path / "out").splitlines()
    mixes = [read_audio(tmp_path / "out" / f"mix_{number}.wav")[0] for number in (1, 2, 3)]
    assert len(printed) == 3 and all("bass" in line and "piano" in line for line in printed)
    assert all(mix.shape == mixes[0].shape and mix.abs().max() > 0.01 for mix in mixes)
    assert not mixes[0].equal(mixes[1]) and not mixes[1].equal(mixes[2])


def test_mixes_lie_farther_apart_at_higher_temperatures(run: Callable[..., str], stems: Path):
    lines = run("compare_temperatures.py", stems).splitlines()[1:]
    spread = [sum(map(float, re.findall(r"[a-z]+ ([\d.]+)", line))) for line in lines]
    assert len(spread) == 3 and 0 < spread[0] < spread[2]


def test_a_mix_is_measured(run: Callable[..., str], stems: Path):
    printed = run("measure_a_mix.py", stems / "drums.wav")
    values = dict(re.findall(r"^(\w+(?: peak)?)\s+(-?[\d.]+)", printed, re.MULTILINE))
    assert -60 < float(values["loudness"]) < 0 and "true peak" in values
    assert float(values["correlation"]) == pytest.approx(1.0, abs=0.01)  # a mono track


def test_raw_sums_are_mastered_after_references(run: Callable[..., str], tmp_path: Path):
    pytest.importorskip("matchering", reason="Matchering is no part of this project: pip install matchering")
    songs = {"test_0000": handmade_song(0, 12.0), "test_0001": handmade_song(1, 12.0)}
    write_songs(tmp_path / "songs", songs, most=5, quick=True)
    for number in (1, 2):
        write_audio(tmp_path / "references" / f"{number}.wav", number * 0.1 * torch.randn(2, 12 * 44100))
    run("master_by_references.py", tmp_path / "songs", tmp_path / "references", tmp_path / "out")
    mixes = sorted((tmp_path / "out").rglob("*.wav"))
    assert [f"{path.parent.name}/{path.name}" for path in mixes] == [
        f"{song}/mix_{number}.wav" for song in songs for number in (1, 2)
    ]
    assert all(read_audio(path)[0].shape == (2, 12 * 44100) for path in mixes)


@pytest.mark.parametrize("path", sorted((ROOT / "examples").glob("*.py")), ids=lambda path: path.stem)
def test_examples_are_short_and_say_how_to_run_them(path: Path):
    text = path.read_text(encoding="utf-8")
    assert f"python examples/{path.name}" in text
    assert len(text.splitlines()) <= 30
