"""What the equations of preconditioning, schedule and loss promise."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from megami.errors import UserError
from megami.generator import (
    Denoiser,
    EDMConfig,
    coefficients,
    drop_condition,
    level_position,
    loss_terms,
    noise_level,
    sample_sigma,
    schedule,
    training_loss,
)

CONFIG = EDMConfig()


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


class Constant(nn.Module):
    """A raw network that always answers the same; it adds the mean of the content, to make guidance visible."""

    def __init__(self, value: float) -> None:
        super().__init__()
        self.value = value

    def forward(self, x, cnoise, cond, mask):
        return torch.full_like(x, self.value) + cond.mean(dim=(2, 3))[:, :, None, None]


def test_network_inputs_and_targets_have_unit_variance_at_every_level():
    generator = torch.Generator().manual_seed(0)
    y, noise = (torch.randn(2, 4, 64, 33, generator=generator) for _ in range(2))
    cond = torch.zeros(2, 4, 8, 64)
    for sigma in (5.0, 0.2, 0.01, 0.001):
        denoiser = Denoiser(Constant(0.0), CONFIG)
        terms = loss_terms(denoiser, CONFIG.sigma_data * y, cond, None, torch.full((2,), sigma), noise)
        assert terms.network_input.std().item() == pytest.approx(1.0, abs=0.02)
        assert terms.target.std().item() == pytest.approx(1.0, abs=0.02)


def test_loss_weight_makes_the_weighted_denoiser_error_equal_the_network_error():
    c = coefficients(torch.tensor([5.0, 0.1, 0.001]), CONFIG)
    assert_close(c.loss_weight * c.out**2, torch.ones(3))


def test_a_network_that_answers_the_target_denoises_perfectly():
    y, noise = torch.randn(2, 1, 3, 64, 5).unbind(0)
    sigma, cond = torch.tensor([0.3]), torch.zeros(1, 3, 8, 64)
    terms = loss_terms(Denoiser(Constant(0.0), CONFIG), y, cond, None, sigma, noise)
    perfect = Denoiser(Constant(0.0), CONFIG)
    perfect.network.forward = lambda x, cnoise, cond, mask: terms.target
    assert_close(perfect(y + 0.3 * noise, 0.3, cond), y, atol=1e-4, rtol=1e-4)
    assert training_loss(perfect, y, cond, None, sigma, noise).item() == pytest.approx(0.0, abs=1e-9)


def test_schedule_falls_from_sigma_max_to_zero():
    levels = schedule(51, CONFIG)
    assert levels[0].item() == pytest.approx(CONFIG.sigma_max)
    assert levels[-1] == 0.0
    assert (levels.diff() < 0).all()
    assert noise_level(torch.tensor(1.0), CONFIG).item() == pytest.approx(CONFIG.sigma_min, rel=1e-4)
    assert schedule(2, CONFIG).tolist() == pytest.approx([CONFIG.sigma_max, 0.0])


def test_schedule_of_one_point_is_refused():
    with pytest.raises(UserError, match="at least 2"):
        schedule(1, CONFIG)


def test_impossible_noise_levels_are_refused():
    with pytest.raises(UserError, match="sigma_min"):
        EDMConfig(sigma_min=2.0, sigma_max=1.0)


def test_absent_tracks_are_zero_and_padding_does_not_change_the_loss():
    y, noise, cond, sigma = torch.randn(1, 3, 64, 4), torch.randn(1, 3, 64, 4), torch.randn(1, 3, 8, 64), torch.ones(1)
    denoiser = Denoiser(Constant(0.5), CONFIG)
    mask = torch.tensor([[True, True, False]])
    assert (denoiser(y, 1.0, cond, mask)[:, 2] == 0).all()
    padded = training_loss(denoiser, y, cond, mask, sigma, noise)
    bare = training_loss(denoiser, y[:, :2], cond[:, :2], mask[:, :2], sigma, noise[:, :2])
    assert_close(padded, bare)


def test_guidance_moves_along_the_difference_that_the_content_makes():
    x, cond = torch.randn(2, 3, 64, 4), torch.ones(2, 3, 8, 64)
    denoiser = Denoiser(Constant(0.5), CONFIG)
    at = {g: denoiser(x, 0.1, cond, guidance=g) for g in (0.0, 1.0, 3.0)}
    assert_close(at[0.0], denoiser(x, 0.1, 0 * cond))
    assert_close(at[3.0] - at[0.0], 3 * (at[1.0] - at[0.0]), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("stratified", [False, True])
def test_training_levels_are_uniform_on_the_curved_axis(stratified):
    sigma = sample_sigma(4000, CONFIG, torch.Generator().manual_seed(0), stratified)
    assert sigma.min() >= CONFIG.sigma_min * 0.999 and sigma.max() <= CONFIG.sigma_max * 1.001
    median = noise_level(torch.tensor(0.5), CONFIG)
    assert (sigma > median).float().mean().item() == pytest.approx(0.5, abs=0.001 if stratified else 0.03)


def test_stratified_levels_cover_the_axis_in_every_batch():
    sigma = sample_sigma(8, CONFIG, torch.Generator().manual_seed(1), stratified=True).sort(descending=True).values
    edges = noise_level(torch.linspace(0, 1, 9), CONFIG)
    assert ((sigma <= edges[:-1] * 1.0001) & (sigma >= edges[1:] * 0.9999)).all()


@pytest.mark.parametrize("focus", [0.5, 0.8])
def test_focus_draws_that_share_where_there_is_something_to_learn(focus):
    sigma = sample_sigma(20_000, CONFIG, torch.Generator().manual_seed(0), focus=focus)
    edges = torch.tensor([10.0, 0.1]) * CONFIG.sigma_data
    first, last = level_position(edges, CONFIG)
    torch.testing.assert_close(noise_level(torch.stack([first, last]), CONFIG), edges)
    between = ((sigma < edges[0]) & (sigma > edges[1])).float().mean().item()
    assert between == pytest.approx(focus + (1 - focus) * float(last - first), abs=0.01)
    assert sigma.max() > 0.9 * CONFIG.sigma_max and sigma.min() < 1.1 * CONFIG.sigma_min  # and nothing is left out


def test_dropping_content_takes_whole_items():
    dropped = drop_condition(torch.ones(1000, 3, 2, 4), 0.2, torch.Generator().manual_seed(0)).flatten(1)
    assert ((dropped == 0).all(dim=1) | (dropped == 1).all(dim=1)).all()
    assert (dropped[:, 0] == 0).float().mean().item() == pytest.approx(0.2, abs=0.04)
