"""What the sampler promises: it follows the schedule, finds the data, and answers alike for alike."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn
from torch.testing import assert_close

from megami.errors import UserError
from megami.generator import (
    Denoiser,
    EDMConfig,
    MultitrackTransformer,
    SamplingOptions,
    TransformerConfig,
    canonical_order,
    churn_amounts,
    mix_generator,
    sample,
    sample_mixes,
    schedule,
    score_factor,
)

EDM = EDMConfig(sigma_data=0.5, sigma_min=0.01, sigma_max=100.0, rho=7.0)
SIZES = TransformerConfig(
    tokens=4,
    cond_dim=16,
    cond_tokens=2,
    width=64,
    depth=2,
    heads=4,
    ff_mult=1.0,
    time_features=16,
    position_dim=4,
    cond_position_dim=16,
    track_ids="none",
    zero_init=False,
)


class Silent(nn.Module):
    """A raw network that answers 0, which is the perfect denoiser of normal data of scale sigma_data."""

    def forward(self, x, cnoise, cond, mask):
        return torch.zeros_like(x)


def small_denoiser(**changes) -> Denoiser:
    torch.manual_seed(0)
    network = MultitrackTransformer(replace(SIZES, **changes))
    return Denoiser(network.eval(), EDMConfig(sigma_data=1 / 16, sigma_min=1.25e-3, sigma_max=12.5))


def content(tracks: int, batch: int = 1) -> torch.Tensor:
    return torch.randn(batch, tracks, 2, 16, generator=torch.Generator().manual_seed(5))


@pytest.mark.parametrize("churn,tolerances", [(0, (0.06, 0.02, 0.02)), (10, (0.06, 0.03, 0.06))])
@pytest.mark.parametrize("number,solver", enumerate(("euler", "heun", "multistep")))
def test_normal_data_are_sampled_with_their_own_spread(solver, number, churn, tolerances):
    """For the perfect denoiser of N(0, 0.5^2) samples have standard deviation 0.5, Heun's closer than Euler's."""
    prior = torch.randn(1, 20, 64, 16, generator=torch.Generator().manual_seed(0))
    generator = torch.Generator().manual_seed(1)
    options = SamplingOptions(99, solver, churn)
    z = sample(Denoiser(Silent(), EDM), torch.zeros(1, 20, 1, 1), options, generator=generator, prior=prior)
    assert z.std().item() == pytest.approx(0.5, abs=0.5 * tolerances[number])


@pytest.mark.parametrize("churn,tolerances", [(0, (0.06, 0.02, 0.02)), (10, (0.06, 0.03, 0.06))])
@pytest.mark.parametrize("number,solver", enumerate(("euler", "heun", "multistep")))
@pytest.mark.parametrize("temperature", [0.25, 2.0])
def test_temperature_multiplies_the_variance_of_normal_data(solver, number, churn, tolerances, temperature):
    prior = torch.randn(1, 20, 64, 16, generator=torch.Generator().manual_seed(0))
    options = SamplingOptions(99, solver, churn, temperature=temperature)
    generator = torch.Generator().manual_seed(1)
    z = sample(Denoiser(Silent(), EDM), torch.zeros(1, 20, 1, 1), options, generator=generator, prior=prior)
    expected = 0.5 * temperature**0.5
    assert z.std().item() == pytest.approx(expected, abs=expected * tolerances[number])


class TwoModes(nn.Module):
    """The perfect denoiser of two modes: a quarter of the data about -4, the rest about 4, deviation sigma_data."""

    def __init__(self) -> None:
        super().__init__()
        self.network, self.config = Silent(), EDM

    def forward(self, x, sigma, cond, mask, guidance):
        spread = EDM.sigma_data**2
        variance = spread + float(sigma) ** 2
        right = torch.sigmoid(8 * x / variance + math.log(3))
        centre = 8 * right - 4
        return centre + spread / variance * (x - centre)


def test_a_lower_temperature_narrows_the_modes_and_keeps_their_shares():
    prior = torch.randn(1, 2000, 1, 1, generator=torch.Generator().manual_seed(0))
    ways = {t: SamplingOptions(99, "heun", temperature=t) for t in (1.0, 0.25)}
    drawn = {t: sample(TwoModes(), torch.zeros(1, 2000, 1, 1), way, prior=prior) for t, way in ways.items()}
    right = {t: z > 0 for t, z in drawn.items()}
    assert right[1.0].float().mean().item() == pytest.approx(0.75, abs=0.03)
    assert (right[1.0] == right[0.25]).float().mean() > 0.99  # the same draw is of the same kind
    widths = {t: z[right[t]].std().item() for t, z in drawn.items()}
    assert widths[1.0] == pytest.approx(0.5, rel=0.06)
    assert widths[0.25] == pytest.approx(0.25, rel=0.06)
    assert drawn[0.25][right[0.25]].mean().item() == pytest.approx(4, abs=0.05)


class Point(nn.Module):
    """The perfect denoiser of data that are all 3: far narrower than a mode is taken to be."""

    def __init__(self) -> None:
        super().__init__()
        self.network, self.config = Silent(), EDM

    def forward(self, x, sigma, cond, mask, guidance):
        return torch.full_like(x, 3.0)


@pytest.mark.parametrize("solver", ["euler", "multistep"])
@pytest.mark.parametrize("churn", [0.0, 10.0])
def test_no_temperature_is_so_low_that_long_steps_lead_astray(solver, churn):
    prior, fresh = (torch.randn(*size, 1, 50, 1, 1, generator=mix_generator(0, 0)) for size in ((), (11,)))
    off = []
    z = sample(
        Point(), torch.zeros(1, 50, 1, 1), SamplingOptions(11, solver, churn, temperature=0.05),
        prior=prior, churn_noise=fresh,
        callback=lambda step, sigma, x, denoised: off.append(((x - 3).abs().max() / sigma).item()),
    )  # fmt: skip
    assert max(off) < 5  # noise of that level, no more
    assert_close(z, torch.full_like(z, 3.0))


def test_the_score_is_that_of_a_narrower_mode_at_every_noise_level():
    for sigma in (0.01, 0.3, 0.5, 2.0, 20.0):
        narrow, wide = 1 / (0.3 * 0.25 + sigma**2), 1 / (0.25 + sigma**2)
        assert score_factor(sigma, EDM, 0.3) == pytest.approx(narrow / wide)
    assert score_factor(1.0, EDM, 1.0) == 1


def test_permuting_content_and_noise_permutes_the_sample():
    denoiser, cond, order = small_denoiser(), content(6), torch.tensor([4, 2, 0, 5, 1, 3])
    g = torch.Generator().manual_seed(0)
    prior, fresh = torch.randn(1, 6, 64, 4, generator=g), torch.randn(11, 1, 6, 64, 4, generator=g)
    options = SamplingOptions(11, churn=3.0, guidance=2.0)
    straight = sample(denoiser, cond, options, prior=prior, churn_noise=fresh)
    permuted = sample(denoiser, cond[:, order], options, prior=prior[:, order], churn_noise=fresh[:, :, order])
    assert straight.std() > 0.01
    assert_close(permuted, straight[:, order], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("ids", [{}, {"track_ids": "one-hot", "position_dim": 18}], ids=["none", "one-hot"])
def test_mixes_follow_the_order_of_tracks_with_any_network(ids):
    denoiser, cond, order = small_denoiser(**ids), content(6)[0], torch.tensor([4, 2, 0, 5, 1, 3])
    options, track_order = SamplingOptions(5, churn=2.0), "drawn" if ids else "content"
    straight = sample_mixes(denoiser, cond, 2, options, 3, track_order)
    permuted = sample_mixes(denoiser, cond[order], 2, options, 3, track_order)
    assert_close(permuted, straight[:, order], atol=1e-5, rtol=1e-5)


def test_a_mix_does_not_depend_on_how_many_are_drawn():
    denoiser, cond = small_denoiser(), content(3)[0]
    options = SamplingOptions(5, churn=2.0)
    three = sample_mixes(denoiser, cond, 3, options, seed=3)
    one = sample_mixes(denoiser, cond, 1, options, seed=3)
    assert_close(three[:1], one, atol=1e-6, rtol=1e-5)
    assert (three[0] - three[1]).abs().max() > 0.01
    other = sample_mixes(denoiser, cond, 1, options, seed=4)
    assert (other - one).abs().max() > 0.01


def test_the_prior_of_a_mix_is_the_first_draw_of_its_generator():
    priors = [torch.randn(3, 64, 4, generator=mix_generator(7, k)) for k in (0, 1)]
    assert not torch.equal(*priors)
    denoiser, cond, options = small_denoiser(), content(3, batch=2), SamplingOptions(3)
    by_generator = sample(denoiser, cond, options, generator=[mix_generator(7, k) for k in (0, 1)])
    assert torch.equal(by_generator, sample(denoiser, cond, options, prior=torch.stack(priors)))


def test_the_callback_sees_every_step_and_the_last_estimate_is_the_answer():
    seen = []
    denoiser = small_denoiser()
    z = sample(
        denoiser,
        content(2),
        SamplingOptions(4),
        generator=mix_generator(0, 0),
        callback=lambda step, sigma, x, denoised: seen.append((step, sigma, denoised)),
    )
    assert [step for step, _, _ in seen] == [0, 1, 2, 3]
    assert [sigma for _, sigma, _ in seen] == pytest.approx(schedule(5, denoiser.config)[:-1].tolist())
    assert torch.equal(seen[-1][2], z)


def test_absent_tracks_come_out_as_zeros_and_disturb_nobody():
    denoiser, cond, mask = small_denoiser(), content(4), torch.tensor([[True, True, True, False]])
    prior = torch.randn(1, 4, 64, 4, generator=torch.Generator().manual_seed(0))
    padded = sample(denoiser, cond, SamplingOptions(5), mask, prior=prior)
    bare = sample(denoiser, cond[:, :3], SamplingOptions(5), prior=prior[:, :3])
    assert (padded[:, 3] == 0).all()
    assert_close(padded[:, :3], bare, atol=1e-5, rtol=1e-5)


def test_churn_is_spread_over_the_points_and_limited():
    levels = schedule(10, EDM)
    assert churn_amounts(levels, 2.0)[:-1].tolist() == pytest.approx([0.2] * 9)
    assert churn_amounts(levels, 100.0)[0].item() == pytest.approx(2**0.5 - 1)
    assert churn_amounts(levels, 2.0)[-1] == 0


def test_canonical_order_sorts_by_content_alone():
    cond = content(5)[0]
    order = torch.tensor([3, 1, 4, 0, 2])
    assert torch.equal(cond[canonical_order(cond)], cond[order][canonical_order(cond[order])])


@pytest.mark.parametrize(
    "options",
    [
        {"solver": "newton"},
        {"churn": -1.0},
        {"churn": math.nan},
        {"steps": 0},
        {"steps": 2.5},
        {"temperature": 0.0},
        {"temperature": math.nan},
    ],
)
def test_impossible_options_are_refused(options):
    with pytest.raises(UserError):
        SamplingOptions(**options)


def test_a_negative_seed_is_refused():
    with pytest.raises(UserError, match="seed"):
        mix_generator(-1, 0)


def test_any_whole_number_of_steps_will_do():
    assert SamplingOptions(steps=np.int64(3)).steps == 3
