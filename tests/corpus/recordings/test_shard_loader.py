"""Batches of features: which items, in which order, for which rank; and how sets of tracks are padded."""

from __future__ import annotations

import os
import time
from itertools import chain, islice

import pytest
import torch
from torch import Tensor
from torch.utils.data import Dataset

from megami.corpus.recordings.endless_rows import SharedRow
from megami.corpus.recordings.shard_loader import collate, shard_loader
from megami.corpus.recordings.workers import end_with


class Numbers(Dataset[dict[str, Tensor]]):
    """Items that say their own number."""

    def __init__(self, count: int) -> None:
        self.count = count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        return {"song": torch.tensor(index)}


def batches(count: int, steps: int, size: int = 2, **options) -> list[list[int]]:
    loader = shard_loader(Numbers(count), size, **({"seed": 3} | options))
    return [batch["song"].tolist() for batch in islice(loader, steps)]


def test_every_item_comes_once_in_an_epoch_and_epochs_differ():
    row = list(chain(*batches(7, 14)))
    epochs = [row[start : start + 7] for start in range(0, 28, 7)]
    assert all(sorted(epoch) == list(range(7)) for epoch in epochs) and len({tuple(epoch) for epoch in epochs}) > 1
    assert batches(7, 14) == batches(7, 14) != batches(7, 14, seed=4)


def test_ranks_share_the_batch_of_one_rank_without_overlap():
    together = batches(11, 9, size=6)
    shares = [batches(11, 9, size=2, rank=rank, ranks=3) for rank in range(3)]
    assert [list(chain(*parts)) for parts in zip(*shares, strict=True)] == together


def test_one_goes_on_from_a_step_as_if_nothing_had_happened():
    assert batches(5, 9)[4:] == batches(5, 5, first_step=4)


SHARES = ((2, 0.75), (6, 0.25))


def test_collections_come_by_their_shares_and_each_in_epochs_of_its_own():
    row = list(chain(*batches(8, 10_000, size=1, shares=SHARES)))
    small, large = [item for item in row if item < 2], [item for item in row if item >= 2]
    assert abs(len(small) / len(row) - 0.75) < 5 * (0.75 * 0.25 / len(row)) ** 0.5  # five standard deviations
    for own, count in ((small, 2), (large, 6)):
        epochs = [sorted(own[start : start + count]) for start in range(0, len(own) - count, count)]
        assert all(epoch == sorted(set(own)) for epoch in epochs)


def test_shares_are_the_same_for_any_ranks_and_from_any_step_on():
    row = list(chain(*batches(8, 9000, size=1, shares=SHARES)))
    assert list(chain(*batches(8, 20, size=1, shares=SHARES, first_step=8980))) == row[8980:]
    ranks = [batches(8, 10, size=2, rank=rank, ranks=2, shares=SHARES) for rank in range(2)]
    assert [first + second for first, second in zip(*ranks, strict=True)] == batches(8, 10, size=4, shares=SHARES)
    endless = SharedRow((2, 6), (3, 1), seed=3)
    assert [endless[place] for place in (5000, 3, 8999)] == [row[place] for place in (5000, 3, 8999)]  # and backwards


@pytest.mark.parametrize("shares", [((2, 0.5), (5, 0.5)), ((2, 0.5), (6, 0.0)), ((0, 0.5), (8, 0.5))])
def test_shares_of_other_collections_or_of_nothing_are_refused(shares):
    with pytest.raises(ValueError, match=r"shares|no row"):
        batches(8, 1, shares=shares)


def test_processes_that_read_ahead_change_nothing():
    state = torch.random.get_rng_state()
    assert batches(7, 6, workers=2) == batches(7, 6)
    assert torch.equal(torch.random.get_rng_state(), state)  # nor the random numbers of the training


def test_a_process_that_reads_ahead_ends_with_the_one_that_it_reads_for():
    sentinel, held = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(held)
        end_with(sentinel)
        time.sleep(60)
        os._exit(0)
    os.close(held)  # as the system does for a process that was killed
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 1
    os.close(sentinel)


def test_sets_are_padded_and_masked():
    def item(tracks: int) -> dict[str, Tensor]:
        numbers = torch.arange(tracks)
        return {
            "z": torch.ones(tracks, 4), "content": torch.ones(tracks, 3), "instrument": numbers, "song": torch.tensor(1)
        }  # fmt: skip

    batch = collate([item(2), item(4)])
    assert batch["mask"].tolist() == [[True, True, False, False], [True] * 4] and batch["z"].shape == (2, 4, 4)
    assert torch.equal(batch["z"].amax(-1), batch["mask"].float()) and not batch["content"][0, 2:].any()
    assert batch["instrument"].tolist() == [[0, 1, -1, -1], [0, 1, 2, 3]] and batch["song"].tolist() == [1, 1]
    assert collate([item(2)], tracks=14)["mask"].sum() == 2 and collate([item(2)], tracks=14)["z"].shape == (1, 14, 4)


@pytest.mark.parametrize("options", [{"rank": 2, "ranks": 2}, {"size": 0}, {"first_step": -1}])
def test_impossible_shares_are_refused(options):
    with pytest.raises(ValueError, match="no batches"):
        batches(5, 1, **options)
