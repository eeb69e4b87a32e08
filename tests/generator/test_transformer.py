"""What the transformer promises about tracks, masks and its start."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch.testing import assert_close

from megami.errors import UserError
from megami.generator import MultitrackTransformer, TransformerConfig

NO_IDS = TransformerConfig(
    tokens=4,
    cond_dim=16,
    cond_tokens=2,
    width=64,
    depth=2,
    heads=4,
    ff_mult=1.0,
    time_features=16,
    position_dim=4,
    cond_position_dim=16,
    track_ids="none",
    zero_init=False,
)
ONE_HOT = replace(NO_IDS, track_ids="one-hot", max_tracks=14, position_dim=18)


def make(config: TransformerConfig) -> MultitrackTransformer:
    torch.manual_seed(0)
    return MultitrackTransformer(config).eval()


def inputs(tracks: int, batch: int = 1, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    g = torch.Generator().manual_seed(seed)
    x = torch.randn(batch, tracks, 64, 4, generator=g)
    return x, torch.randn(batch, 1, generator=g), torch.randn(batch, tracks, 2, 16, generator=g)


@torch.no_grad()
def run(network: MultitrackTransformer, x, cnoise, cond, mask=None):
    return network(x, cnoise, cond, mask)


def test_without_ids_permuting_the_tracks_permutes_the_answer():
    network, (x, cnoise, cond) = make(NO_IDS), inputs(7)
    order = torch.tensor([3, 0, 6, 2, 5, 1, 4])
    straight = run(network, x, cnoise, cond)
    assert_close(run(network, x[:, order], cnoise, cond[:, order]), straight[:, order], atol=1e-5, rtol=1e-5)


def test_with_ids_the_order_matters():
    network, (x, cnoise, cond) = make(ONE_HOT), inputs(3)
    order = torch.tensor([2, 0, 1])
    difference = run(network, x[:, order], cnoise, cond[:, order]) - run(network, x, cnoise, cond)[:, order]
    assert difference.abs().max() > 1e-3


def test_without_ids_a_track_still_knows_which_content_is_its_own():
    """Exchanging the content of two tracks, but not their noise, must not merely go unnoticed."""
    network, (x, cnoise, cond) = make(NO_IDS), inputs(2)
    difference = run(network, x, cnoise, cond[:, [1, 0]]) - run(network, x, cnoise, cond)
    assert difference.abs().max() > 1e-3
    for block in network.blocks:  # and it is the bias alone that tells
        torch.nn.init.zeros_(block.cross_attention.track_bias.same_track)
    difference = run(network, x, cnoise, cond[:, [1, 0]]) - run(network, x, cnoise, cond)
    assert difference.abs().max() < 1e-5


def test_tracks_hear_each_other():
    network, (x, cnoise, cond) = make(NO_IDS), inputs(3)
    changed = x.clone()
    changed[:, 2] += 1.0
    assert (run(network, changed, cnoise, cond) - run(network, x, cnoise, cond))[:, 0].abs().max() > 1e-4


@pytest.mark.parametrize("config", [NO_IDS, ONE_HOT], ids=["none", "one-hot"])
def test_absent_tracks_do_not_disturb_the_others(config):
    network, (x, cnoise, cond) = make(config), inputs(5)
    mask = torch.tensor([[True, True, True, False, False]])
    padded = run(network, x, cnoise, cond, mask)
    assert_close(padded[:, :3], run(network, x[:, :3], cnoise, cond[:, :3]), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("config", [NO_IDS, ONE_HOT], ids=["none", "one-hot"])
def test_an_item_without_tracks_stays_finite(config):
    network, (x, cnoise, cond) = make(config), inputs(3, batch=2)
    mask = torch.tensor([[True, True, True], [False, False, False]])
    y = network(x, cnoise, cond, mask)
    y[0].square().mean().backward()
    assert y.isfinite().all()
    assert all(p.grad.isfinite().all() for p in network.parameters() if p.grad is not None)


@pytest.mark.parametrize("config", [NO_IDS, ONE_HOT], ids=["none", "one-hot"])
def test_forty_tracks(config):
    y = run(make(config), *inputs(40))
    assert y.shape == (1, 40, 64, 4) and y.isfinite().all()


def test_track_numbers_end_or_start_again():
    ends, wraps = make(ONE_HOT).track_codes(16), make(replace(ONE_HOT, extra_tracks="wrap")).track_codes(16)
    assert torch.equal(ends[:14], torch.eye(14)) and (ends[14:] == 0).all()
    assert torch.equal(wraps[14:], torch.eye(14)[:2])


def test_training_starts_from_a_linear_map():
    """All residual branches are zero at first: the answer depends on neither noise level, content nor other tracks."""
    network = make(replace(NO_IDS, zero_init=True))
    x, cnoise, cond = inputs(3)
    y = run(network, x, cnoise, cond)
    assert_close(
        run(network, 2 * x, cnoise, cond) - run(network, x, cnoise, cond), y - run(network, 0 * x, cnoise, cond)
    )
    assert torch.equal(run(network, x, cnoise + 1, 3 * cond), y)


def test_every_parameter_learns():
    network, (x, cnoise, cond) = make(NO_IDS), inputs(3)
    network(x, cnoise, cond).square().mean().backward()
    still = [name for name, p in network.named_parameters() if p.grad is None or p.grad.abs().max() == 0]
    assert still == []


def test_too_many_tokens_are_refused():
    network, (x, cnoise, cond) = make(NO_IDS), inputs(2)
    with pytest.raises(UserError, match="5 tokens"):
        network(torch.cat([x, x[..., :1]], dim=-1), cnoise, cond)


@pytest.mark.parametrize("change", [{"heads": 5}, {"cond_dim": 15}, {"track_ids": "both"}, {"position_dim": 3}])
def test_impossible_sizes_are_refused(change):
    with pytest.raises(UserError):
        replace(NO_IDS, **change)
