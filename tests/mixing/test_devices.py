"""Networks on several devices: a second mixer takes nothing from the first."""

from __future__ import annotations

import torch

from megami.mixing.pretrained import from_pretrained

PARTS = ("fx_encoder", "content_encoder", "adaptor", "generator", "processor")


def devices(network: torch.nn.Module) -> set[str]:
    return {tensor.device.type for tensor in (*network.parameters(), *network.buffers())}


def test_networks_on_another_device_are_copies(random_weights):
    first = from_pretrained(random_weights)
    second = first.to("meta")
    for name in PARTS:
        one, other = getattr(first, name), getattr(second, name)
        assert devices(one) == {"cpu"} and devices(other) == {"meta"}
        shapes = [{key: value.shape for key, value in part.state_dict().items()} for part in (one, other)]
        assert shapes[0] == shapes[1] and not other.training
        assert not any(parameter.requires_grad for parameter in other.parameters())
    assert second.preset == first.preset and second.fxnorm is None


def test_networks_that_are_there_already_are_shared(random_weights):
    first = from_pretrained(random_weights)
    second = first.to("cpu")
    assert all(getattr(first, name) is getattr(second, name) for name in PARTS)
