"""The TCN: sizes, blocks, condition, statistics."""

from __future__ import annotations

import pytest
import torch

from megami.processor import FilmTCN, TCNConfig

SMALL = TCNConfig(condition_dim=8, channels=6, blocks=3, kernel_size=7, dilation_growth=4)


def build(config: TCNConfig = SMALL) -> FilmTCN:
    torch.manual_seed(0)
    return FilmTCN(config).eval()


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return 0.1 * torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_published_size():
    with torch.device("meta"):
        network = FilmTCN(TCNConfig(condition_dim=2112, content_dim=512))
    assert sum(parameter.numel() for parameter in network.parameters()) == 12_610_434
    assert 2 * network.config.context + 1 == 229_363


@pytest.mark.parametrize("block", [50, 1000, 4999, 5000])
def test_blocks_give_the_whole_pass(block):
    network, dry, z = build(), noise(1, 1, 5000), noise(1, 8)
    with torch.no_grad():
        torch.testing.assert_close(network.render(dry, z, block=block), network(dry, z), rtol=0, atol=1e-6)


@torch.no_grad()
def test_context_is_exact():
    network, dry, z = build(), noise(1, 1, 2000), noise(1, 8)
    changed = dry.clone()
    changed[..., 1000] += 1
    moved = (network(dry, z) != network(changed, z)).any(1)[0].nonzero()
    assert int(moved.min()) >= 1000 - SMALL.context and int(moved.max()) <= 1000 + SMALL.context


@torch.no_grad()
def test_content_joins_the_condition():
    network = build(TCNConfig(condition_dim=8, content_dim=4, channels=6, blocks=2, kernel_size=3))
    dry, z = noise(1, 1, 500), noise(1, 8)
    assert (network(dry, z, noise(1, 4)) - network(dry, z, noise(1, 4, seed=1))).abs().max() > 1e-5
    with pytest.raises(ValueError, match="content"):
        network(dry, z)
    without = build()
    assert torch.equal(without(dry, z, noise(1, 4)), without(dry, z))


@torch.no_grad()
def test_items_do_not_influence_each_other_even_with_own_statistics():
    for own in (False, True):
        network = build(TCNConfig(condition_dim=8, channels=6, blocks=2, kernel_size=3, own_statistics=own))
        dry, z = noise(3, 1, 800) * torch.tensor([1.0, 5.0, 0.1])[:, None, None], noise(3, 8)
        alone = torch.cat([network(dry[i : i + 1], z[i : i + 1]) for i in range(3)])
        torch.testing.assert_close(network(dry, z), alone, rtol=0, atol=1e-6)


def test_every_parameter_learns():
    network = build().train()
    network(noise(2, 1, 2000), noise(2, 8)).square().mean().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() and p.grad.any() for p in network.parameters())


def test_even_kernels_are_refused():
    with pytest.raises(ValueError, match="odd"):
        FilmTCN(TCNConfig(kernel_size=8))
