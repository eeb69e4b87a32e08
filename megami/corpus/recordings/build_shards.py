"""Computing features of real recordings once, into shards: any number of processes, interrupted and gone on with.

Processes read, cut and treat audio; this one listens, so that a GPU gets whole batches and weights are loaded once.
What an item is depends on its number alone, and what is heard together on the shard alone: so the shards do not depend
on the number of processes or on interruptions. Chapter "Growing up".
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock, Timeout
from torch import Tensor
from torch.utils.data import DataLoader
from tqdm import tqdm

from megami.audio import SAMPLE_RATE
from megami.corpus.code_mark import Kind, claim_code
from megami.corpus.recordings.drawn_items import KINDS, DrawnItems, DrawSettings, songs_for
from megami.corpus.recordings.listening import Listeners
from megami.corpus.recordings.responses import ROOMS, Responses
from megami.corpus.recordings.shards import (
    INDEX_FILE,
    FeatureShards,
    found_shards,
    shard_path,
    stack_items,
    write_index,
    write_shard,
)
from megami.corpus.recordings.songs import RecordedSong, Recordings
from megami.corpus.recordings.splits import SPLITS, split_of
from megami.corpus.recordings.workers import core_count, loader_options
from megami.corpus.songs import CorpusConfig, read_mark, to_int16
from megami.errors import UserError, warn_of_song
from megami.presets import preset

DRAWING = ("megami.corpus.recordings.drawn_items", "megami.corpus.recordings.listening")
"""The modules that decide what is in a shard, beside those of the networks that listen."""
NO_SAY = ("megami.corpus.datasets", "megami.corpus.features", "megami.corpus.songs", "megami.presets", "megami.studio")
AHEAD = 2  # items that each process has ready


@dataclass(frozen=True)
class FeatureSettings:
    """How features are drawn and kept.

    items_per_shard: for mixes, pairs and crops. heard_together: clips of pairs and crops that are listened to at once.
    """

    draw: DrawSettings
    items_per_shard: tuple[int, int, int] = (64, 256, 32)
    heard_together: int = 8

    def size(self, kind: str) -> int:
        """Items in a shard of a kind."""
        return self.items_per_shard[KINDS.index(kind)]


def feature_settings(
    size: str, responses: Responses = ROOMS, circular: bool = False, recorded: float = 0.0
) -> FeatureSettings:
    """What is drawn for a size: for "paper" the published numbers; for "small" as much of a track as that preset hears.

    Crops for the small processor are as short as those of its own training. The other arguments: see `DrawSettings` and
    `ClipSettings`.
    """
    draw = DrawSettings(responses=responses, circular=circular)
    draw = replace(draw, pairs=replace(draw.pairs, recorded=recorded), crops=replace(draw.crops, recorded=recorded))
    if size == "paper":
        return FeatureSettings(draw)
    samples = round(preset("small").segment_seconds * SAMPLE_RATE)
    return FeatureSettings(
        replace(
            draw,
            mixes=replace(draw.mixes, samples=samples),
            pairs=replace(draw.pairs, samples=samples),
            crops=replace(draw.crops, samples=CorpusConfig().crop_samples),
        )
    )


def build_feature_shards(
    out: str | Path,
    recordings: Recordings,
    kind: str,
    settings: FeatureSettings,
    listeners: Listeners,
    seed: int,
    count: int,
    workers: int | None = None,
    split: str = "train",
) -> FeatureShards:
    """Compute `count` items of a kind into the folder OUT/KIND_SPLIT, or go on with it, and open it.

    workers: processes that draw, None for one per core; with 0 or 1, this one does. More items can be added later by a
    larger count. At a kill, at most the items of the shard under way are lost. Raises UserError for a folder of other
    settings, recordings, listeners or code; where another process is writing there; and where the split has no songs
    with what the kind needs, or nothing in them can be heard.
    """
    _check(kind, split, count)
    songs = songs_for(tuple(song for song in recordings.songs() if split_of(song, seed) == split), kind)
    if not songs:
        what = "wet" if kind == "mixes" else "dry"
        raise UserError(f"{recordings.name}: the split {split!r} has no song with {what} tracks, so no {kind}")
    folder = Path(out) / f"{kind}_{split}"
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder / ".lock", timeout=0):
            claim(folder, _words(recordings.name, songs, kind, settings, listeners, seed, split), count, listeners)
            drawn = DrawnItems(songs, kind, settings.draw, seed, split)
            drawing = core_count() if workers is None else workers
            _build(folder, drawn, settings, listeners, count, drawing if drawing > 1 else 0)
    except Timeout:
        raise UserError(f"{folder}: another process is computing features there") from None
    return FeatureShards.open(folder)


def _check(kind: str, split: str, count: int) -> None:
    if kind not in KINDS:
        raise UserError(f"unknown kind {kind!r}: choose from {', '.join(KINDS)}")
    if split not in SPLITS:
        raise UserError(f"unknown split {split!r}: choose from {', '.join(SPLITS)}")
    if count < 1:
        raise UserError(f"the count must be 1 or more, not {count}")


def _words(
    data: str,
    songs: tuple[RecordedSong, ...],
    kind: str,
    settings: FeatureSettings,
    listeners: Listeners,
    seed: int,
    split: str,
) -> dict[str, Any]:
    """What a folder of features says of itself: all that decides what is in it, but for the code."""
    draw = settings.draw
    chosen = draw.mixes if kind == "mixes" else draw.clips(kind)
    words: dict[str, Any] = {"kind": kind, "split": split, "seed": seed, "data": data}
    words["settings"] = asdict(chosen)
    if kind != "mixes":
        words["settings"] |= {"responses": _digits(draw.responses.mark()), "circular": draw.circular}
    tracks = [[_track_mark(track) for track in (song.wet if kind == "mixes" else song.dry)] for song in songs]
    words |= {"listeners": listeners.mark(), "songs": [song.name for song in songs], "recordings": _digits(tracks)}
    return words | {"heard_together": settings.heard_together, "items_per_shard": settings.size(kind)}


def _track_mark(track: Any) -> list[str]:
    """What a track is without its folder, which may be elsewhere tomorrow."""
    size = track.path.stat().st_size if track.path.exists() else 0
    return [track.path.name, track.instrument, track.group, str(track.gain), str(size)]


def _digits(value: object) -> str:
    return hashlib.sha256(repr(value).encode()).hexdigest()[:12]


def claim(folder: Path, words: dict[str, Any], count: int, listeners: Listeners) -> None:
    """Write down what a folder is for and which code fills it. Raises UserError where it is for something else."""
    for leftover in folder.glob("*.part"):
        leftover.unlink()
    index = folder / INDEX_FILE
    there = read_mark(index) if index.is_file() else {}
    if not there and found_shards(folder):
        raise UserError(f"{folder} has shards but no {INDEX_FILE} that says of what: delete it, and start again")
    for name, value in words.items():
        if there and there.get(name) != value:
            raise UserError(
                f"{folder} was begun with {_difference(name, there.get(name), value)}: choose another folder, or "
                "delete it"
            )
    kind = Kind(f"features ({words['kind']})", ("*.safetensors",), (*DRAWING, *listeners.modules()), NO_SAY)
    claim_code(folder, kind)
    write_index(folder, {**words, "count": max(count, int(there.get("count", 0)))})


def _difference(name: str, there: Any, wanted: Any) -> str:
    """In words, what a folder has and what was asked for."""
    if name == "songs":
        return "other songs"
    if name == "recordings":
        return "other audio files"
    if isinstance(there, dict) and isinstance(wanted, dict):
        name = next(key for key in {**there, **wanted} if there.get(key) != wanted.get(key))
        there, wanted = there.get(name), wanted.get(name)
    return f"{name} = {there}, not {wanted}"


def _build(
    folder: Path, drawn: DrawnItems, settings: FeatureSettings, listeners: Listeners, count: int, workers: int
) -> None:
    """Draw, listen and write all shards that are not there yet, or have fewer items than they are to have."""
    size, found = settings.size(drawn.kind), found_shards(folder)
    wanted = {start // size: min(size, count - start) for start in range(0, count, size)}
    missing = {number: items for number, items in wanted.items() if found.get(number, 0) < items}
    left = sum(missing.values())
    if not left:
        return
    numbers = [number * size + place for number, items in missing.items() for place in range(items)]
    audio = draw_in_order(drawn, numbers, min(workers, left), listeners.device.type == "cuda")
    told: set[str] = set()
    together = 1 if drawn.kind == "mixes" else settings.heard_together
    with tqdm(total=count, initial=count - left, desc=f"{drawn.kind} ({drawn.split})", mininterval=1.0) as progress:
        for number, items in missing.items():
            heard: list[dict[str, Tensor]] = []
            while len(heard) < items:
                lot = [_checked(next(audio), told) for _ in range(min(together, items - len(heard)))]
                mixes = drawn.kind == "mixes"
                heard += hear_mix(lot[0], listeners) if mixes else hear_clips(lot, drawn.kind, listeners)
                progress.update(len(lot))
            write_shard(shard_path(folder, number, items), stack_items(drawn.kind, heard))


def draw_in_order(drawn: DrawnItems, numbers: list[int], workers: int, pin_memory: bool) -> Iterator[dict[str, Any]]:
    """Items with these numbers, in this order, drawn by so many processes (0: by this one).

    Raises UserError where one of them is ended by somebody, mostly the system when the memory is full.
    """
    loader = DataLoader(
        drawn,
        sampler=numbers,
        batch_size=None,
        num_workers=workers,
        collate_fn=_as_it_is,
        pin_memory=pin_memory,
        generator=torch.Generator(),  # else it draws from the global one
        **loader_options(workers, AHEAD),
    )
    try:
        yield from loader
    except RuntimeError as error:
        if "exited unexpectedly" not in str(error):
            raise
        raise UserError(
            "a process that reads audio was ended, perhaps for want of memory: run the same again with fewer --workers"
        ) from None


def _as_it_is(item: Any) -> Any:
    return item


def _checked(item: dict[str, Any], told: set[str]) -> dict[str, Any]:
    """An item that was found; says once for each file that it could not be read. UserError where nothing was found."""
    if "failure" in item:
        raise UserError(item["failure"])
    new = [line for line in item["unread"] if line not in told]
    told.update(new)
    warn_of_song(new)
    return item


def hear_mix(item: dict[str, Any], listeners: Listeners) -> list[dict[str, Tensor]]:
    """The features of one set of wet tracks, at the level that they have in the mix."""
    wet = item["wet"]
    seeds = [(item["seeds"][0] + place) % 2**31 for place in range(len(wet))]
    return [
        {
            "z": listeners.effects(wet),
            "content": listeners.content(wet, seeds),
            "instrument": item["instrument"],
            "song": torch.tensor(item["song"]),
        }
    ]


def hear_clips(lot: list[dict[str, Any]], kind: str, listeners: Listeners) -> list[dict[str, Tensor]]:
    """The features of some pairs or crops."""
    dry, wet = (torch.stack([item[name] for item in lot]) for name in ("dry", "wet"))
    first, second = ([item["seeds"][place] for item in lot] for place in (0, 1))
    found: dict[str, Tensor] = {"song": torch.tensor([item["song"] for item in lot])}
    if kind == "pairs":
        found |= {"dry_content": listeners.content(dry, first), "wet_content": listeners.content(wet, second)}
        if listeners.tells_effects:
            found["z"] = listeners.effects(wet)
    else:
        found |= {"z": listeners.effects(wet), "content": listeners.processor_content(dry, first)}
        for name, audio in (("dry", dry), ("wet", wet)):
            samples, scale = to_int16(audio.numpy())
            found |= {name: torch.from_numpy(samples), f"{name}_scale": torch.from_numpy(scale)}
    return [{name: value[place] for name, value in found.items()} for place in range(len(lot))]
