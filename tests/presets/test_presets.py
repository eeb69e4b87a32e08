"""Presets fit together, survive JSON, and have the sizes that are promised."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from megami.errors import UserError
from megami.generator import MultitrackTransformer
from megami.presets import config_from_dict, config_to_dict, preset
from megami.presets.presets import PRESETS, Preset


@pytest.mark.parametrize("name", PRESETS)
def test_round_trip_through_json(name):
    chosen = preset(name)
    assert config_from_dict(Preset, json.loads(json.dumps(config_to_dict(chosen)))) == chosen


@pytest.mark.parametrize("name", PRESETS)
def test_noise_levels_fit_unit_vectors_in_the_published_proportion(name):
    chosen = preset(name)
    assert chosen.edm.sigma_data == pytest.approx(chosen.embedding.dim**-0.5, rel=0.2)
    assert chosen.edm.sigma_max / chosen.edm.sigma_data == pytest.approx(200)
    assert chosen.edm.sigma_data / chosen.edm.sigma_min == pytest.approx(50)


def test_the_small_generator_is_small_and_has_no_track_numbers():
    small = preset("small")
    network = MultitrackTransformer(small.transformer)
    assert sum(p.numel() for p in network.parameters()) < 3_100_000
    assert small.transformer.track_ids == "none"
    assert (small.transformer.tokens, small.transformer.cond_tokens) == (1, 4)


def test_the_paper_has_the_published_sizes():
    paper = preset("paper")
    assert (paper.embedding.dim, paper.embedding.num_tokens, paper.adaptor.dim) == (2112, 33, 512)
    assert (paper.processor_kind, paper.fxnorm, paper.transformer.max_tracks) == ("tcn", True, 14)


@pytest.mark.parametrize("change", [{"processor_kind": "magic"}, {"structured": None}])
def test_impossible_presets_are_refused(change):
    with pytest.raises(UserError):
        replace(preset("small"), **change)


def test_unknown_presets_are_refused():
    with pytest.raises(UserError, match="'big': choose from small, paper"):
        preset("big")
