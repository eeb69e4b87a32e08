"""Recorded attention is what the layers used, says nothing of absent tracks, and changes no answer."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch.testing import assert_close

from megami.generator import Denoiser, EDMConfig, MultitrackTransformer, TransformerConfig, record_attention
from megami.generator.attention import attention_weights
from megami.generator.transformer import Looking, attend

NO_IDS = TransformerConfig(
    io_channels=8, tokens=3, cond_dim=8, cond_tokens=2, width=32, depth=2, heads=4, ff_mult=1.0, time_features=8,
    position_dim=4, cond_position_dim=8, track_ids="none", zero_init=False,
)  # fmt: skip
NUMBERED = replace(NO_IDS, track_ids="one-hot", max_tracks=6, position_dim=10)


def make(config: TransformerConfig) -> Denoiser:
    torch.manual_seed(0)
    return Denoiser(MultitrackTransformer(config), EDMConfig()).eval()


def inputs(tracks: int, batch: int = 2) -> tuple[torch.Tensor, torch.Tensor]:
    g = torch.Generator().manual_seed(1)
    return torch.randn(batch, tracks, 8, 3, generator=g), torch.randn(batch, tracks, 2, 8, generator=g)


@torch.no_grad()
@pytest.mark.parametrize("config", [NO_IDS, NUMBERED])
def test_recording_changes_no_answer_and_leaves_no_hooks(config):
    denoiser, (x, cond) = make(config), inputs(5)
    before = denoiser(x, 0.1, cond)
    with record_attention(denoiser) as records:
        assert torch.equal(denoiser(x, 0.1, cond), before)
        denoiser(x, 0.2, cond)
    assert len(records) == 2
    denoiser(x, 0.1, cond)
    assert len(records) == 2
    assert not any(module._forward_pre_hooks for module in denoiser.modules())


@torch.no_grad()
def test_hooks_are_gone_after_an_error():
    denoiser, (x, cond) = make(NO_IDS), inputs(5)
    with pytest.raises(RuntimeError), record_attention(denoiser):
        denoiser(x, 0.1, cond[..., :3])
    assert not any(module._forward_pre_hooks for module in denoiser.modules())


@torch.no_grad()
def test_rows_sum_to_one_and_absent_tracks_are_not_looked_at():
    denoiser, (x, cond) = make(NO_IDS), inputs(5)
    mask = torch.tensor([[True, True, True, False, False], [True] * 5])
    with record_attention(denoiser) as (records):
        denoiser(x, 0.1, cond, mask)
    (record,) = records
    tracks, content = record.between_tracks(), record.to_content_of_tracks()
    assert tracks.shape == content.shape == (2, 2, 4, 5, 5)
    assert_close(content.sum(-1), torch.ones(2, 2, 4, 5))
    time = torch.stack(record.to_tokens)[..., 1:, 0].unflatten(-1, (5, 3)).mean(-1)
    assert_close(tracks.sum(-1) + time, torch.ones(2, 2, 4, 5))
    assert tracks[:, 0, :, :, 3:].abs().max() == 0 and content[:, 0, :, :, 3:].abs().max() == 0
    assert tracks[:, 1, :, :, 3:].min() > 0


@pytest.mark.parametrize("truths", [True, False])
def test_weights_are_those_that_the_layer_multiplies_with(truths):
    g = torch.Generator().manual_seed(2)
    q, k, v = (torch.randn(2, 3, length, 4, generator=g) for length in (5, 6, 6))
    bias = torch.randn(1, 1, 5, 6, generator=g)
    looking = Looking(q, k, v, bias > -0.5 if truths else bias)
    assert_close((attention_weights(looking) @ v).transpose(1, 2).flatten(2), attend(looking))


@torch.no_grad()
def test_a_track_without_numbers_prefers_its_own():
    denoiser, (x, cond) = make(NO_IDS), inputs(6)
    with record_attention(denoiser) as records:
        denoiser(x, 0.1, cond)
    shares = records[0].to_content_of_tracks()[:, :, :2].mean((0, 1, 2))  # half of the heads begin with that bias
    own = shares.diagonal()
    assert own.min() > 5 * (shares.sum(-1) - own).max() / 5
