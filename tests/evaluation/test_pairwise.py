"""Pairwise metrics are zero for equal clips and follow the one property that was changed."""

from __future__ import annotations

import pytest
import torch

from megami.evaluation import pairwise_metrics


def clips(items: int = 2) -> torch.Tensor:
    return torch.randn(items, 2, 22050, generator=torch.Generator().manual_seed(0)) * 0.1


def test_equal_clips_differ_in_nothing():
    assert all(value == 0 for value in pairwise_metrics(clips(), clips()).values())


def test_gain_shows_in_the_level_alone():
    metrics = pairwise_metrics(clips(), clips() * 2)
    assert metrics["logrms"] == pytest.approx(6.0206, abs=1e-3)
    for name in ("crestfactor", "logspread", "stereowidth", "stereoimbalance"):
        assert metrics[name] == pytest.approx(0, abs=1e-3)
    assert metrics["IM-mss-lr"] > 0.1


def test_balance_shows_in_the_imbalance():
    target = clips()
    output = target * torch.tensor([1.0, 0.0])[:, None]
    assert pairwise_metrics(target, output)["stereoimbalance"] == pytest.approx(1, abs=0.05)


def test_examples_are_averaged():
    a, b = clips(), clips().flip(-1) * 0.7
    each = [pairwise_metrics(a[i : i + 1], b[i : i + 1]) for i in range(2)]
    for name, value in pairwise_metrics(a, b).items():
        assert value == pytest.approx(sum(one[name] for one in each) / 2, rel=1e-4)


def test_unequal_counts_are_refused():
    with pytest.raises((ValueError, RuntimeError)):
        pairwise_metrics(clips(2), clips(3))
