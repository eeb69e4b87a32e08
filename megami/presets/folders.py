"""A folder of weights: which preset it is for, what it holds, and whether all of it is whole."""

from __future__ import annotations

from pathlib import Path

from megami.errors import UserError
from megami.presets.configs import config_from_dict, config_to_dict
from megami.presets.networks import NETWORKS, load_network
from megami.presets.presets import PRESETS, Preset, preset
from megami.presets.weight_files import json_bytes, read_json, read_metadata, write_atomically

SHIPPED = Path(__file__).parent
PRESET_FILE = "preset.json"


def preset_folder(name_or_folder: str | Path) -> Path:
    """Say where the weights of a shipped preset, or of a folder, are. Raises UserError if there are none."""
    name = str(name_or_folder)
    if name in PRESETS:
        folder = SHIPPED / name
        if not any(folder.glob("*.safetensors")):
            raise UserError(f"the weights of {name!r} are not part of this installation (expected in {folder})")
        return folder
    folder = Path(name_or_folder)
    if folder.is_dir():
        return folder
    raise UserError(f"unknown weights {name!r}: give one of {', '.join(PRESETS)}, or a folder of weights")


def read_preset(folder: Path) -> Preset:
    """Give the preset that a folder of weights is for: the one in its preset.json, else "small"."""
    file = folder / PRESET_FILE
    return config_from_dict(Preset, read_json(file), str(file)) if file.is_file() else preset("small")


def save_preset(folder: str | Path, chosen: Preset) -> Path:
    """Write a preset beside the weights that it is for, so that loading the folder uses its options."""
    path = Path(folder) / PRESET_FILE
    write_atomically(path, json_bytes(config_to_dict(chosen)))
    return path


def shipped_presets() -> list[str]:
    """Describe each preset in one line: its name, and the files at hand with their sizes."""
    lines = []
    for name in PRESETS:
        files = sorted((SHIPPED / name).glob("*.safetensors"))
        size = sum(file.stat().st_size for file in files) / 1e6
        state = f"{len(files)} networks, {size:.1f} MB" if files else "the published files, to be downloaded"
        lines.append(f"{name}: {state}")
    return lines


def verify(name_or_folder: str | Path) -> list[str]:
    """Load every network of a preset or folder, checking hash, keys and shapes; one line for each.

    Raises UserError at the first that is missing or damaged; only what the preset does not use may be missing.
    """
    folder = preset_folder(name_or_folder)
    chosen = read_preset(folder)
    needed = {f"processor_{chosen.processor_kind}", *(("fxnorm",) if chosen.fxnorm else ())}
    needed |= {"musicnn", "stem_bank"} if chosen.stem_bank else set()
    needed |= {entry.name for entry in NETWORKS if entry.purpose == "mix"}
    if chosen.content is None:  # of the published size: what it lacks is published
        needed = set()
    lines = []
    for name in (entry.name for entry in NETWORKS):
        path = folder / f"{name}.safetensors"
        if name not in needed and not path.exists():
            continue
        load_network(folder, name)
        metadata = read_metadata(path)
        lines.append(f"{path.name}: {metadata['parameters']:,} parameters, sha256 {metadata['sha256'][:16]}, ok")
    return lines
