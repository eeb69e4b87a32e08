"""Energy distance of points: against its definition and a known case, without bias, and zero only for equal clouds."""

import math

import pytest
import torch

from megami.evaluation.measures.energy import energy_distance, energy_of_distances


def cloud(points: int, centre: float = 0.0, spread: float = 1.0, seed: int = 0, dim: int = 2) -> torch.Tensor:
    return centre + spread * torch.randn(points, dim, generator=torch.Generator().manual_seed(seed))


def test_three_points_by_hand():
    a, b = torch.tensor([[0.0, 0.0], [3.0, 4.0]]), torch.tensor([[0.0, 4.0], [3.0, 0.0]])
    assert energy_distance(a, b).item() == pytest.approx(2 * (4 + 3 + 3 + 4) / 4 - 5 - 5)


def test_normal_distributions_in_one_dimension():
    # E|N(0, 2)| is 2 / sqrt(pi); for means so far apart that the order never changes, E|A - B| is their distance.
    a, b = cloud(2000, dim=1, seed=1), cloud(2000, centre=10.0, dim=1, seed=2)
    assert energy_distance(a, b).item() == pytest.approx(20 - 4 / math.sqrt(math.pi), abs=0.15)


def test_without_bias_and_far_sets_farther():
    pairs = [(cloud(12, seed=2 * k), cloud(9, seed=2 * k + 1)) for k in range(300)]
    same = torch.stack([energy_distance(*pair) for pair in pairs])
    assert abs(same.mean().item()) < 3 * same.std().item() / math.sqrt(len(same))
    assert (same < 0).any() and (same > 0).any()
    shifted = [energy_distance(cloud(400), cloud(400, centre=by, seed=1)).item() for by in (0.0, 0.5, 1.0)]
    assert abs(shifted[0]) < 0.02 < shifted[1] < shifted[2]


def test_it_sees_a_spread_that_the_mean_does_not():
    narrow = energy_distance(cloud(400, spread=0.3), cloud(400, seed=1)).item()
    assert narrow > 0.2


def test_many_pairs_at_once():
    a, b = torch.stack([cloud(6, seed=k) for k in range(3)]), torch.stack([cloud(5, seed=9 + k) for k in range(3)])
    together = energy_distance(a, b)
    assert together.shape == (3,)
    assert torch.allclose(together, torch.stack([energy_distance(*pair) for pair in zip(a, b, strict=True)]))


def test_far_from_the_origin_nothing_is_lost():
    a, b = cloud(50), cloud(50, seed=1)
    assert energy_distance(a + 1e4, b + 1e4).item() == pytest.approx(energy_distance(a, b).item(), abs=1e-3)


def test_from_distances_of_any_kind():
    across, within = torch.tensor([[1.0, 3.0]]), torch.tensor([[0.0, 2.0], [2.0, 0.0]])
    twice = torch.tensor([[0.0, 4.0], [4.0, 0.0]])
    assert energy_of_distances(across, within, twice).item() == pytest.approx(2 * 2 - 2 - 4)
