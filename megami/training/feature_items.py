"""Cached features as training sees them: collections of items, and batches of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from torch import Tensor
from torch.utils.data import ConcatDataset

from megami.corpus.recordings.shard_loader import collate, shard_loader

Item = dict[str, Tensor]


class FeatureItems(Protocol):
    """Items of one kind, by number; `megami.corpus.recordings.FeatureShards` are such.

    pairs   {"wet_content": [content_dim], "dry_content": [content_dim]}
    crops   {"dry": [1, n], "wet": [2, n], "z": [dim], "content": [content_dim]}
    mixes   {"z": [tracks, dim], "content": [tracks, content_dim], "instrument": [tracks]}, the content of the wet
            tracks, not adapted
    """

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> Item: ...


@dataclass(frozen=True)
class DrawItems:
    """Draw `size` random items from several collections, each item as often as every other, as a batch."""

    collections: tuple[FeatureItems, ...]
    size: int
    names: tuple[str, ...]  # of the tensors that a batch has

    def __call__(self, rng: np.random.Generator) -> dict[str, Tensor]:
        together = joined(self.collections)
        chosen = rng.integers(len(together), size=self.size)
        return chosen_tensors(collate([together[int(index)] for index in chosen]), self.names)


@dataclass
class StepBatches:
    """Batches of several collections, epoch after epoch in random order, read ahead by so many processes.

    The batch of a step depends on the seed and the step alone: `seek` says from which step on they are asked for. With
    `shares`, one for each collection, items come from the collections in this proportion; else from all items alike.
    """

    collections: tuple[FeatureItems, ...]
    size: int
    names: tuple[str, ...]
    seed: int
    workers: int = 0
    pin_memory: bool = False
    shares: tuple[float, ...] = ()
    _batches: Iterator[dict[str, Tensor]] | None = field(default=None, repr=False)

    def seek(self, step: int) -> None:
        """Go on with the batch of a step."""
        shares = tuple(zip(map(len, self.collections), self.shares, strict=True)) if self.shares else ()
        self._batches = shard_loader(
            joined(self.collections),
            self.size,
            self.seed,
            self.workers,
            self.pin_memory,
            first_step=step,
            shares=shares,
        )

    def __call__(self, rng: np.random.Generator) -> dict[str, Tensor]:
        if self._batches is None:
            self.seek(0)
        assert self._batches is not None
        return chosen_tensors(next(self._batches), self.names)


def joined(collections: tuple[FeatureItems, ...]) -> Any:
    """Several collections as one."""
    parts: Any = collections
    return ConcatDataset(parts)


def chosen_tensors(batch: dict[str, Tensor], names: tuple[str, ...]) -> dict[str, Tensor]:
    """Those tensors of a batch that are asked for."""
    return {name: batch[name] for name in names}
