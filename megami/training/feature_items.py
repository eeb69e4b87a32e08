"""Cached features as training sees them: collections of items, of which batches are drawn at random."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

Item = dict[str, Tensor]

KINDS = ("pairs", "crops", "mixes")
"""What a collection may hold, and for whom: content of wet and dry tracks (adaptor), audio with its embedding (effect
processor), and the embeddings of a mix's tracks (generator)."""


class FeatureItems(Protocol):
    """Items of one kind, by number.

    pairs   {"wet_content": [content_dim], "dry_content": [content_dim]}
    crops   {"dry": [1, n], "wet": [2, n], "z": [dim], "content": [content_dim]}
    mixes   {"z": [tracks, dim], "content": [tracks, content_dim]}, the content of the wet tracks, not adapted
    """

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> Item: ...


@dataclass(frozen=True)
class DrawItems:
    """Draw `size` items from several collections, each item as often as every other, and stack them to a batch."""

    collections: tuple[FeatureItems, ...]
    size: int
    names: tuple[str, ...]  # of the tensors that a batch has

    def draw(self, rng: np.random.Generator) -> list[Item]:
        """Draw items without stacking them: they may differ in length."""
        ends = np.cumsum([len(collection) for collection in self.collections])
        chosen = rng.integers(int(ends[-1]), size=self.size)
        return [self._item(ends, int(index)) for index in chosen]

    def __call__(self, rng: np.random.Generator) -> dict[str, Tensor]:
        items = self.draw(rng)
        return {name: torch.stack([item[name].float() for item in items]) for name in self.names}

    def _item(self, ends: Sequence[int] | np.ndarray, index: int) -> Item:
        place = int(np.searchsorted(ends, index, side="right"))
        return self.collections[place][index - (int(ends[place - 1]) if place else 0)]
