"""The kernel distance: its definition, its zero, and its form by role."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from megami.evaluation import kernel_distance, median_bandwidth
from megami.evaluation.measures import kad
from megami.evaluation.measures.distances import kad_by_role_row, kad_row


def normal(items: int, dim: int = 8, shift: float = 0.0, seed: int = 0) -> torch.Tensor:
    return torch.randn(items, dim, generator=torch.Generator().manual_seed(seed)) + shift


def test_bandwidth_is_the_lower_median_of_distances():
    assert median_bandwidth(torch.tensor([[0.0], [1.0], [3.0], [7.0]])) == 3.0  # 1 2 3 4 6 7


def test_definition_by_hand():
    x, y, b = torch.tensor([[0.0], [1.0]]), torch.tensor([[2.0], [4.0]]), 1.5
    k = {d: math.exp(-(d**2) / (2 * b * b)) for d in (1, 2, 3, 4)}
    by_hand = 100 * (k[1] + k[2] - 2 * (k[2] + k[4] + k[1] + k[3]) / 4)
    assert kernel_distance(x, y, bandwidth=b) == pytest.approx(by_hand, rel=1e-6)


@pytest.mark.parametrize("kernel", ["gaussian", "iq", "imq"])
def test_zero_on_average_for_one_distribution_and_growing_with_a_shift(kernel):
    same = [kernel_distance(normal(100, seed=2 * s), normal(100, seed=2 * s + 1), kernel) for s in range(20)]
    assert abs(sum(same) / 20) < 0.2
    assert min(same) < 0 < max(same)
    near, far = (kernel_distance(normal(100), normal(100, shift=shift, seed=1), kernel) for shift in (0.3, 1.0))
    assert 1 < near < far


def test_blocks_do_not_change_the_answer(monkeypatch):
    x, y = normal(50), normal(40, shift=0.5, seed=1)
    whole = kernel_distance(x, y)
    monkeypatch.setattr("megami.evaluation.measures.kad.ROWS_AT_ONCE", 7)
    assert kernel_distance(x, y) == pytest.approx(whole, rel=1e-9)


def test_impossible_questions_are_refused():
    with pytest.raises(ValueError, match="two items"):
        kernel_distance(normal(5), normal(1))
    with pytest.raises(ValueError, match="unknown kernel"):
        kernel_distance(normal(5), normal(5), kernel="linear")
    songs = list(normal(4).split(2))
    with pytest.raises(ValueError, match="no role"):
        kad_by_role_row("", "", songs, songs, list(torch.arange(4).split(2)), (1, 1))


def test_by_role_is_the_weighted_mean_with_one_bandwidth():
    roles = [torch.tensor([0, 0, 1]), torch.tensor([1, 0, 0])]
    x, y = (list(normal(18, shift=shift, seed=seed).split(9)) for shift, seed in ((0, 0), (0.4, 1)))
    row = kad_by_role_row("", "", x, y, roles, (3, 3))
    role = torch.cat([own.repeat(3) for own in roles])
    x_all, y_all = torch.cat(x), torch.cat(y)
    apart = [kernel_distance(x_all[role == k], y_all[role == k], bandwidth=median_bandwidth(x_all)) for k in (0, 1)]
    assert row.value == pytest.approx((12 * apart[0] + 6 * apart[1]) / 18, rel=1e-9)


def test_roles_hide_nothing_that_is_swapped_between_them():
    """Two roles that change places look the same together, and very different apart."""
    low, high = normal(60, shift=-2), normal(60, shift=2, seed=1)
    swapped = normal(60, shift=2, seed=3), normal(60, shift=-2, seed=4)
    x, y = ([torch.stack(pair) for pair in zip(*sides, strict=True)] for sides in ((low, high), swapped))
    assert kernel_distance(torch.cat(x), torch.cat(y)) < 2
    assert kad_by_role_row("", "", x, y, [torch.arange(2)] * 60, (1, 1)).value > 50


def test_memory_stays_small_for_large_sets(monkeypatch):
    """The largest matrix of pairs has so many rows, however many items the songs have."""
    seen = []
    plain = kad.kernel_values

    def watched(squared, *options):
        seen.append(squared.shape)
        return plain(squared, *options)

    monkeypatch.setattr(kad, "kernel_values", watched)
    monkeypatch.setattr(kad, "ROWS_AT_ONCE", 8)
    songs = list(normal(60).split([13, 20, 27]))
    kad_row("", "", songs, songs)
    assert max(rows for rows, _ in seen) == 8


def songs_of(shift: float, seed: int) -> list[torch.Tensor]:
    return list(normal(30, shift=shift, seed=seed).split([4, 6, 5, 8, 7]))


def test_many_draws_at_once_are_the_same_as_one_by_one():
    sums = kad.kernel_sums(songs_of(0, 0), songs_of(0.4, 1))
    draws = np.array([[1, 1, 1, 1, 1], [2, 0, 1, 1, 1], [0, 0, 0, 3, 2]], dtype=np.float64)
    assert sums.distances(draws) == pytest.approx([sums.distance(weights) for weights in draws], rel=1e-12)
    assert sums.distances(draws)[0] == pytest.approx(
        kernel_distance(torch.cat(songs_of(0, 0)), torch.cat(songs_of(0.4, 1))), rel=1e-9
    )


def test_a_song_that_is_drawn_twice_weighs_twice():
    """But the items of a song are not compared with themselves, however often it is drawn."""
    sums = kad.kernel_sums(songs_of(0, 0), songs_of(0.4, 1))
    twice = np.array([2.0, 1.0, 0.0, 0.0, 0.0])
    within = (4 * sums.within_x[0, 0] + sums.within_x[1, 1] + 4 * sums.within_x[0, 1]) / (4 * 12 + 30 + 4 * 24)
    other = (4 * sums.within_y[0, 0] + sums.within_y[1, 1] + 4 * sums.within_y[0, 1]) / (4 * 12 + 30 + 4 * 24)
    pairs = 4 * 16 + 36 + 2 * 24 + 2 * 24
    across = (2 * np.array([[2, 1], [1, 0.5]]) * sums.across[:2, :2]).sum() / pairs
    assert sums.distances(twice[None])[0] == pytest.approx(100 * (within + other - 2 * across), rel=1e-9)


def test_sums_of_some_songs_are_those_of_a_set_with_these_songs_alone():
    x, y = songs_of(0, 0), songs_of(0.4, 1)
    chosen = np.array([3, 0, 4])
    width = median_bandwidth(torch.cat(x))
    alone = kernel_distance(torch.cat([x[i] for i in chosen]), torch.cat([y[i] for i in chosen]), bandwidth=width)
    assert kad.kernel_sums(x, y).take(chosen).distance(np.ones(3)) == pytest.approx(alone, rel=1e-9)
