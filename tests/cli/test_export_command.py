"""`megami export`: folders of mixes become sessions, stems and settings, and nothing is lost on the way."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile

from megami.cli import main as cli
from megami.session import read_session

SAMPLES = Path(__file__).resolve().parents[2] / "data_samples"


@pytest.fixture(scope="module")
def made(tiny_weights, tmp_path_factory, dry_tracks) -> Path:
    """A folder with the stems of a song, and with two mixes of it by random weights and their wet tracks."""
    place = tmp_path_factory.mktemp("made")
    (place / "song").mkdir()
    for name, samples in dry_tracks(3, 0.8).items():
        soundfile.write(place / "song" / f"{name}.wav", samples, 44100)
    options = ["--num-mixes", "2", "--steps", "2", "--stems", "--device", "cpu", "--weights", str(tiny_weights)]
    with pytest.raises(SystemExit) as left:
        cli.main(["mix", str(place / "song"), "--out", str(place / "mixes"), *options])
    assert left.value.code == 0
    return place


@pytest.fixture
def stems(made) -> Path:
    """The folder of stems."""
    return made / "song"


@pytest.fixture
def mixed(made, tmp_path) -> Path:
    """A copy of the folder that megami mix wrote."""
    return Path(shutil.copytree(made / "mixes", tmp_path / "mixes"))


@pytest.fixture
def export(megami, tiny_weights, stems):
    """Give export(folder, *options): megami export, of stems and weights that are known."""
    return lambda folder, *options: megami(
        "export", folder, "--stems", stems, "--weights", tiny_weights, "--device", "cpu", *options
    )


def test_a_session_holds_every_mix_of_the_folder(export, mixed, tmp_path):
    (written,) = export(mixed, "--to", "dawproject").done()
    assert written == mixed / "song.dawproject"
    session = read_session(written)
    assert [take.name for take in session.takes] == ["Mix 1", "Mix 2"]
    for number, take in enumerate(session.takes, 1):
        turned_down = json.loads((mixed / "mixes.json").read_text())["mixes"][number - 1]["wet_tracks_turned_down_db"]
        for pair in take.tracks:
            saved, _ = soundfile.read(mixed / f"mix_{number}_tracks" / f"{pair.dry.name}.wav", dtype="float64")
            same = pair.wet.audio * 10 ** (-turned_down / 20)
            assert np.abs(same - saved.T).max() < 2e-3 * np.abs(saved).max() + 1e-5  # it is told to a hundredth of a dB


def test_stems_and_settings(export, mixed, tmp_path, snapshot):
    before = snapshot(mixed)
    (folder,) = export(mixed, "--to", "stems", "--out", tmp_path / "wet", "--mix", 2).done()
    assert [path.name for path in folder.iterdir()] == ["mix_2"]
    for path in (folder / "mix_2").iterdir():
        one, two = (soundfile.read(place)[0] for place in (path, mixed / "mix_2_tracks" / path.name))
        assert np.abs(one - two).max() <= 2**-23
    (words,) = export(mixed, "--to", "settings", "--mix", 1, "--out", tmp_path / "s.json").done()
    (described,) = json.loads(words.read_text())["mixes"]
    assert described["file"] == "mix_1.wav" and len(described["tracks"]) == 3
    assert all(track["source"] == "read" and -1 <= track["pan"] <= 1 for track in described["tracks"])
    assert snapshot(mixed) == before


@pytest.mark.parametrize("asked", [("--amount", "space=0"), ("--wish", "{vocal}:level=+2"), ("--from",)])
def test_a_directed_mix_is_exported_as_it_was_directed(megami, export, mixed, stems, tiny_weights, tmp_path, asked):
    first = sorted(path.stem for path in stems.iterdir())[0]
    words = [word.format(vocal=first) for word in asked]
    words += [str(mixed / "mix_2")] if asked == ("--from",) else []
    out = tmp_path / "directed"
    options = ["--num-mixes", 1, "--steps", 2, "--stems", "--device", "cpu", "--weights", tiny_weights]
    megami("mix", stems, "--out", out, *options, *words).done()
    (folder,) = export(out, "--to", "stems", "--out", tmp_path / "wet").done()
    for path in (folder / "mix_1").iterdir():
        one, two = (soundfile.read(place)[0] for place in (path, out / "mix_1_tracks" / path.name))
        assert np.abs(one - two).max() <= 1e-4 * np.abs(two).max() + 2**-22


def test_nothing_is_overwritten_and_nothing_half_written(export, mixed, tmp_path, snapshot):
    (tmp_path / "mine.rpp").write_text("mine")
    export(mixed, "--to", "rpp", "--out", tmp_path / "mine.rpp").refused("mine.rpp is there already")
    (tmp_path / "other media").mkdir()
    before = snapshot(tmp_path)
    export(mixed, "--to", "rpp", "--out", tmp_path / "other.rpp").refused("other media is there already")
    assert snapshot(tmp_path) == before


def test_mistakes_are_one_line(megami, export, mixed, stems, write_stems, dry_tracks, tmp_path, snapshot):
    before = snapshot(mixed)
    export(mixed, "--to", "als").refused("--to als", "dawproject")
    export(tmp_path, "--to", "rpp").refused("no mixes.json")
    export(mixed, "--to", "rpp", "--mix", 3).refused("--mix 3", "1 to 2")
    export(mixed, "--to", "rpp", "--out", tmp_path / "a.dawproject").refused("ends in .rpp")
    export(mixed, "--to", "rpp", "--out", stems / "a.rpp").refused("holds the stems")
    megami("export", mixed, "--to", "rpp").refused("--stems FOLDER", "'song'")
    megami("export", mixed, "--to", "rpp", "--stems", stems).refused("--weights")
    other = write_stems(dry_tracks(3, 0.8, seed=9), folder="other")
    export(mixed, "--to", "rpp", "--stems", other).refused("is not the one in the folder")
    assert snapshot(mixed) == before


def test_a_real_song_opens_as_a_session(megami, tmp_path, capsys):
    # Three seconds of a sample song, by the shipped weights, from stems to a session that plays as it was mixed.
    folder = tmp_path / "paper_boats"
    folder.mkdir()
    for name in ("vocal", "bass", "drums"):
        path = SAMPLES / "paper_boats" / f"{name}.flac"
        audio, rate = soundfile.read(path)
        soundfile.write(folder / path.name, audio[4 * rate : 7 * rate], rate)
    mixes = tmp_path / "mixes"
    megami("mix", folder, "--out", mixes, "--num-mixes", 1, "--device", "cpu").done()
    (written,) = megami("export", mixes, "--to", "rpp", "--stems", folder, "--device", "cpu").done()
    session = read_session(written)
    residuals = session.null_test()
    with capsys.disabled():
        print("\n  null test, dB:", {name: round(residual, 1) for name, residual in residuals.items()})
    # What is fitted does not null, but most of the mix is in it, and no track is further off than if it were missing.
    assert len(residuals) == 3 and all(residual < 0 for residual in residuals.values())
    played, wet = (
        sum(getattr(pair, which).render(session.sample_rate) for pair in session.takes[0].tracks)
        for which in ("dry", "wet")
    )
    assert np.square(played - wet).sum() < 0.25 * np.square(wet).sum()
