"""Shapes that pass through a generator: in order, by name, and without memory for the published size."""

from __future__ import annotations

import torch

from megami.generator import trace_shapes
from megami.presets import GeneratorConfig, build_generator, preset
from megami.presets.networks import empty_network


def test_the_published_generator_is_walked_through_without_weights():
    paper = preset("paper")
    network = empty_network(GeneratorConfig(paper.transformer, paper.edm)).network
    stages = trace_shapes(network, tracks=7)
    assert all(weight.is_meta for weight in network.parameters())
    by_name = {stage.name: stage for stage in stages}
    assert by_name["input_mix"].given == (7, 64, 33)
    assert by_name["project_in"].answer == (1, 231, 512)
    assert by_name["blocks.0"].given == by_name["blocks.15"].answer == (1, 232, 512)
    assert by_name["blocks.3.cross_attention.key_value"].given == (1, 56, 128)  # 7 * 8 content tokens, with their ids
    assert by_name["project_out"].answer == (1, 231, 64)
    assert [stage.depth for stage in stages[:2]] == [0, 0] and by_name["blocks.0.feedforward"].depth == 2
    blocks = sum(stage.parameters for stage in stages if stage.kind == "Block")
    assert blocks == sum(weight.numel() for weight in network.blocks.parameters())


def test_stages_come_in_the_order_of_the_way_and_hooks_go():
    small = preset("small")
    torch.manual_seed(0)
    network = build_generator(GeneratorConfig(small.transformer, small.edm)).network
    names = [stage.name for stage in trace_shapes(network, tracks=3, batch=2)]
    way = ["input_mix", "project_in", "own_content", "time_embedding", "blocks.0", "blocks.0.self_attention",
           "blocks.0.cross_attention", "blocks.0.feedforward", "blocks.1", "project_out", "output_mix"]  # fmt: skip
    assert [name for name in names if name in way] == way
    assert len(names) == len(set(names))
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in network.modules())
