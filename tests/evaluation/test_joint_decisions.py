"""Joint decisions read from plans: known plans have known measures, and shuffling takes away what is joint only."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional as F
from torch.testing import assert_close

from megami.embeddings import EmbeddingConfig, join_features
from megami.evaluation.measures.joint import (
    leaning_together,
    mix_levels_db,
    over_rest_db,
    pan_db,
    panning_balance_of_plans,
    shuffle_takes,
    track_levels_db,
)

EMBEDDING = EmbeddingConfig(fx_dim=16, dynamics_dim=64, spectrum_dim=0, token_dim=16)


def plans(levels_db: torch.Tensor, fx: torch.Tensor | None = None) -> torch.Tensor:
    """Plans with these levels [mixes, tracks, 2] (left, right) and effect codes."""
    shape = levels_db.shape[:2]
    fx = F.normalize(torch.ones(*shape, 16) if fx is None else fx, dim=-1)
    features = torch.zeros(*shape, 8)
    features[..., :2] = levels_db
    features[..., 2:6] = torch.tensor([15.0, 15.0, -20.0, -20.0])
    return join_features(EMBEDDING, fx, features)


def test_levels_and_positions_are_read_back():
    z = plans(torch.tensor([[[-20.0, -20.0], [-26.0, -20.0]]]))
    both = 10 * torch.log10(torch.tensor([2.0, 1 + 10**-0.6])) - 20
    assert_close(track_levels_db(EMBEDDING, z)[0], both, atol=1e-3, rtol=0)
    assert_close(pan_db(EMBEDDING, z)[0], torch.tensor([0.0, 6.0]), atol=1e-3, rtol=0)
    together = 10 * torch.log10((10 ** (both / 10)).sum())
    assert float(mix_levels_db(EMBEDDING, z)) == pytest.approx(float(together), abs=1e-3)
    assert float(over_rest_db(EMBEDDING, z, 0)) == pytest.approx(float(both[0] - both[1]), abs=1e-3)


def test_panned_tracks_that_answer_each_other_are_in_balance():
    answered = plans(torch.tensor([[[-20.0, -26.0], [-26.0, -20.0], [-20.0, -20.0]]]))
    one_sided = plans(torch.tensor([[[-20.0, -26.0], [-20.0, -26.0], [-20.0, -20.0]]]))
    in_middle = plans(torch.full((1, 3, 2), -20.0))
    assert panning_balance_of_plans(EMBEDDING, answered) == pytest.approx(1.0, abs=1e-3)
    assert panning_balance_of_plans(EMBEDDING, one_sided) == pytest.approx(0.0, abs=1e-3)
    assert np.isnan(panning_balance_of_plans(EMBEDDING, in_middle))


def test_tracks_of_one_taste_lean_together_until_they_are_shuffled():
    g = torch.Generator().manual_seed(0)
    taste = torch.randn(40, 1, 16, generator=g)  # of each mix
    own = torch.randn(1, 5, 16, generator=g)  # of each track
    z = plans(torch.full((40, 5, 2), -20.0), own + 0.5 * taste + 0.1 * torch.randn(40, 5, 16, generator=g))
    assert leaning_together(EMBEDDING, z) > 0.5
    assert abs(leaning_together(EMBEDDING, shuffle_takes(z, g))) < 0.1


def test_shuffling_deals_every_plan_once_and_keeps_it_with_its_track():
    g = torch.Generator().manual_seed(0)
    z = torch.arange(6.0 * 4).reshape(6, 4, 1)
    shuffled = shuffle_takes(z, g)
    assert torch.equal(shuffled.sort(dim=0).values, z)
    assert not torch.equal(shuffled, z)
