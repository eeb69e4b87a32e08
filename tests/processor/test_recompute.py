"""Activation checkpointing: the same gradients and statistics, of which less is kept on the way."""

from __future__ import annotations

import pytest
import torch

from megami.processor import FilmTCN, TCNConfig

CONFIG = TCNConfig(condition_dim=8, channels=6, blocks=4, kernel_size=5)


def learn(recompute: bool, training: bool = True) -> tuple[FilmTCN, int]:
    """A network after the backward pass of one batch, and how many bytes it kept for it."""
    generator = torch.Generator().manual_seed(1)
    dry, z = torch.randn(3, 1, 4000, generator=generator), torch.randn(3, 8, generator=generator)
    torch.manual_seed(0)
    network = FilmTCN(CONFIG).train(training)
    network.recompute = recompute
    kept: dict[int, int] = {}

    def count(tensor: torch.Tensor) -> torch.Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(count, lambda tensor: tensor):
        wet = network(dry, z)
    wet.square().mean().backward()
    return network, sum(kept.values())


@pytest.mark.parametrize("training", [True, False])
def test_gradients_and_statistics_are_those_of_the_plain_pass(training):
    (plain, _), (again, _) = learn(False, training), learn(True, training)
    assert any(bool(parameter.grad.any()) for parameter in plain.blocks.parameters())
    for (name, one), other in zip(plain.named_parameters(), again.parameters(), strict=True):
        torch.testing.assert_close(one.grad, other.grad, rtol=1e-5, atol=1e-8, msg=name)
    for (name, one), other in zip(plain.state_dict().items(), again.state_dict().values(), strict=True):
        assert torch.equal(one, other), name  # each batch is counted once
    if training:
        assert int(again.blocks[0].norm.num_batches_tracked) == 1 and again.blocks[0].norm.momentum == 0.1


def test_less_is_kept():
    assert learn(True)[1] < learn(False)[1] / 3


def test_without_gradients_nothing_is_kept_or_computed_again():
    network = FilmTCN(CONFIG).eval()
    dry, z = torch.randn(1, 1, 500), torch.randn(1, 8)
    with torch.no_grad():
        plain = network(dry, z)
        network.recompute = True
        assert torch.equal(network(dry, z), plain)
