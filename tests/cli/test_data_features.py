"""`megami data features` as a user calls it."""

from __future__ import annotations

import pytest

from megami.corpus.recordings.pretend import write_pretend_pairs
from megami.corpus.recordings.shards import FeatureShards


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    return write_pretend_pairs(tmp_path_factory.mktemp("songs") / "mine (é)", songs=3, seconds=1.5)


@pytest.fixture
def features(megami, pairs, tmp_path):
    def run(*options):
        quick = ["--count", 1, "--workers", 1, "--device", "cpu"]
        return megami("data", "features", "--data", pairs, "--out", tmp_path / "features", *quick, *options)

    return run


@pytest.mark.parametrize(("kind", "names"), [
    ("mixes", {"z": 256, "content": 256}),
    ("pairs", {"z": 256, "dry_content": 256, "wet_content": 256}),
    ("crops", {"z": 256, "content": 128, "dry": 65536, "wet": 65536}),
])  # fmt: skip
def test_features_for_each_network_are_made_and_gone_on_with(features, tmp_path, kind, names):
    ran = features("--kind", kind)
    folder = tmp_path / "features" / f"{kind}_train"
    assert ran.done() == [folder]
    item = FeatureShards.open(folder)[0]
    assert {name: item[name].shape[-1] for name in names} == names
    if kind != "crops":
        return
    before = folder.joinpath("index.json").read_bytes()
    assert features("--kind", kind).done() == [folder] and folder.joinpath("index.json").read_bytes() == before
    features("--kind", kind, "--seed", 1).refused("seed = 0, not 1")


def test_what_a_check_leaves_out_is_left_out(megami, features, pairs, tmp_path):
    rows = tmp_path / "rows.csv"
    megami("data", "check", pairs, "--manifest", rows)
    lines = rows.read_text(encoding="utf-8").splitlines()
    place = lines[0].split(",").index("left_out")
    cells = [line.split(",") for line in lines[1:]]
    everything = [",".join([*row[:place], "for this test", *row[place + 1 :]]) for row in cells]
    rows.write_text("\n".join([lines[0], *everything]) + "\n", encoding="utf-8")
    features("--kind", "mixes", "--manifest", rows).refused("no song with wet tracks")


def test_what_cannot_be_done_is_said_in_a_line_and_leaves_nothing(features, tmp_path, pairs):
    features("--kind", "stems").refused("unknown kind", "crops")
    features("--kind", "mixes", "--size", "large").refused("unknown size", "paper")
    features("--kind", "mixes", "--size", "paper").refused("has not been downloaded", "megami weights download paper")
    features("--kind", "pairs", "--impulse-responses", tmp_path / "rooms").refused("no such folder of impulse")
    features("--kind", "mixes", "--data", tmp_path / "nowhere").refused("nowhere")
    features("--kind", "mixes", "--recorded", 2).refused("--recorded")
    features("--kind", "mixes", "--count", 0).refused("count")
    assert not (tmp_path / "features").exists()
