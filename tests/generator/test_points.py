"""Points: the small network serves the same denoiser, loss and sampler as the transformer, and learns clouds."""

from __future__ import annotations

import pytest
import torch
from torch.testing import assert_close

from megami.errors import UserError
from megami.generator import (
    Denoiser,
    EDMConfig,
    PointConfig,
    PointNetwork,
    SamplingOptions,
    coefficients,
    label_tokens,
    points_to_tokens,
    sample,
    sample_sigma,
    tokens_to_points,
    training_loss,
)

EDM = EDMConfig(sigma_data=1.0, sigma_min=0.02, sigma_max=200.0)


def network(**sizes) -> PointNetwork:
    """A network whose answer is not zero."""
    torch.manual_seed(0)
    made = PointNetwork(PointConfig(**sizes))
    torch.nn.init.normal_(made.last.weight, std=0.1)
    return made.eval()


def draws(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1))


def test_the_first_answer_is_zero():
    assert (PointNetwork(PointConfig())(draws(5, 2), draws(5, 1)) == 0).all()


def test_points_and_tokens_get_one_answer():
    made, points, levels = network(labels=3), draws(6, 2), draws(6, 1)
    labels = torch.tensor([0, 1, 2, -1, 0, 1])
    told = label_tokens(labels, 3)
    plain = made(points, levels, told[:, 0, 0])
    assert_close(made(points_to_tokens(points), levels, told), points_to_tokens(plain))
    assert plain.abs().max() > 0.01


def test_every_layer_is_told_the_noise_level_and_the_label():
    made, points = network(labels=2), draws(1, 2)
    answers = [
        made(points, torch.tensor([[level]]), label_tokens(torch.tensor([label]), 2))
        for level in (-1.0, 0.3)
        for label in (-1, 0, 1)
    ]
    apart = torch.pdist(torch.cat(answers))
    assert apart.min() > 1e-4


def test_no_label_is_a_label_of_zeros():
    made, points, levels = network(labels=2), draws(4, 2), draws(4, 1)
    assert_close(made(points, levels), made(points, levels, torch.zeros(4, 2)))
    assert (label_tokens(torch.tensor([-1]), 2) == 0).all()
    assert label_tokens(torch.tensor([1]), 2)[0, 0, 0].tolist() == [0, 1]


def test_points_survive_the_way_to_tokens_and_back():
    points = draws(7, 2)
    assert points_to_tokens(points).shape == (7, 1, 2, 1)
    assert torch.equal(tokens_to_points(points_to_tokens(points)), points)


def test_the_packages_loss_is_the_one_on_points():
    made, clean, noise = network(), draws(8, 2), draws(8, 2).flip(0)
    sigma = torch.logspace(-1, 1, 8)
    c = coefficients(sigma[:, None], EDM)
    x = clean + sigma[:, None] * noise
    answer = c.skip * x + c.out * made(c.input * x, c.noise)
    expected = (c.loss_weight * (answer - clean) ** 2).mean()
    loss = training_loss(
        Denoiser(made, EDM), points_to_tokens(clean), torch.zeros(8, 1, 1, 0), None, sigma, points_to_tokens(noise)
    )
    assert_close(loss, expected, rtol=1e-4, atol=1e-6)


def test_it_learns_two_clouds_and_draws_each_when_asked():
    source = torch.Generator().manual_seed(0)
    torch.manual_seed(0)
    made = PointNetwork(PointConfig(labels=2, width=64, depth=2))
    denoiser, optimiser = Denoiser(made, EDM), torch.optim.Adam(made.parameters(), lr=3e-3)
    for _ in range(400):
        labels = torch.randint(2, (256,), generator=source)
        clean = torch.stack([2.0 * labels - 1, torch.zeros(256)], dim=1)
        clean = clean + 0.1 * torch.randn(256, 2, generator=source)
        sigma, noise = sample_sigma(256, EDM, source), torch.randn(256, 2, generator=source)
        told = label_tokens(torch.where(torch.rand(256, generator=source) < 0.2, -1, labels), 2)
        loss = training_loss(denoiser, points_to_tokens(clean), told, None, sigma, points_to_tokens(noise))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    asked = torch.tensor([-1, 0, 1]).repeat_interleave(200)
    cloud = tokens_to_points(
        sample(denoiser, label_tokens(asked, 2), SamplingOptions(24, "multistep"), generator=source)
    )
    right = (cloud[:, 0] > 0).float()
    assert 0.25 < right[asked == -1].mean() < 0.75
    assert right[asked == 0].mean() < 0.15 and right[asked == 1].mean() > 0.85
    assert (cloud[:, 0].abs() - 1).abs().median() < 0.2 and cloud[:, 1].abs().median() < 0.3


@pytest.mark.parametrize("sizes", [{"width": 0}, {"depth": 0}, {"noise_features": 3}, {"labels": -1}])
def test_sizes_that_mean_nothing_are_refused(sizes):
    with pytest.raises(UserError):
        PointConfig(**sizes)
