"""Weights that were tampered with, their hash included, are refused when they are loaded, in one line with the file."""

from __future__ import annotations

import hashlib
import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from megami.errors import UserError
from megami.mixing.pretrained import from_pretrained
from megami.presets import preset
from megami.presets.folders import read_preset, save_preset, verify
from megami.presets.networks import load_network


@pytest.fixture
def weights(tiny_weights, tmp_path):
    """A folder of weights to spoil."""
    folder = shutil.copytree(tiny_weights, tmp_path / "weights")
    if not (folder / "preset.json").exists():
        save_preset(folder, preset("small"))
    return folder


def refused(load, *words: str) -> None:
    """Check that loading ends with one line that has all the words."""
    with pytest.raises(UserError) as caught:
        load()
    assert len(str(caught.value).splitlines()) == 1 and len(str(caught.value)) < 400
    for word in words:
        assert word in str(caught.value)


def edit_json(path, **changes) -> None:
    words = json.loads(path.read_text(encoding="utf-8")) | changes
    path.write_text(json.dumps({key: value for key, value in words.items() if value is not None}))


def replace_tensor(weights, name: str, change) -> str:
    """Change the first learned matrix of a network, and set the hash right; returns its key."""
    path = weights / f"{name}.safetensors"
    state = load_file(path)
    key = next(key for key, value in sorted(state.items()) if value.is_floating_point() and value.dim() > 1)
    save_file({**state, key: change(state[key])}, path)
    edit_json(path.with_suffix(".json"), sha256=hashlib.sha256(path.read_bytes()).hexdigest())
    return key


def spoiled(value: float):
    def spoil(tensor: torch.Tensor) -> torch.Tensor:
        tensor = tensor.clone()
        tensor.view(-1)[-1] = value
        return tensor

    return spoil


@pytest.mark.parametrize("load", [from_pretrained, verify])
def test_mixing_and_verifying_refuse_them(weights, load):
    key = replace_tensor(weights, "generator", spoiled(float("nan")))
    refused(lambda: load(weights), "generator.safetensors", key, "not finite")


@pytest.mark.parametrize("name", ["generator", "processor_structured", "musicnn"])
@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_values_that_are_not_finite(weights, name, value):
    key = replace_tensor(weights, name, spoiled(value))
    refused(lambda: load_network(weights, name), f"{name}.safetensors", key, "not finite")


def test_a_value_too_large_for_single_precision(weights):
    key = replace_tensor(weights, "generator", lambda tensor: spoiled(1e300)(tensor.double()))
    refused(lambda: load_network(weights, "generator"), "generator.safetensors", key, "not finite")


@pytest.mark.parametrize("dtype", [torch.int64, torch.bool, torch.uint8])
def test_tensors_that_hold_no_real_numbers(weights, dtype):
    key = replace_tensor(weights, "adaptor", lambda tensor: (100 * tensor).to(dtype))
    refused(lambda: load_network(weights, "adaptor"), "adaptor.safetensors", key, str(dtype), "float32")


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"parameters": None}, "field parameters is missing"),
        ({"parameters": "many"}, "parameters must be"),
        ({"sha256": 7}, "sha256"),
        ({"config": []}, "config"),
        ({"config": "x" * 10_000}, "config"),
    ],
)
def test_facts_that_are_none(weights, changes, word):
    edit_json(weights / "generator.json", **changes)
    refused(lambda: load_network(weights, "generator"), "generator.json", word)


@pytest.mark.parametrize("depth", [40, 900, 100_000])
@pytest.mark.parametrize("file", ["generator.json", "preset.json"])
def test_deep_json(weights, file, depth):
    text = (weights / file).read_text().rstrip().removesuffix("}")
    (weights / file).write_text(text + ', "more": ' + "[" * depth + "]" * depth + "}")
    load = read_preset if file == "preset.json" else lambda folder: load_network(folder, "generator")
    refused(lambda: load(weights), file, "nested")


SIZES = [-1, 0, 3, 10**6, 10**12, 10**400, 1e400, float("nan"), True, None, "8", [8], {}]


@pytest.mark.parametrize("size", SIZES, ids=lambda size: repr(size)[:12])
@pytest.mark.parametrize(
    ("file", "path"),
    [
        ("generator.json", ("transformer", "depth")),
        ("generator.json", ("transformer", "width")),
        ("generator.json", ("edm", "rho")),
        ("adaptor.json", ("hidden_dim",)),
        ("content_encoder.json", ("mels",)),
        ("processor_structured.json", ("net_blocks",)),
        ("processor_structured.json", ("fir_taps",)),
    ],
)
def test_sizes_that_no_network_has(weights, file, path, size):
    words = json.loads((weights / file).read_text())
    place = words["config"]
    for part in path[:-1]:
        place = place[part]
    place[path[-1]] = size
    (weights / file).write_text(json.dumps(words))
    name = file.removesuffix(".json")
    if path[-1] in ("rho", "fir_taps", "mels") and size in (0, 3, 10**6, 10**12):  # decide no shape of a weight
        try:
            load_network(weights, name)
        except UserError as error:
            assert name in str(error)
    else:
        refused(lambda: load_network(weights, name), name)


@pytest.mark.parametrize("seconds", [-1.0, 0.0, 1e12, float("nan"), float("inf")])
def test_a_preset_that_cannot_listen(weights, seconds):
    words = json.loads((weights / "preset.json").read_text())
    (weights / "preset.json").write_text(json.dumps({**words, "segment_seconds": seconds}))
    refused(lambda: read_preset(weights), "preset.json")
