"""Key tables: both ways, complete at full size, and anything else refused by name."""

from __future__ import annotations

import pytest
import torch

from megami.errors import UserError
from megami.generator import MultitrackTransformer, TransformerConfig
from megami.published.key_tables import convert_transformer, publish_transformer, transformer_config

SMALL = TransformerConfig(width=128, depth=2, heads=4, ff_mult=0.5, time_features=16)


@pytest.fixture(scope="module")
def published() -> dict[str, torch.Tensor]:
    return publish_transformer(MultitrackTransformer(SMALL).state_dict())


def test_there_and_back(published):
    network = MultitrackTransformer(SMALL)
    ours = convert_transformer(published, network)
    network.load_state_dict(ours)
    assert set(publish_transformer(ours)) == set(published)
    assert len(published) == 9 + 2 * 15


def test_a_missing_key_is_named(published):
    for key in list(published)[::7]:
        with pytest.raises(UserError, match=f"{key} is missing"):
            convert_transformer({name: value for name, value in published.items() if name != key})


def test_an_extra_key_is_named(published):
    with pytest.raises(UserError, match=r"taxonomy\.weight is unexpected"):
        convert_transformer(published | {"taxonomy.weight": torch.zeros(1)})


def test_a_block_too_few_is_named(published):
    with pytest.raises(UserError, match=r"blocks\.2.* is missing"):
        network = MultitrackTransformer(TransformerConfig(**{**vars(SMALL), "depth": 3}))
        convert_transformer(published, network)


def test_a_wrong_shape_is_named(published):
    network = MultitrackTransformer(SMALL)
    for key in list(published)[::7]:
        wrong = published | {key: torch.zeros(2, 1, 3)}
        with pytest.raises(UserError, match=rf"{key} has shape \[2, 1, 3\], expected"):
            convert_transformer(wrong, network)


def test_unsupported_options_are_refused():
    with pytest.raises(UserError, match="global_cond_dim = 3"):
        transformer_config({"global_cond_dim": 3})
    with pytest.raises(UserError, match="rotary"):
        transformer_config({"rotary": True})
