"""The kernel distance: its definition, its zero, and its form by class."""

from __future__ import annotations

import math

import pytest
import torch

from megami.evaluation import kernel_distance, kernel_distance_by_class, median_bandwidth


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
    monkeypatch.setattr("megami.evaluation.kad.ROWS_AT_ONCE", 7)
    assert kernel_distance(x, y) == pytest.approx(whole, rel=1e-9)


def test_impossible_questions_are_refused():
    with pytest.raises(ValueError, match="two items"):
        kernel_distance(normal(5), normal(1))
    with pytest.raises(ValueError, match="unknown kernel"):
        kernel_distance(normal(5), normal(5), kernel="linear")
    with pytest.raises(ValueError, match="no class"):
        kernel_distance_by_class(normal(4), normal(4), torch.arange(4), torch.arange(4))


def test_by_class_is_the_weighted_mean_with_one_bandwidth():
    x, y = normal(30), normal(30, shift=0.4, seed=1)
    a, b = torch.arange(30) % 3 == 0, torch.arange(30) % 2 == 0
    bandwidth = median_bandwidth(x)
    expected = (
        a.sum() * kernel_distance(x[a], y[b], bandwidth=bandwidth)
        + (~a).sum() * kernel_distance(x[~a], y[~b], bandwidth=bandwidth)
    ) / 30
    assert kernel_distance_by_class(x, y, a.long(), b.long()) == pytest.approx(float(expected), rel=1e-6)


def test_classes_hide_nothing_that_is_swapped_between_them():
    """Two classes that change places look the same together, and very different apart."""
    low, high = normal(60, shift=-2), normal(60, shift=2, seed=1)
    x = torch.cat([low, high])
    y = torch.cat([normal(60, shift=2, seed=3), normal(60, shift=-2, seed=4)])
    classes = torch.arange(120) // 60
    assert kernel_distance(x, y) < 2
    assert kernel_distance_by_class(x, y, classes, classes) > 50
