"""Parity of the pairwise metrics; the two with a perceptual filter of another project are not ours (`mss-*`)."""

from __future__ import annotations

import pytest

from megami.evaluation import pairwise_metrics

OURS = ["logrms", "crestfactor", "logspread", "stereowidth", "stereoimbalance", "IM-mss-lr", "IM-mss-ms"]


@pytest.mark.parametrize("name", OURS)
def test_metric(golden, name):
    words, tensors = golden("metrics")
    metrics = pairwise_metrics(tensors["in.y"][None], tensors["in.y_hat"][None])
    assert metrics[name] == pytest.approx(tensors[f"out.{name}"].item(), rel=1e-3)
    assert metrics[name] == pytest.approx(words["case"]["values"][f"out.{name}"], rel=1e-3)
