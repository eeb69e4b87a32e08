"""Parity of the domain adaptor."""

from __future__ import annotations

import torch

from megami.adaptation import AdaptorConfig, DomainAdaptor


def first_and_last_layer(weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Our names for a two-layer network whose layers are numbered in order."""
    layers = sorted({name.rsplit(".", 1)[0] for name in weights})
    ours = dict(zip(layers, ("inner", "outer"), strict=True))
    return {f"{ours[name.rsplit('.', 1)[0]]}.{name.rsplit('.', 1)[1]}": value for name, value in weights.items()}


def test_adapted_embeddings(golden):
    words, tensors = golden("adaptor")
    weights = {name.removeprefix("w."): value for name, value in tensors.items() if name.startswith("w.")}
    adaptor = DomainAdaptor(AdaptorConfig(**words["case"]["config"]))
    adaptor.load_state_dict(first_and_last_layer(weights))
    torch.testing.assert_close(adaptor(tensors["in.x"]), tensors["out.y"], atol=1e-6, rtol=0)
