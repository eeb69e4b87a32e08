"""`megami train paper` from the command line: features of recordings, three networks, a mix; and what it refuses."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch

from megami.cli.main import main
from megami.corpus.recordings.pretend import write_pretend_pairs
from megami.training import PaperPlace, PaperRecipe
from megami.training.paper_data import open_data, read_share


def run(capsys, *words: object) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of a command."""
    with pytest.raises(SystemExit) as ended:
        main([str(word) for word in words])
    shown = capsys.readouterr()
    return ended.value.code or 0, shown.out, shown.err


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    """A folder of a few songs, dry and wet."""
    return write_pretend_pairs(tmp_path_factory.mktemp("pairs") / "songs", songs=5, seconds=2.0)


def test_recordings_become_features_networks_and_a_mix(capsys, tmp_path, recordings):
    run_folder = tmp_path / "run"
    options = ("--data", recordings, "--size", "tiny", "--batch", 2, "--out", run_folder, "--device", "cpu")
    code, out, err = run(capsys, "train", "paper", *options, "--steps", 20)
    assert code == 0, err
    assert out.strip() == str(run_folder / "weights")
    for name in ("adaptor", "processor", "generator"):
        assert (run_folder / name / "log.jsonl").is_file()
    features = {path: path.stat().st_mtime_ns for path in (run_folder / "features").rglob("*.safetensors")}
    assert features
    # Once more, longer: features are there, networks go on.
    code, _, err = run(capsys, "train", "paper", *options, "--steps", 21, "--stages", "adaptor")
    assert code == 0, err
    assert {path: path.stat().st_mtime_ns for path in (run_folder / "features").rglob("*.safetensors")} == features
    state = torch.load(run_folder / "adaptor" / "checkpoint.pt", weights_only=True)
    assert state["step"] == 21
    # The same features, opened where they lie, teach another run the same.
    (caches,) = (run_folder / "features").iterdir()
    again = ("--data", caches, "--size", "tiny", "--batch", 2, "--out", tmp_path / "again", "--device", "cpu")
    code, _, err = run(capsys, "train", "paper", *again, "--steps", 21, "--stages", "adaptor")
    assert code == 0, err
    other = torch.load(tmp_path / "again" / "adaptor" / "checkpoint.pt", weights_only=True)
    assert all(torch.equal(value, other["task"][name]) for name, value in state["task"].items())
    song = next(path for path in recordings.rglob("dry") if path.is_dir())
    code, _, err = run(
        capsys, "mix", song, "--weights", run_folder / "weights", "--num-mixes", 1, "--out", tmp_path / "mixes"
    )
    assert code == 0, err
    assert list((tmp_path / "mixes").glob("*.wav"))


def test_data_sets_come_by_their_shares(tmp_path, recordings):
    place, recipe = PaperPlace(tmp_path / "first"), PaperRecipe(size="tiny")
    assert read_share(str(recordings)) == (recordings, None) and read_share("a:b") == (Path("a:b"), None)
    plain = open_data(place, recipe, (recordings,))
    assert plain.shares == {}
    (caches,) = (tmp_path / "first" / "features").iterdir()
    half = tmp_path / "with:0.5"  # a folder whose whole name is so
    shutil.copytree(next(path for path in caches.iterdir() if "pairs" in path.name and "train" in path.name), half)
    assert read_share(str(half)) == (half, None) and read_share(f"{half}:3") == (half, 3.0)
    both = open_data(place, recipe, (caches, half), (None, 3.0))
    assert both.shares["pairs"] == (1.0, 3.0) and both.shares["mixes"] == (1.0,)
    twice = open_data(place, recipe, (caches, tmp_path), (1.0, 4.0))  # a folder with other things, and one cache
    assert twice.shares["pairs"] == (1.0, 4.0)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("drums",), "cannot train 'drums': the presets that train here are small and paper"),
        (("small", "--steps", 5), "--data, --steps, --batch, --accumulate, --recompute, --precision, --nodes and "),
        (("small", "--recompute"), "--start go with 'megami train paper'"),
        (("paper", "--size", "tiny"), "no data: give --data a folder of 'megami data features', or of recordings"),
        (("paper", "--data", "nowhere"), "nowhere: no such folder of data"),
        (("paper", "--data", "nowhere:0.5"), "nowhere: no such folder of data"),
        (("paper", "--data", "MedleyDB:0"), "MedleyDB:0: the share of a data set must be a number above 0"),
        (("paper", "--data", ".", "--size", "huge"), "unknown size 'huge': choose from tiny, small, paper"),
        (("paper", "--data", ".", "--stages", "drummer"), "unknown stage 'drummer': choose from adaptor, processor"),
        (("paper", "--data", ".", "--accumulate", 3), "a batch of 8 does not divide by 3 parts (--accumulate)"),
        (("paper", "--data", ".", "--nodes", 0), "--devices and --nodes 1 or more"),
    ],
)
def test_what_cannot_be_trained_is_one_clear_line(capsys, tmp_path, monkeypatch, words, message):
    monkeypatch.chdir(tmp_path)
    code, out, err = run(capsys, "train", *words, "--device", "cpu")
    assert (code, out) == (2, "")
    assert message in err.splitlines()[-1]
    assert not list(tmp_path.iterdir())


def test_features_of_another_size_are_refused(capsys, tmp_path):
    from megami.corpus.recordings.shards import shard_path, stack_items, write_index, write_shard

    cache = tmp_path / "cache"
    words = {"kind": "pairs", "split": "train", "count": 1, "items_per_shard": 1, "songs": ["one"]}
    write_index(cache, {**words, "listeners": {"size": "small"}})
    item = {name: torch.zeros(4) for name in ("wet_content", "dry_content")}
    write_shard(shard_path(cache, 0, 1), stack_items("pairs", [item]))
    code, _, err = run(capsys, "train", "paper", "--data", cache, "--out", tmp_path / "run", "--device", "cpu")
    assert code == 2 and "features of size small; --size paper learns from those of size paper" in err
    assert not (tmp_path / "run").exists()


def test_of_several_ranks_the_first_one_complains(capsys, monkeypatch):
    monkeypatch.setenv("RANK", "1")
    assert run(capsys, "train", "paper", "--device", "cpu") == (2, "", "")
