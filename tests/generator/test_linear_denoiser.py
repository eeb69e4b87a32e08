"""The linear denoiser: it is the conditional mean of normal data, and knows nothing before it is fitted."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

from megami.generator import Denoiser, EDMConfig, LinearDenoiser, MultitrackTransformer, rotate_tokens, training_loss
from megami.presets import GeneratorConfig, build_generator, network_config, preset

EDM = EDMConfig(sigma_data=0.25, sigma_min=5e-3, sigma_max=50.0)
CODES = (4,)


class Silent(nn.Module):
    """A network that has learned nothing."""

    def forward(self, x, cnoise, cond, mask):
        return torch.zeros_like(x)


def draw(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def normal_data(count: int) -> torch.Tensor:
    """Draws [count, 8, 1] of a normal distribution with a mean, and spread along three directions only."""
    return (draw(1, 8, seed=1) / 4 + draw(count, 3) @ draw(3, 8, seed=2) / 8)[..., None]


def test_before_it_is_fitted_it_answers_nothing():
    linear = LinearDenoiser(8, EDM.sigma_data)
    answer = linear(draw(2, 3, 8, 1), torch.zeros(2, 1), draw(2, 3, 2, 4))
    assert answer.abs().max() < 1e-6


@pytest.mark.parametrize("sigma", [0.01, 0.2, 3.0])
def test_the_denoiser_gives_the_conditional_mean(sigma):
    clean = normal_data(4000)
    linear = LinearDenoiser(8, EDM.sigma_data)
    linear.fit(clean, torch.zeros(4000, 2, 4))
    denoiser = Denoiser(Silent(), EDM, linear)
    noisy = clean + sigma * draw(4000, 8, 1, seed=3)
    found = denoiser(noisy[:, None], sigma, torch.zeros(4000, 1, 2, 4))[:, 0, :, 0]
    flat = clean[..., 0].double()
    mean, covariance = flat.mean(0), flat.T.cov(correction=0)
    filtered = torch.linalg.solve(covariance + sigma**2 * torch.eye(8), noisy[..., 0].double().sub(mean).T)
    torch.testing.assert_close(found.double(), mean + (covariance @ filtered).T, rtol=0, atol=1e-4)


def test_no_linear_answer_is_better():
    clean = normal_data(4000)
    cond, sigma = torch.zeros(4000, 1, 2, 4), torch.full((4000,), 0.1)
    linear = LinearDenoiser(8, EDM.sigma_data)
    losses = []
    for _ in range(2):  # before and after the moments are known
        denoiser = Denoiser(Silent(), EDM, linear)
        losses.append(float(training_loss(denoiser, clean[:, None], cond, None, sigma, draw(4000, 1, 8, 1, seed=4))))
        linear.fit(clean, cond[:, 0])
    assert losses[1] < 0.5 * losses[0]


def test_content_has_moments_of_its_own_and_relative_to_itself():
    """What is the same change on every source is known for sure, whatever the source is."""
    cond = draw(500, 2, 4)
    change = draw(1, 8, 1, seed=5).expand(500, -1, -1)
    clean = rotate_tokens(change[None], cond[None], CODES)[0]
    linear = LinearDenoiser(8, EDM.sigma_data, CODES)
    linear.fit(clean, cond)
    denoiser = Denoiser(Silent(), EDM, linear)
    new = draw(1, 3, 2, 4, seed=6)
    expected = rotate_tokens(change[None, :3], new, CODES)
    torch.testing.assert_close(denoiser(50 * draw(1, 3, 8, 1), 50.0, new), expected, rtol=0, atol=2e-2)
    without = denoiser(torch.zeros(1, 3, 8, 1), 50.0, torch.zeros_like(new))
    torch.testing.assert_close(without, clean.mean(0).expand(1, 3, -1, -1), rtol=0, atol=2e-2)


def test_the_small_generator_begins_as_its_linear_part():
    small = preset("small")
    torch.manual_seed(0)
    denoiser = build_generator(GeneratorConfig(small.transformer, small.edm, small.linear_denoiser))
    x, cond = draw(1, 3, 256, 1), draw(1, 3, 4, 64)
    assert network_config(denoiser).linear_denoiser
    assert torch.equal(denoiser.network(x, torch.zeros(1, 1), cond), torch.zeros_like(x))
    without = Denoiser(denoiser.network, small.edm)
    torch.testing.assert_close(denoiser(x, 1.0, cond), without(x, 1.0, cond), rtol=0, atol=1e-5)


@pytest.mark.parametrize("own", [True, False])
def test_own_content_reaches_its_own_track_without_attention(own):
    torch.manual_seed(0)
    sizes = replace(preset("small").transformer, depth=1, codes=(), own_content=own, zero_output=False)
    network = MultitrackTransformer(sizes).eval()  # residual branches begin at zero: nothing is attended to
    x, cond = draw(1, 3, 256, 1), draw(1, 3, 4, 64)
    other = cond.clone()
    other[:, 1] += 1
    with torch.no_grad():
        moved = (network(x, torch.zeros(1, 1), other) - network(x, torch.zeros(1, 1), cond)).abs().amax((0, 2, 3))
    assert (moved > 1e-6).tolist() == [False, own, False]
