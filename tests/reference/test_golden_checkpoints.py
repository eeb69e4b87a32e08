"""The paper's networks against the list of keys and shapes in the published checkpoints, at full size."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

from megami.adaptation import DomainAdaptor
from megami.generator import MultitrackTransformer
from megami.presets import preset
from megami.processor import FilmTCN
from megami.published.key_tables import (
    convert_adaptor,
    convert_tcn,
    convert_transformer,
    publish_adaptor,
    publish_tcn,
    publish_transformer,
    transformer_config,
)


@pytest.fixture(scope="module")
def networks(golden_words) -> dict:
    """The published networks: name -> configuration, parameter count, shape per key."""
    return golden_words("checkpoints")["networks"]


def check(listed: dict, network: nn.Module, convert, publish) -> None:
    """Every listed key has its place in our network, with its shape, and the other way round."""
    shapes = {key: tuple(shape) for key, shape in listed["state_dict"].items()}
    ours = convert({key: torch.empty(shape, device="meta") for key, shape in shapes.items()}, network)
    assert set(ours) == set(network.state_dict())
    assert {key: tuple(value.shape) for key, value in publish(ours).items()} == shapes
    assert len(shapes) == listed["n_keys"]
    assert sum(p.numel() for p in network.parameters()) == listed["parameters"]


def test_generator(networks):
    listed = networks["FxGenerator"]
    assert transformer_config(listed["config"]) == replace(preset("paper").transformer, extra_tracks="zeros")
    network = MultitrackTransformer(preset("paper").transformer)  # normal draws on the meta device import for seconds
    check(listed, network, convert_transformer, publish_transformer)
    assert listed["parameters"] == 76_620_928


def test_effect_processor(networks):
    with torch.device("meta"):
        network = FilmTCN(preset("paper").tcn)
    check(networks["FxProcessor"], network, convert_tcn, publish_tcn)
    assert networks["FxProcessor"]["parameters"] == 12_610_434


def test_adaptor(networks):
    with torch.device("meta"):
        network = DomainAdaptor(preset("paper").adaptor)
    check(networks["CLAP_domain_adaptor"], network, convert_adaptor, publish_adaptor)
    assert networks["CLAP_domain_adaptor"]["parameters"] == 525_312
