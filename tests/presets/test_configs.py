"""Configs survive JSON, and a config that is wrong is refused with the name of the field."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest

from megami.errors import UserError
from megami.generator import EDMConfig, TransformerConfig
from megami.presets.configs import config_from_dict, config_to_dict


@dataclass(frozen=True)
class Inner:
    size: int = 3
    ratio: float = 0.5


@dataclass(frozen=True)
class Outer:
    inner: Inner
    other: Inner | None = None
    sizes: tuple[int, ...] = (1, 2)
    pair: tuple[str, float] = ("a", 1.0)
    on: bool = False


@pytest.mark.parametrize(
    "config",
    [
        TransformerConfig(track_ids="none"),
        EDMConfig(),
        Outer(Inner()),
        Outer(Inner(4, 2), Inner(), (), ("b", 2.5), True),
    ],
)
def test_round_trip_through_json(config):
    assert config_from_dict(type(config), json.loads(json.dumps(config_to_dict(config)))) == config


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({}, "'inner' is missing"),
        ({"inner": {}, "colour": 1}, "unknown field 'colour'"),
        ({"inner": {"size": 2.5}}, "config.inner.size"),
        ({"inner": {"size": True}}, "config.inner.size"),
        ({"inner": {"ratio": "much"}}, "config.inner.ratio"),
        ({"inner": {}, "sizes": [1, "2"]}, r"config.sizes\[1\]"),
        ({"inner": {}, "pair": ["a"]}, "expected 2 values"),
        ({"inner": None}, "expected an object"),
        ({"inner": {}, "on": 1}, "config.on"),
    ],
)
def test_wrong_configs_are_refused_by_name(values, complaint):
    with pytest.raises(UserError, match=complaint):
        config_from_dict(Outer, values)
