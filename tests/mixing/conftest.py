"""The paper's system in every part and at toy size, with random weights: what is tested holds for any weights."""

from __future__ import annotations

import importlib.util
from dataclasses import replace

import pytest
import torch

from megami.adaptation import ClapConfig, ClapEncoder
from megami.generator import SamplingOptions
from megami.mixing.pretrained import Networks
from megami.presets import GeneratorConfig, build_network, preset
from megami.processor import FxNorm, TCNConfig

TINY_CLAP = ClapConfig(embed_dim=16, depths=(1, 1, 1, 1), heads=(1, 2, 4, 8))


@pytest.fixture(scope="session")
def tiny_paper() -> Networks:
    """Networks of the paper preset: CLAP, adaptor, numbered tracks, TCN with content, FxNorm."""
    if importlib.util.find_spec("laion_clap") is None:
        pytest.skip("laion-clap is not installed")
    transformer = replace(
        preset("paper").transformer, width=128, depth=2, heads=4, ff_mult=0.5, time_features=16, zero_init=False
    )
    tcn = TCNConfig(condition_dim=2112, content_dim=512, channels=4, blocks=3, kernel_size=5, dilation_growth=8)
    tiny = replace(preset("paper"), transformer=transformer, tcn=tcn, sampling=SamplingOptions(4, churn=10.0))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        clap = ClapEncoder(TINY_CLAP)
        adaptor = build_network(tiny.adaptor)
        generator = build_network(GeneratorConfig(transformer, tiny.edm))
        processor = build_network(tcn)
        with torch.no_grad():
            for block in processor.blocks:
                block.norm.running_mean.normal_(std=0.05)
                block.norm.running_var.uniform_(0.01, 0.1)
            processor.output.weight[1] = -processor.output.weight[0]  # both channels sound
            processor.output.bias.zero_()
    fxnorm = FxNorm(0.05 / (1 + torch.linspace(0, 22050, 2049) / 200))
    parts = [part.eval().requires_grad_(False) for part in (clap, adaptor, generator, processor, fxnorm)]
    return Networks(tiny, None, *parts)
