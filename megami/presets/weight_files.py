"""Files of weights: safetensors, and beside each a small JSON that says what it is, how it was made, and its hash."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor, nn

from megami.errors import UserError

State = dict[str, Tensor]
Shapes = Mapping[str, torch.Size]

# What the JSON beside a file of weights says; the hash and the counts are added when it is written.
METADATA_FIELDS = ("kind", "config", "data", "recipe", "metrics", "licence")
DEEPEST_JSON = 32  # lists and objects inside each other


def save_weights(
    path: str | Path,
    weights: nn.Module | Mapping[str, Tensor],
    metadata: Mapping[str, Any],
    network: nn.Module | None = None,
) -> Path:
    """Write weights to `path` (.safetensors) and what is known about them to the .json beside it; returns the path.

    metadata: a JSON-able mapping with METADATA_FIELDS, all of them; more may be added. Its sha256, parameter count and
    size are filled in here; where `weights` is the state of a `network`, its parameters are counted, without buffers.
    Each of the two files appears whole or not at all. Raises ValueError for missing fields, and UserError where the
    folder cannot be written.
    """
    path = Path(path)
    missing = [field for field in METADATA_FIELDS if field not in metadata]
    if missing or path.suffix != ".safetensors":
        raise ValueError(f"{path.name}: metadata lacks {missing}" if missing else f"{path.name}: not .safetensors")
    state = weights.state_dict() if isinstance(weights, nn.Module) else weights
    tensors = {key: value.detach().cpu().contiguous() for key, value in state.items()}
    network = weights if isinstance(weights, nn.Module) else network
    counted = [parameter.numel() for parameter in (tensors.values() if network is None else network.parameters())]
    content = save(tensors)
    facts = {
        "parameters": sum(counted),
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    words = json_bytes({**metadata, **facts})
    write_atomically(path, content)
    write_atomically(metadata_path(path), words)
    return path


def load_weights(path: str | Path, expected: nn.Module | Shapes, kind: str | None = None) -> State:
    """Read weights that `save_weights` wrote, checking hash, keys and shapes against `expected`.

    expected: a network of the right sizes, or a shape for every key. With `kind`, the file must say it is of that kind.
    Raises UserError with one line for a missing, damaged or unfitting file, also for one that holds whole numbers where
    a network has real ones, or values that are not finite.
    """
    path = Path(path)
    state = read_weights(path, kind)
    check_state(state, shapes_of(expected), str(path))
    if isinstance(expected, nn.Module):
        check_types(state, expected, {key: key for key in state}, str(path))
    return state


def read_weights(path: Path, kind: str | None = None) -> State:
    """Read weights that `save_weights` wrote, checking their hash and kind, and that all are finite, as UserError."""
    metadata = read_metadata(path)
    if kind is not None and metadata["kind"] != kind:
        raise UserError(f"{path}: holds weights of kind {metadata['kind']!r}, expected {kind!r}")
    content = _read(path)
    if hashlib.sha256(content).hexdigest() != metadata["sha256"]:
        raise UserError(f"{path}: damaged or changed (its SHA-256 is not the one in {metadata_path(path).name})")
    try:
        state = load(content)
    except (SafetensorError, ValueError, KeyError) as error:
        raise UserError(f"{path}: not a safetensors file ({error})") from None
    check_numbers(state, str(path))
    return state


def read_metadata(path: str | Path) -> dict[str, Any]:
    """Read the JSON beside a file of weights. Raises UserError if it is missing, no JSON, or lacks a field."""
    path = metadata_path(path)
    words = read_json(path)
    missing = [field for field in (*METADATA_FIELDS, "sha256", "parameters") if field not in words]
    if missing:
        raise UserError(f"{path}: field {missing[0]} is missing")
    if type(words["parameters"]) is not int or not isinstance(words["sha256"], str):
        raise UserError(f"{path}: parameters must be a whole number, and sha256 a text")
    return words


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON file that holds an object. Raises UserError if there is none, or one nested too deeply to be ours."""
    try:
        words = json.loads(_read(path).decode("utf-8"))
        too_deep = deeper_than(words, DEEPEST_JSON)
    except RecursionError:
        too_deep = True
    except ValueError:
        raise UserError(f"{path}: not valid JSON") from None
    if too_deep:
        raise UserError(f"{path}: not a file of ours (JSON nested more than {DEEPEST_JSON} deep)")
    if not isinstance(words, dict):
        raise UserError(f"{path}: not a JSON object")
    return words


def deeper_than(words: Any, depth: int) -> bool:
    """Whether lists and objects are nested more than `depth` deep; without recursion."""
    level = [words]
    for _ in range(depth):
        inner = [item.values() if isinstance(item, dict) else item for item in level if isinstance(item, dict | list)]
        level = [value for values in inner for value in values]
    return any(isinstance(item, dict | list) for item in level)


def json_bytes(words: Mapping[str, Any]) -> bytes:
    """Give the text of a JSON file that people can read too."""
    return (json.dumps(words, indent=2, ensure_ascii=False) + "\n").encode("utf-8")


def metadata_path(path: str | Path) -> Path:
    """Say where the JSON of a file of weights stands."""
    return Path(path).with_suffix(".json")


def shapes_of(expected: nn.Module | Shapes) -> Shapes:
    """Give the shape of every key of a network's state; shapes are passed through."""
    if isinstance(expected, nn.Module):
        return {key: value.shape for key, value in expected.state_dict().items()}
    return expected


def check_state(state: Mapping[str, Tensor], expected: Shapes, what: str) -> None:
    """Raise UserError naming the first key that is missing, unexpected or of another shape than expected."""
    for key, shape in expected.items():
        if key not in state:
            raise UserError(f"{what}: key {key} is missing")
        if tuple(state[key].shape) != tuple(shape):
            raise UserError(f"{what}: key {key} has shape {list(state[key].shape)}, expected {list(shape)}")
    for key in sorted(state):
        if key not in expected:
            raise UserError(f"{what}: key {key} is unexpected")


def check_numbers(state: Mapping[str, Tensor], what: str) -> None:
    """Raise UserError naming the first key with a value that is NaN or infinite in single precision."""
    for key in sorted(state):
        if not bool(torch.isfinite(state[key].float()).all()):
            raise UserError(f"{what}: key {key} holds values that are not finite")


def check_types(state: Mapping[str, Tensor], network: nn.Module, names: Mapping[str, str], what: str) -> None:
    """Raise UserError for a key, by its name among `names`, with whole numbers where real ones belong or vice versa."""
    for key, value in network.state_dict().items():
        counter = key.endswith("num_batches_tracked")  # of BatchNorm; of no use after training, so any number will do
        if state[key].is_floating_point() != value.is_floating_point() and not counter:
            raise UserError(f"{what}: key {names[key]} holds {state[key].dtype}, expected {value.dtype}")


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file so that nobody ever sees half of it; its folder is made. Raises UserError where that fails."""
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            temporary = Path(file.name)
            file.write(content)
        temporary.chmod(0o644)
        os.replace(temporary, path)
    except OSError as error:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
        raise UserError(f"{path}: cannot be written ({error.strerror})") from None


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise UserError(f"{path}: no such file") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from None
