"""Features in shards: safetensors files of some items each, read by number without reading the rest.

safetensors: of four formats the quickest to read, in order and at random, and it needs no further package
(`benchmarks/shard_formats.py` measures them).
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor
from torch.utils.data import Dataset

from megami.corpus.songs import read_mark
from megami.errors import UserError

INDEX_FILE = "index.json"
FILE_NAME = re.compile(r"(\d{5})_(\d{5})\.safetensors")  # number of the shard, and how many items it has
PER_TRACK = ("z", "content", "instrument")
"""What an item of mixes has for each of its tracks; a shard holds these one item after the other."""


def shard_path(folder: Path, number: int, items: int) -> Path:
    """The file of a shard that has so many items."""
    return folder / f"{number:05d}_{items:05d}.safetensors"


def found_shards(folder: Path) -> dict[int, int]:
    """How many items each shard in a folder has, by number."""
    found: dict[int, int] = {}
    for path in folder.iterdir() if folder.is_dir() else ():
        match = FILE_NAME.fullmatch(path.name)
        if match:
            number, items = map(int, match.groups())
            found[number] = max(items, found.get(number, 0))
    return found


def write_shard(path: Path, tensors: dict[str, Tensor]) -> None:
    """Write a shard so that it is there whole or not at all, and remove smaller ones of the same number."""
    partial = path.with_suffix(".part")
    with partial.open("wb") as file:  # here, for safetensors makes files that nobody else may read
        file.write(save({name: value.contiguous() for name, value in tensors.items()}))
        file.flush()
        os.fsync(file.fileno())
    os.replace(partial, path)
    for older in path.parent.glob(f"{path.name.split('_')[0]}_*.safetensors"):
        if older != path:
            older.unlink()


@dataclass(frozen=True)
class FeatureShards(Dataset[dict[str, Tensor]]):
    """A folder of features of one kind: items by number, without reading what lies around them; picklable.

    mixes   {"z": [tracks, dim], "content": [tracks, content_dim], "instrument": [tracks]}; the content of wet tracks
    pairs   {"wet_content": [content_dim], "dry_content": [content_dim]}, at small size also "z" [dim] of the wet clip
    crops   {"dry": [1, n], "wet": [2, n], "z": [dim], "content": [content_dim]}; audio as it was drawn, 16 bits stored

    each with "song" [], a number into `songs`. Numbers are float32, but for "instrument" (a number into
    `INSTRUMENT_CLASSES`) and "song", int64.
    """

    folder: Path
    paths: tuple[Path, ...]
    words: dict[str, Any]  # what the index says

    @staticmethod
    def open(folder: str | Path) -> FeatureShards:
        """Open the features in a folder. Raises UserError where there are none, or they are damaged or unfinished."""
        place = Path(folder)
        if not (place / INDEX_FILE).is_file():
            raise UserError(f"{place}: holds no features ('megami data features' makes them)")
        words, found = read_mark(place / INDEX_FILE), found_shards(place)
        try:
            count, size, kind = int(words["count"]), int(words["items_per_shard"]), str(words["kind"])
        except (KeyError, TypeError, ValueError):
            raise UserError(f"{place / INDEX_FILE}: is damaged: delete {place} and start again") from None
        wanted = [min(size, count - start) for start in range(0, count, size)]
        ready = sum(found.get(number, 0) >= items for number, items in enumerate(wanted))
        if not wanted or ready < len(wanted):
            raise UserError(
                f"{place}: the features ({kind}) are unfinished, {ready} of {len(wanted)} shards are there: run the "
                "same 'megami data features' again, and it goes on from there"
            )
        return FeatureShards(place, tuple(shard_path(place, number, found[number]) for number in range(ready)), words)

    @property
    def kind(self) -> str:
        """mixes, pairs or crops."""
        return str(self.words["kind"])

    @property
    def songs(self) -> tuple[str, ...]:
        """Names of the songs that items are from."""
        return tuple(self.words["songs"])

    def __len__(self) -> int:
        return int(self.words["count"])

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        if not -len(self) <= index < len(self):
            raise IndexError(f"item {index} of {len(self)}")
        number, place = divmod(index % len(self), int(self.words["items_per_shard"]))
        try:
            return _open_shard(self.paths[number]).item(place)
        except (SafetensorError, OSError) as error:
            raise UserError(f"{self.paths[number]}: cannot be read ({error}): delete it, and build it again") from None


class _Shard:
    """An open shard, of which items are read one by one."""

    def __init__(self, path: Path) -> None:
        self.file: Any = safe_open(path, framework="pt")
        self.names = tuple(self.file.keys())
        if "tracks" in self.names:
            ends = self.file.get_tensor("tracks").cumsum(0).tolist()
            self.places = list(zip([0, *ends], ends, strict=False))

    def item(self, place: int) -> dict[str, Tensor]:
        """Item number `place` of this shard."""
        out = {}
        for name in self.names:
            part = self.file.get_slice(name)
            if name in PER_TRACK and "tracks" in self.names:
                start, end = self.places[place]
                out[name] = part[start:end]
            elif not name.endswith("_scale") and name != "tracks":
                out[name] = part[place : place + 1][0]
        for name in ("dry", "wet"):
            if f"{name}_scale" in self.names:
                out[name] = out[name].float() * self.file.get_slice(f"{name}_scale")[place : place + 1][0]
        return out


@lru_cache(maxsize=256)
def _open_shard(path: Path) -> _Shard:
    return _Shard(path)


def stack_items(kind: str, items: list[dict[str, Tensor]]) -> dict[str, Tensor]:
    """Items as the tensors of a shard: audio in 16 bits with a scale for each channel, tracks one after the other."""
    joined: dict[str, Tensor] = {}
    for name in items[0]:
        values = [item[name] for item in items]
        if kind == "mixes" and name in PER_TRACK:
            joined[name] = torch.cat(values)
        else:
            joined[name] = torch.stack(values)
    if kind == "mixes":
        joined["tracks"] = torch.tensor([len(item["z"]) for item in items])
    return joined


def write_index(folder: Path, words: dict[str, Any]) -> None:
    """Write what a folder of features says of itself, whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / f"{INDEX_FILE}.part"
    partial.write_text(json.dumps(words, indent=1) + "\n", encoding="utf-8")
    os.replace(partial, folder / INDEX_FILE)
