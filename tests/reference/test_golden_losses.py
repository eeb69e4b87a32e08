"""The processor's training loss against the published one, every term."""

from __future__ import annotations

import pytest
import torch
from run_names import only_name

from megami.processor import embedding_loss, processor_loss_paper, spectral_loss_terms

RELATIVE = 1e-4


@pytest.fixture(scope="module")
def tensors(golden):
    return golden("losses")[1]


@pytest.fixture(scope="module")
def words(golden):
    return golden("losses")[0]


def assert_close(actual: torch.Tensor, expected: torch.Tensor) -> None:
    torch.testing.assert_close(actual, expected.reshape(actual.shape), rtol=RELATIVE, atol=0)


def test_every_term(tensors):
    terms = spectral_loss_terms(tensors["in.pred"], tensors["in.target"])
    assert_close(terms.midside_magnitude, tensors["out.midside_magnitude_terms"])
    assert_close(terms.midside_log, tensors["out.midside_log_terms"])
    assert_close(terms.left_right_magnitude, tensors["out.lr_magnitude_terms"])
    assert_close(terms.left_right_log, tensors["out.lr_log_terms"])


def test_sums_over_scales(tensors):
    terms = spectral_loss_terms(tensors["in.pred"], tensors["in.target"])
    assert_close(terms.midside, tensors["out.loss_mss_midside"])
    assert_close(terms.left_right, tensors["out.loss_mss_lr"])


def test_total(words, tensors):
    projections = tensors["in.z_pred"], tensors["in.z_target"]
    assert_close(embedding_loss(*projections), tensors["out.loss_fxenc"])
    weights = words["settings"]["weights"]
    total = processor_loss_paper(tensors["in.pred"], tensors["in.target"], *projections, weights)
    assert_close(total, tensors[only_name(words, "out.total_")])
