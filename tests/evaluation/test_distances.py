"""Distances with intervals over songs: they agree with the plain ones, and with closed forms."""

import numpy as np
import pytest
import torch

from megami.evaluation import kernel_distance
from megami.evaluation.measures.distances import fad_row, frechet_distance, kad_row
from megami.evaluation.measures.kad import kernel_sums
from megami.evaluation.results import Row, mean_row, song_weights, write_results


def songs(seed, counts=(6, 4, 9, 5), dim=3, shift=0.0):
    g = torch.Generator().manual_seed(seed)
    return [torch.randn(n, dim, generator=g) + shift for n in counts]


def test_unit_weights_give_the_plain_kernel_distance():
    x, y = songs(0), songs(1, (3, 7, 2, 8), shift=0.7)
    value = kernel_sums(x, y).distance(np.ones(4))
    assert value == pytest.approx(kernel_distance(torch.cat(x), torch.cat(y)), rel=1e-9)


def test_weights_leave_songs_out():
    x, y = songs(0), songs(1, (3, 7, 2, 8))
    whole = torch.cat(x)
    bandwidth = float(torch.pdist(whole.double()).median())
    expected = kernel_distance(torch.cat(x[:2]), torch.cat(y[:2]), bandwidth=bandwidth)
    assert kernel_sums(x, y).distance(np.array([1.0, 1.0, 0.0, 0.0])) == pytest.approx(expected, rel=1e-9)


def test_intervals_hold_the_value_and_tell_systems_apart():
    counts = (8,) * 12
    same = kad_row("same", "kad", songs(0, counts), songs(1, counts))
    other = kad_row("other", "kad", songs(0, counts), songs(1, counts, shift=1.5))
    assert same.low < same.value < same.high < other.low < other.value < other.high
    assert same.n == other.n == 96


def test_frechet_distance_of_normals_with_known_moments():
    """N(0, I) and N(m, 4 I) in 3 dimensions: |m|^2 + 3 (1 + 4 - 2 * 2)."""
    g = torch.Generator().manual_seed(0)
    x = torch.randn(40_000, 3, generator=g)
    y = 2 * torch.randn(40_000, 3, generator=g) + torch.tensor([1.0, 2.0, 0.0])
    assert frechet_distance(x, y) == pytest.approx(5 + 3, rel=0.02)
    assert frechet_distance(x, x) == pytest.approx(0, abs=1e-9)


def test_frechet_distance_agrees_with_the_matrix_root_where_items_are_few():
    from scipy.linalg import sqrtm

    x, y = torch.cat(songs(5, (9, 6), dim=20)).double(), torch.cat(songs(6, (30,), dim=20, shift=0.3)).double()
    a, b = np.cov(x.T.numpy()), np.cov(y.T.numpy())
    expected = float((x.mean(0) - y.mean(0)).square().sum()) + np.trace(a + b - 2 * sqrtm(a @ b).real)
    assert frechet_distance(x, y) == pytest.approx(expected, rel=1e-4)
    row = fad_row("a", "fad", [x[:9], x[9:]], [y[:15], y[15:]])
    assert row.value == pytest.approx(expected, rel=1e-4) and row.low <= row.value


def test_mean_rows_leave_out_what_has_no_value():
    row = mean_row("a", "m", [1.0, float("nan"), 3.0])
    assert (row.value, row.n) == (2.0, 2) and row.low >= 1 and row.high <= 3
    assert song_weights(5, 10).sum(1).tolist() == [5.0] * 10


def test_what_is_no_number_is_no_result(tmp_path):
    with pytest.raises(ValueError):
        write_results(tmp_path / "results.json", [Row("a", "m", float("nan"), 0.0, 1.0, 3)], {})
    assert not list(tmp_path.iterdir())
