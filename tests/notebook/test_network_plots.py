"""Pictures of the generator: a square for each pair of tracks, a box for each stage, and names that do not fit."""

from __future__ import annotations

import numpy as np
import pytest

from megami.errors import UserError
from megami.generator import trace_shapes
from megami.notebook import map_places, plot_attention, plot_shapes
from megami.presets import GeneratorConfig, preset
from megami.presets.networks import empty_network


def test_a_darker_square_is_a_larger_share():
    shares = np.array([[0.0, 0.2], [0.8, 0.4]])
    picture = plot_attention({"layer": shares, "other": shares / 2}, ["bass", "vocal"], alt="Two squares of tracks.")
    axes = picture.figure.axes
    assert [axis.get_title(loc="left") for axis in axes] == ["layer", "other"]
    alphas = [axis.collections[0].get_alpha() for axis in axes]
    assert np.allclose(alphas[0], [0, 0.25, 1, 0.5]) and np.allclose(alphas[1], alphas[0] / 2)
    assert [label.get_text() for label in axes[0].get_yticklabels()] == ["bass", "vocal"]
    with pytest.raises(UserError, match=r"every panel is \[3, 3\]"):
        plot_attention({"layer": shares}, ["a", "b", "c"], alt="Nothing that fits.")


def test_nothing_to_look_at_is_an_empty_square():
    picture = plot_attention({"": np.zeros((2, 2))}, ["a", "b"], alt="An empty square of two tracks.")
    assert np.all(np.asarray(picture.figure.axes[0].collections[0].get_alpha()) == 0)


def test_shapes_in_the_picture_are_those_of_the_network():
    paper = preset("paper")
    network = empty_network(GeneratorConfig(paper.transformer, paper.edm)).network
    stages = trace_shapes(network, tracks=5)
    words = {"project_in": "widen", "blocks.0.self_attention": "look", "project_out": "back"}
    picture = plot_shapes(stages, words, repeats=16, alt="The way through a network of sixteen blocks.")
    written = [text.get_text() for text in picture.figure.axes[0].texts]
    shapes = [" \N{MULTIPLICATION SIGN} ".join(shape.split()) for shape in ("1 165 512", "1 166 512", "1 165 64")]
    for expected in ("widen", "look", "back", "\N{MULTIPLICATION SIGN} 16", *shapes):
        assert expected in written
    with pytest.raises(UserError, match="no stage of this network is called 'nobody'"):
        plot_shapes(stages, {"nobody": "nothing"}, repeats=1, alt="Nothing that is there.")


def test_places_on_a_map_keep_distances_in_the_plane():
    rng = np.random.default_rng(0)
    plane = rng.normal(size=(20, 2)) * [3, 1]
    points = plane @ np.linalg.qr(rng.normal(size=(5, 2)))[0].T
    places, shares = map_places({"a": points[:15], "b": points[15:]}, ["a", "b"])
    found = np.concatenate([places["a"], places["b"]])
    apart = np.linalg.norm(found[:, None] - found, axis=-1)
    assert np.allclose(apart, np.linalg.norm(plane[:, None] - plane, axis=-1))
    assert shares[0] > shares[1] and shares.sum() == pytest.approx(1)
