"""Compare formats for shards of cached features: how fast they are written, and read in order and in random order.

    pip install webdataset litdata
    python benchmarks/shard_formats.py [--folder FOLDER] [--kind mixes|crops] [--items N]

Items have the published sizes: "mixes" are 14 tracks of 2112 + 512 numbers (147 kB), "crops" 11.9 s of mono and of
stereo audio in 16 bits (3.2 MB). Every read begins with files that the operating system has dropped from its cache
(`posix_fadvise`), and every item that is read is summed, so that lazily mapped memory counts as well. One process;
items a second by the wall clock, and milliseconds of computing an item, which depend less on what else runs.
`megami.corpus.recordings.shards` says what was chosen.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

PER_SHARD = {"mixes": 128, "crops": 16}
SHAPES = {
    "mixes": {"z": ((14, 2112), "float32"), "content": ((14, 512), "float32")},
    "crops": {"dry": ((1, 525312), "int16"), "wet": ((2, 525312), "int16")},
}
Item = dict[str, np.ndarray]


def make_item(kind: str, index: int) -> Item:
    """The item of that number."""
    rng = np.random.default_rng(index)
    return {
        name: rng.standard_normal(shape, dtype=np.float32)
        if dtype == "float32"
        else rng.integers(-9999, 9999, shape, dtype=np.int16)
        for name, (shape, dtype) in SHAPES[kind].items()
    }


def touch(item: Item) -> float:
    """Use every number of an item."""
    return float(sum(np.asarray(value).sum(dtype=np.float64) for value in item.values()))


def shards(items: list[Item], size: int) -> Iterator[tuple[int, list[Item]]]:
    """Items in lots, with the number of each lot."""
    for start in range(0, len(items), size):
        yield start // size, items[start : start + size]


def write_safetensors(folder: Path, items: list[Item], size: int) -> None:
    from safetensors.numpy import save_file

    for number, lot in shards(items, size):
        save_file({name: np.stack([item[name] for item in lot]) for name in lot[0]}, folder / f"{number}.safetensors")


def read_safetensors(folder: Path, order: list[int], size: int) -> Iterator[Item]:
    from safetensors import safe_open

    opened: dict[int, object] = {}
    for index in order:
        number, place = divmod(index, size)
        if number not in opened:
            opened[number] = safe_open(folder / f"{number}.safetensors", framework="numpy")
        file = opened[number]
        yield {name: file.get_slice(name)[place : place + 1][0] for name in file.keys()}  # noqa: SIM118


def write_npz(folder: Path, items: list[Item], size: int) -> None:
    for number, lot in shards(items, size):
        arrays = {f"{place}.{name}": value for place, item in enumerate(lot) for name, value in item.items()}
        np.savez(folder / f"{number}.npz", **arrays)


def read_npz(folder: Path, order: list[int], size: int) -> Iterator[Item]:
    opened: dict[int, object] = {}
    for index in order:
        number, place = divmod(index, size)
        if number not in opened:
            opened[number] = np.load(folder / f"{number}.npz", allow_pickle=False)
        file = opened[number]
        yield {name.partition(".")[2]: file[name] for name in file.files if name.startswith(f"{place}.")}


def write_webdataset(folder: Path, items: list[Item], size: int) -> None:
    import webdataset

    for number, lot in shards(items, size):
        with webdataset.TarWriter(str(folder / f"{number:06d}.tar")) as tar:
            for place, item in enumerate(lot):
                tar.write({"__key__": f"{place:06d}", **{f"{name}.npy": npy(value) for name, value in item.items()}})


def npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()


def read_webdataset(folder: Path, order: list[int], size: int) -> Iterator[Item]:
    """In order only: a tar has no index. Random order is that of a buffer of one shard."""
    import webdataset

    files = [str(path) for path in sorted(folder.glob("*.tar"))]
    data = webdataset.WebDataset(files, shardshuffle=False, empty_check=False)
    if order != sorted(order):
        data = data.shuffle(size)
    for item in data:
        yield {
            name.removesuffix(".npy"): np.load(io.BytesIO(value), allow_pickle=False)
            for name, value in item.items()
            if name.endswith(".npy")
        }


KEPT: list[Item] = []


def kept_item(index: int) -> Item:
    """For litdata, which calls a function by its name."""
    return KEPT[index]


def write_litdata(folder: Path, items: list[Item], size: int) -> None:
    from litdata.streaming.writer import BinaryWriter

    writer = BinaryWriter(cache_dir=str(folder), chunk_size=size)
    for index, item in enumerate(items):
        writer[index] = item
    writer.done()
    writer.merge(1)


def read_litdata(folder: Path, order: list[int], size: int) -> Iterator[Item]:
    import litdata

    data = litdata.StreamingDataset(str(folder), shuffle=False)
    for index in order:
        yield data[index]


@dataclass(frozen=True)
class Format:
    write: Callable[[Path, list[Item], int], None]
    read: Callable[[Path, list[int], int], Iterator[Item]]


FORMATS = {
    "safetensors": Format(write_safetensors, read_safetensors),
    "npz": Format(write_npz, read_npz),
    "webdataset": Format(write_webdataset, read_webdataset),
    "litdata": Format(write_litdata, read_litdata),
}


def forget(folder: Path) -> None:
    """Write files out, and have the operating system drop them from its cache."""
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def rates_since(begin: tuple[float, float], what: str, items: int) -> dict[str, float]:
    """Items a second by the wall clock since `begin`, and milliseconds of computing for each."""
    wall_s, computing_s = time.perf_counter() - begin[0], time.process_time() - begin[1]
    return {what: items / wall_s, f"{what} ms": 1000 * computing_s / items}


def measure(name: str, kind: str, items: list[Item], folder: Path) -> dict[str, float | str]:
    """One format: items a second and milliseconds of computing an item, written and read, and its size."""
    how, size = FORMATS[name], PER_SHARD[kind]
    folder.mkdir()
    rates: dict[str, float | str] = {"format": name}
    begin = (time.perf_counter(), time.process_time())
    how.write(folder, items, size)
    rates |= rates_since(begin, "write", len(items))
    shuffled = np.random.default_rng(0).permutation(len(items)).tolist()
    wanted = sum(touch(item) for item in items)
    for title, order in (("in order", list(range(len(items)))), ("random", shuffled)):
        forget(folder)
        begin = (time.perf_counter(), time.process_time())
        found = sum(touch(item) for item in how.read(folder, order, size))
        rates |= rates_since(begin, title, len(items))
        if abs(found - wanted) > 1e-6 * abs(wanted) + 1e-3:
            raise SystemExit(f"{name}: what was read is not what was written")
    rates["MB"] = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6
    return rates


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, help="where to write (default: a temporary folder)")
    parser.add_argument("--kind", choices=SHAPES, default="mixes")
    parser.add_argument("--items", type=int, default=0, help="how many (default: 512 mixes, 48 crops)")
    parser.add_argument("--formats", nargs="*", choices=FORMATS, default=list(FORMATS))
    options = parser.parse_args()
    count = options.items or {"mixes": 512, "crops": 48}[options.kind]
    items = [make_item(options.kind, index) for index in range(count)]
    folder = Path(tempfile.mkdtemp(dir=options.folder))
    try:
        for name in options.formats:
            try:
                row = measure(name, options.kind, items, folder / name)
            except ImportError as error:
                print(f"{name}: not measured ({error})", file=sys.stderr)
                continue
            words = {key: round(value, 1) if isinstance(value, float) else value for key, value in row.items()}
            print(json.dumps(words), flush=True)
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
