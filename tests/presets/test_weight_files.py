"""Weights survive storing; damaged and unfitting files are refused in one clear line."""

from __future__ import annotations

import hashlib
import json

import pytest
import torch
from torch import nn

from megami.errors import UserError
from megami.presets.weight_files import METADATA_FIELDS, load_weights, read_metadata, save_weights

METADATA = dict.fromkeys(METADATA_FIELDS, "none") | {"kind": "toy", "config": {"size": 3}}


@pytest.fixture
def stored(tmp_path):
    network = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    return network, save_weights(tmp_path / "made" / "toy.safetensors", network, METADATA)


def test_round_trip(stored):
    network, path = stored
    state = load_weights(path, network, kind="toy")
    assert all(torch.equal(state[key], value) for key, value in network.state_dict().items())
    metadata = read_metadata(path)
    assert metadata["config"] == {"size": 3}
    assert metadata["parameters"] == 3 * 4 + 4 + 4 + 4
    assert metadata["bytes"] == path.stat().st_size


def test_nothing_but_the_two_files_is_left(stored):
    assert sorted(file.name for file in stored[1].parent.iterdir()) == ["toy.json", "toy.safetensors"]


@pytest.mark.parametrize("position", [3, 40, -1])
def test_one_wrong_byte_is_noticed(stored, position):
    network, path = stored
    content = bytearray(path.read_bytes())
    content[position] ^= 1
    path.write_bytes(content)
    refused(path, network, "damaged")


def test_a_truncated_file_is_noticed(stored):
    network, path = stored
    path.write_bytes(path.read_bytes()[:50])
    refused(path, network, "damaged")


def test_missing_files_are_named(stored):
    network, path = stored
    path.with_suffix(".json").rename(path.with_suffix(".txt"))
    refused(path, network, "toy.json: no such file")
    path.with_suffix(".txt").rename(path.with_suffix(".json"))
    path.unlink()
    refused(path, network, "toy.safetensors: no such file")


def test_unusable_json_is_refused(stored):
    network, path = stored
    metadata = path.with_suffix(".json")
    words = json.loads(metadata.read_text(encoding="utf-8"))
    metadata.write_text(json.dumps({key: value for key, value in words.items() if key != "licence"}))
    refused(path, network, "field licence is missing")
    metadata.write_text("{")
    refused(path, network, "not valid JSON")
    metadata.write_text("[]")
    refused(path, network, "not a JSON object")


def test_weights_of_another_kind_are_refused(stored):
    network, path = stored
    with pytest.raises(UserError, match="'toy', expected 'generator'"):
        load_weights(path, network, kind="generator")


def test_unfitting_keys_are_named(stored):
    _, path = stored
    refused(path, nn.Sequential(nn.Linear(3, 4)), "key 1.bias is unexpected")
    refused(path, nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(1, 1)), "key 2.weight is missing")
    refused(
        path, nn.Sequential(nn.Linear(2, 4), nn.BatchNorm1d(4)), r"key 0.weight has shape \[4, 3\], expected \[4, 2\]"
    )


def test_a_pickle_is_not_unpickled(stored):
    network, path = stored
    torch.save(network.state_dict(), path)
    words = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    words["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
    path.with_suffix(".json").write_text(json.dumps(words))
    refused(path, network, "not a safetensors file")


def test_metadata_must_be_complete(tmp_path):
    with pytest.raises(ValueError, match="recipe"):
        save_weights(tmp_path / "toy.safetensors", nn.Linear(1, 1), {"kind": "toy"})
    assert list(tmp_path.iterdir()) == []


def test_an_unwritable_place_is_a_clear_error(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UserError, match="cannot be written"):
        save_weights(tmp_path / "file" / "toy.safetensors", nn.Linear(1, 1), METADATA)


def refused(path, network, complaint):
    with pytest.raises(UserError, match=complaint) as caught:
        load_weights(path, network)
    assert "\n" not in str(caught.value)
