"""Endless rows of items to learn from: which item comes at which place, whoever asks for it and from wherever on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

BLOCK = 4096
"""Places whose collections are drawn at once."""


class EndlessRow(Protocol):
    """Says which item comes at a place; asking in order is cheap."""

    def __getitem__(self, place: int) -> int: ...


class EpochRow:
    """Epoch after epoch of so many items, each a permutation by the seed and its number."""

    def __init__(self, items: int, *seed: int) -> None:
        self.items, self.seed = items, seed
        self._epoch, self._order = -1, np.empty(0, dtype=np.int64)

    def __getitem__(self, place: int) -> int:
        epoch, rest = divmod(place, self.items)
        if epoch != self._epoch:
            self._epoch = epoch
            self._order = np.random.default_rng([*self.seed, epoch]).permutation(self.items)
        return int(self._order[rest])


class SharedRow:
    """Items of several collections, numbered one collection behind the other, of which each has its share.

    Every place draws a collection by its share, and takes the next item of it, in epochs of that collection. So a small
    collection may come as often as a large one. (Published training draws a data set by its probability, then a row of
    it; rows may repeat there before all have been.) Raises ValueError for shares that are not all above 0.
    """

    def __init__(self, counts: Sequence[int], shares: Sequence[float], seed: int) -> None:
        if len(counts) != len(shares) or min(counts) < 1 or not min(shares) > 0:
            raise ValueError(f"no row of {list(counts)} items with shares {list(shares)}")
        self.share = np.array(shares, dtype=np.float64) / np.sum(shares)
        self.seed = seed
        self.first = np.cumsum([0, *counts])
        self.rows = [EpochRow(count, seed, 29, number) for number, count in enumerate(counts)]
        self._begin()

    def __getitem__(self, place: int) -> int:
        block, rest = divmod(place, BLOCK)
        if block < self._block:
            self._begin()
        while self._block < block:
            self._next_block()
        chosen = int(self._chosen[rest])
        return int(self.first[chosen]) + self.rows[chosen][int(self._turn[rest])]

    def _begin(self) -> None:
        self._block, self._taken = -1, np.zeros(len(self.rows), dtype=np.int64)

    def _next_block(self) -> None:
        """Draw the collections of the next places, and count which item of its collection each of them is."""
        self._block += 1
        rng = np.random.default_rng([self.seed, 31, self._block])
        self._chosen = rng.choice(len(self.rows), BLOCK, p=self.share)
        self._turn = np.empty(BLOCK, dtype=np.int64)
        for number in range(len(self.rows)):
            own = np.flatnonzero(self._chosen == number)
            self._turn[own] = self._taken[number] + np.arange(len(own))
            self._taken[number] += len(own)
