"""Batches of cached features, endless and shuffled, the same for any number of processes and from any step on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import pad
from torch.utils.data import DataLoader, Dataset, Sampler

from megami.corpus.recordings.endless_rows import EndlessRow, EpochRow, SharedRow
from megami.corpus.recordings.shards import PER_TRACK
from megami.corpus.recordings.workers import loader_options

AHEAD = 4
"""Batches that each process has ready."""

Items = Dataset[dict[str, Tensor]]


@dataclass(frozen=True)
class StepSampler(Sampler[list[int]]):
    """Numbers of items for every step of one rank, without end.

    All ranks walk through one endless row of items. A step takes the next `ranks * batch_size` of the row, of which
    each rank has its own part: so no two ranks have the same item of an epoch, and together they have the batch that
    one rank would have with `ranks * batch_size`. The row is an `EpochRow` of all items; where `shares` says so, a
    `SharedRow` of collections, each as (items, share).
    """

    items: int
    batch_size: int
    seed: int
    rank: int = 0
    ranks: int = 1
    first_step: int = 0
    shares: tuple[tuple[int, float], ...] = ()

    def __iter__(self) -> Iterator[list[int]]:
        row: EndlessRow = EpochRow(self.items, self.seed, 29)
        if self.shares:
            counts, shares = zip(*self.shares, strict=True)
            row = SharedRow(counts, shares, self.seed)
        step = self.first_step
        while True:
            start = (step * self.ranks + self.rank) * self.batch_size
            yield [row[place] for place in range(start, start + self.batch_size)]
            step += 1


def collate(items: Sequence[dict[str, Tensor]], tracks: int | None = None) -> dict[str, Tensor]:
    """Stack items; those of mixes are padded with zeros to the longest or to `tracks`, with "mask" [b, tracks].

    The mask is True where there is a track; "instrument" is -1 where there is none.
    """
    if "instrument" not in items[0]:
        return {name: torch.stack([item[name] for item in items]) for name in items[0]}
    counts = torch.tensor([len(item["z"]) for item in items])
    most = int(counts.max()) if tracks is None else tracks
    out = {}
    for name in items[0]:
        values = [item[name] for item in items]
        if name in PER_TRACK:
            fill = -1 if name == "instrument" else 0
            values = [pad(v, (*[0] * (2 * (v.dim() - 1)), 0, most - len(v)), value=fill) for v in values]
        out[name] = torch.stack(values)
    return {**out, "mask": torch.arange(most) < counts[:, None]}


def shard_loader(
    shards: Items,
    batch_size: int,
    seed: int,
    workers: int = 0,
    pin_memory: bool = False,
    rank: int = 0,
    ranks: int = 1,
    first_step: int = 0,
    tracks: int | None = None,
    shares: tuple[tuple[int, float], ...] = (),
) -> Iterator[dict[str, Tensor]]:
    """Batches of features without end, shuffled anew in every epoch: `StepSampler` says which, `collate` how.

    batch_size: of this rank. workers: processes that read ahead (0: none); the batches and their order do not depend on
    them. pin_memory: for a GPU, and without effect where there is none. first_step: go on from this step, as if those
    before had been drawn. tracks: pad mixes to so many (published: 14) instead of the longest of the batch. shares: of
    the collections that `shards` joins, each as (items, share); without them every item comes as often as every other.
    Raises ValueError for a rank that is not among the ranks, and for shares of other collections.
    """
    if batch_size < 1 or not 0 <= rank < ranks or first_step < 0:
        raise ValueError(f"no batches of {batch_size} for rank {rank} of {ranks} from step {first_step} on")
    items: Any = shards
    if shares and sum(count for count, _ in shares) != len(items):
        raise ValueError(f"shares are of {sum(count for count, _ in shares)} items, not of {len(items)}")
    loader = DataLoader(
        items,
        batch_sampler=StepSampler(len(items), batch_size, seed, rank, ranks, first_step, shares),
        num_workers=workers,
        collate_fn=partial(collate, tracks=tracks),
        pin_memory=pin_memory and torch.cuda.is_available(),
        generator=torch.Generator(),  # else it draws from the global one
        **loader_options(workers, AHEAD),
    )
    yield from loader
