"""Parity of the pairwise metrics; the two with a perceptual filter of another project are not ours (`mss-*`)."""

from __future__ import annotations

import pytest
from run_names import names

from megami.evaluation import pairwise_metrics


def test_every_metric(golden):
    words, tensors = golden("metrics")
    metrics = pairwise_metrics(tensors["in.y"][None], tensors["in.y_hat"][None])
    ours = [name for name in names(words, "out.") if not name.startswith("out.mss-")]
    assert {name.removeprefix("out.") for name in ours} == set(metrics)
    for name in ours:
        value = metrics[name.removeprefix("out.")]
        assert value == pytest.approx(tensors[name].item(), rel=1e-3), name
        assert value == pytest.approx(words["case"]["values"][name], rel=1e-3), name
