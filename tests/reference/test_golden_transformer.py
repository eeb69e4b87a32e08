"""Parity of the transformer with the published network, on random weights."""

from __future__ import annotations

import pytest
import torch

from megami.generator import MultitrackTransformer
from megami.published.key_tables import convert_transformer, transformer_config


def golden_transformer(words: dict, tensors: dict[str, torch.Tensor]) -> MultitrackTransformer:
    """Build the network that a golden file describes, with its weights."""
    network = MultitrackTransformer(transformer_config(words["case"]["config"]))
    published = {key[2:]: value for key, value in tensors.items() if key.startswith("w.")}
    network.load_state_dict(convert_transformer(published, network))
    return network.eval()


@pytest.mark.parametrize("name", ["dit", "dit_gqa"])
def test_every_case_gives_the_published_output(golden, name):
    words, tensors = golden(name)
    network = golden_transformer(words, tensors)
    assert words["case"]["cases"]
    for case in words["case"]["cases"]:
        x, cond, cnoise, mask = (tensors[f"in.{case}.{part}"] for part in ("x", "cond", "cnoise", "mask"))
        with torch.no_grad():
            y = network(x, cnoise, cond, mask.bool())
        torch.testing.assert_close(y, tensors[f"out.{case}.y"], atol=1e-4, rtol=1e-4)
