"""Distances of plans: what they count, and what they say of distributions and of deciding together."""

import numpy as np
import pytest
import torch

from megami.embeddings import EmbeddingConfig, encode_dynamics, encode_spectrum, join_parts
from megami.evaluation.measures.plan_distance import PlanMetric, aspects, energy_distance, plan_agreement

CONFIG = EmbeddingConfig(fx_dim=128, dynamics_dim=64, spectrum_dim=64)


def plans(mixes: int, tracks: int = 4, louder_db: float = 0.0, seed: int = 0) -> torch.Tensor:
    """Plans that vary in everything."""
    g = torch.Generator().manual_seed(seed)

    def vary(size: int, centre: float, spread: float) -> torch.Tensor:
        return centre + spread * torch.randn(mixes, tracks, size, generator=g)

    level, crest, ranges = vary(1, -25 + louder_db, 3).repeat(1, 1, 2), vary(2, 14, 2), vary(2, 8, 2)
    image = torch.cat([vary(1, 0.5, 0.1), vary(1, 0, 0.1)], dim=-1)
    dynamics = encode_dynamics(torch.cat([level, crest, ranges, image], dim=-1), CONFIG.dynamics_dim)
    fx = torch.nn.functional.normalize(vary(CONFIG.fx_dim, 0, 1), dim=-1)
    return join_parts(CONFIG, fx, dynamics, encode_spectrum(vary(24, -20, 4), vary(8, -20, 4)))


def metric() -> PlanMetric:
    return PlanMetric.of(CONFIG, [plans(20, seed=s) for s in (1, 2)])


def test_the_unit_is_what_varies_among_mixes_of_a_song():
    squares = metric().squares(plans(30, seed=3), plans(30, seed=4))
    assert squares.shape == (30, 30, 4)
    assert squares.mean().item() == pytest.approx(2.0, rel=0.1)  # two independent draws: twice the variance


def test_every_aspect_counts_the_same():
    here = plans(1)
    louder = aspects(CONFIG, plans(1, louder_db=6.0))
    level = (louder[3] - aspects(CONFIG, here)[3]).mean().item()
    assert level == pytest.approx(6.0, abs=0.5)
    unit = metric().units[3]
    moved = metric().squares(here, plans(1, louder_db=6.0)).mean().item()
    assert moved == pytest.approx((6.0 / unit) ** 2 / 7, rel=0.15)


def test_energy_distance_is_nothing_for_the_same_distribution_and_grows_with_the_difference():
    same, near, far = (
        energy_distance(metric(), plans(40, louder_db=db, seed=5), plans(40, seed=6)) for db in (0.0, 6.0, 12.0)
    )
    assert abs(same) < 0.02 < near < far


def test_tracks_that_follow_one_engineer_agree_and_shuffled_ones_do_not():
    theirs, engineers = plans(5), np.array(list("abcde"))
    assert plan_agreement(metric(), theirs, theirs, engineers) == 1.0
    mixed = torch.stack([theirs[(torch.arange(4) + k) % 5, torch.arange(4)] for k in range(5)])
    assert plan_agreement(metric(), mixed, theirs, engineers) == pytest.approx(0.25)  # each track another engineer
