"""Knobs that say what a chain does have no error; each wrong one has some; what is not there does not count."""

import math
from dataclasses import replace

import pytest
import torch

from megami.corpus.space import NAMES, read_spaces
from megami.effects import Delay, EffectChain, Reverb
from megami.embeddings import FxEncoder, FxEncoderConfig
from megami.processor import SpaceKnobs, StructuredConfig, StructuredProcessor
from megami.processor.space_head import soft_bins
from megami.training.recipes.fx_encoder import FxEncoderTask
from megami.training.recipes.processor import ProcessorTask
from megami.training.recipes.space import space_loss

BOTH = EffectChain((Delay(time_ms=250.0, feedback=0.4, wet=0.3, ping_pong=1), Reverb(decay_s=1.5, wet=0.4)))


def knobs_of(chain: EffectChain) -> tuple[SpaceKnobs, torch.Tensor]:
    space = read_spaces([chain.to_json()])
    true = dict(zip(NAMES, space.T, strict=True))
    sure = {name: 40 * true[name] - 20 for name in ("reverb", "echo", "ping_pong")}
    rest = {name: true[name] for name in ("log_decay", "log_damping", "feedback")}
    levels = {"reverb_db": true["reverb_level_db"], "echo_db": true["echo_level_db"]}
    time = soft_bins(true["log_echo_time"]).clamp_min(1e-9).log()
    return SpaceKnobs(time=time, **sure, **rest, **levels), space


@pytest.mark.parametrize("chain", [BOTH, EffectChain(), EffectChain((Reverb(),)), EffectChain((Delay(),))])
def test_the_true_knobs_have_no_error(chain):
    assert space_loss(*knobs_of(chain)).item() == pytest.approx(0, abs=1e-3)


@pytest.mark.parametrize("name", [name for name in SpaceKnobs.__dataclass_fields__ if name != "time"])
def test_each_wrong_knob_counts_and_only_where_there_is_something_to_set(name):
    knobs, space = knobs_of(BOTH)
    wrong = replace(knobs, **{name: getattr(knobs, name) - 30.0})
    assert space_loss(wrong, space) > 0.3
    if name not in ("reverb", "echo"):
        nothing, space = knobs_of(EffectChain())
        assert space_loss(replace(nothing, **{name: getattr(nothing, name) - 30.0}), space) < 1e-3


def test_a_wrong_time_counts():
    knobs, space = knobs_of(BOTH)
    late = soft_bins(torch.tensor([math.log(0.3)])).clamp_min(1e-9).log()
    assert space_loss(replace(knobs, time=late), space) > 3


def test_the_encoder_and_the_processor_are_taught_reverb_and_echo():
    """Their lessons reach what hears echoes, and what sets them, also by the views of chains alone."""
    torch.manual_seed(0)
    encoder = FxEncoder(FxEncoderConfig(echoes=True))
    space = read_spaces([BOTH.to_json(), EffectChain().to_json()])
    batch = {"mels": torch.randn(2, 2, 4, 64, 70), "cepstra": torch.randn(2, 2, 2, 192, 1), "space": space}
    FxEncoderTask(encoder).train()(batch, torch.Generator())["loss"].backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in encoder.space.parameters())

    processor = StructuredProcessor(StructuredConfig.with_echoes(StructuredConfig().embedding))
    task = ProcessorTask(processor, encoder).train()
    dry = 0.1 * torch.randn(2, 1, 40_000)
    dry[..., 20_000:] = 0
    wet = torch.cat([dry.roll(5000, -1) + dry, dry - dry.roll(3000, -1)], dim=1)
    z = torch.nn.functional.normalize(torch.randn(2, 256), dim=-1)
    crops = {"dry": dry, "wet": wet, "z": z, "content": torch.zeros(2, 1), "space": torch.zeros_like(space)}
    alone = task(crops, torch.Generator())["space"]
    heard = {"heard_z": z[:, None].expand(-1, 4, -1), "heard_space": space[:, None].expand(-1, 4, -1)}
    losses = task(crops | heard, torch.Generator())
    assert losses["space"] > alone and losses["decay"] > 0
    losses["loss"].backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in processor.space.parameters())
