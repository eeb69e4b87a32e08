"""Losses: zero when equal, blind to the level of a channel, deaf to other items, finite for silence."""

from __future__ import annotations

import pytest
import torch

from megami.processor import (
    level_per_channel,
    match_level_per_channel,
    mid_side_error_db,
    processor_loss_paper,
    small_spectral_errors,
    small_spectral_loss,
)


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return 0.1 * torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_small_loss_is_zero_for_equal_signals_at_any_level_and_balance():
    target = noise(2, 2, 20000)
    gains = torch.tensor([[[0.1], [3.0]], [[2.0], [0.5]]])
    assert small_spectral_errors(target * gains, target).max() < 1e-3
    assert small_spectral_errors(target * gains, target, keep_balance=True).max() < 1e-3


def test_small_loss_grows_with_the_change():
    target = noise(1, 2, 20000)
    added = noise(1, 2, 20000, seed=1)
    errors = [float(small_spectral_loss(target + share * added, target)) for share in (0.1, 0.3, 1.0)]
    assert errors == sorted(errors) and errors[0] > 0.01


def test_side_counts_even_where_the_target_is_mono():
    target = noise(1, 1, 20000).expand(1, 2, -1)
    wide = target + 0.1 * noise(1, 1, 20000, seed=1) * torch.tensor([[1.0], [-1.0]])
    assert small_spectral_loss(wide, target) > 0.3


def test_items_do_not_influence_each_other():
    a, b = noise(1, 2, 20000), noise(1, 2, 20000, seed=1)
    target = noise(1, 2, 20000, seed=2)
    together = small_spectral_errors(torch.cat([a, b]), torch.cat([target, a]))
    torch.testing.assert_close(together, torch.cat([small_spectral_errors(a, target), small_spectral_errors(b, a)]))


@pytest.mark.parametrize("samples", [1, 100, 20000])
def test_silence_and_short_clips_are_finite_with_finite_gradients(samples):
    for prediction in (torch.zeros(1, 2, samples), noise(1, 2, samples)):
        prediction.requires_grad_()
        loss = small_spectral_loss(prediction, torch.zeros(1, 2, samples))
        loss = loss + small_spectral_loss(prediction, noise(1, 2, samples, seed=3))
        loss.backward()
        assert loss.isfinite() and prediction.grad.isfinite().all()


def test_level_matching():
    audio, target = noise(1, 2, 5000), noise(1, 2, 5000, seed=1) * torch.tensor([[1.0], [0.1]])
    matched = match_level_per_channel(audio, target)
    torch.testing.assert_close(matched.square().mean(-1), target.square().mean(-1), rtol=1e-3, atol=0)
    assert not match_level_per_channel(torch.zeros_like(audio), target).any()
    torch.testing.assert_close(level_per_channel(target, 0.2).square().mean(-1).sqrt(), torch.full((1, 2), 0.2))


def test_paper_loss_vanishes_only_for_equal_input():
    target = noise(1, 2, 8192)
    z = torch.nn.functional.normalize(noise(1, 128), dim=-1)
    assert float(processor_loss_paper(target, target, z, z)) == pytest.approx(0, abs=1e-6)
    assert processor_loss_paper(target * 0.5, target, z, z) > 0.01
    assert float(processor_loss_paper(target, target, -z, z)) == pytest.approx(3.0, abs=1e-4)


def test_mid_and_side_errors_read_in_db():
    mono = noise(1, 1, 60000).expand(1, 2, -1)
    side = noise(1, 1, 60000, seed=1) * torch.tensor([[1.0], [-1.0]])
    mid_error, side_error = mid_side_error_db(mono + 0.2 * side, mono + 0.1 * side)
    assert mid_error.shape == (1, 24) and side_error.shape == (1, 8)
    assert mid_error.max() < 1e-2
    torch.testing.assert_close(side_error, torch.full((1, 8), 6.02), rtol=0, atol=0.1)
