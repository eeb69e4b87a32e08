"""Evidence in sampling: what is known stays known at every noise level, and the rest is drawn to fit it."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from megami.errors import UserError
from megami.generator import Denoiser, EDMConfig, Evidence, Known, SamplingOptions, sample, sample_mixes
from megami.generator.evidence import MAX_PASSES
from megami.generator.known_tracks import LARGEST_PULL, estimate_around

EDM = EDMConfig(sigma_data=0.5, sigma_min=0.01, sigma_max=100.0, rho=7.0)
ALIKE = 0.95  # correlation of the numbers of two tracks


class TwoAlike(nn.Module):
    """The raw network of the perfect denoiser of two tracks whose numbers are normal, of scale 0.5, and correlated."""

    class config:
        io_channels, tokens = 64, 16

    def forward(self, x, cnoise, cond, mask):
        sigma = torch.exp(4 * cnoise[0, 0])
        prior = EDM.sigma_data**2 * torch.tensor([[1.0, ALIKE], [ALIKE, 1.0]])
        total = (sigma**2 + EDM.sigma_data**2).sqrt()
        noisy = x * total  # undo the wrapper's scaling, and give what it makes the right answer of
        clean = torch.einsum("ij,bjct->bict", prior @ torch.linalg.inv(prior + sigma**2 * torch.eye(2)), noisy)
        return (clean - EDM.sigma_data**2 / total**2 * noisy) * total / (sigma * EDM.sigma_data)


def drawn(
    passes: int, value: torch.Tensor, steps: int = 40, callback=None, known: Known | None = None, **how
) -> torch.Tensor:
    """Two tracks [2, 64, 16], of which the first is known."""

    def correct(estimate: torch.Tensor, mix: int) -> torch.Tensor:
        return torch.stack([value, estimate[1]])

    options = SamplingOptions(steps, "euler", 40.0)
    generator = torch.Generator().manual_seed(3)
    cond = torch.zeros(1, 2, 1, 1)
    evidence = Evidence(correct, passes, known=known)
    denoiser = Denoiser(TwoAlike(), EDM)
    return sample(denoiser, cond, options, generator=generator, callback=callback, evidence=evidence, **how)[0]


def test_what_is_known_is_known_at_every_noise_level():
    value = 0.5 * torch.randn(64, 16, generator=torch.Generator().manual_seed(1))
    seen = []

    def look(step, sigma, x, denoised):
        seen.append(((x[0, 0] - value) / sigma).std().item())
        assert torch.equal(denoised[0, 0], value)

    z = drawn(1, value, callback=look)
    assert torch.equal(z[0], value) and len(seen) == 40
    assert all(0.9 < spread < 1.1 for spread in seen)


def test_the_rest_is_drawn_to_fit():
    """Given the first track the second is normal about ALIKE times it; more passes bring it nearer to that."""
    value = 0.5 * torch.randn(64, 16, generator=torch.Generator().manual_seed(1))
    slopes = []
    for passes in (1, 4):
        other = drawn(passes, value)[1]
        slopes.append(float((other * value).sum() / value.square().sum()))
    assert slopes[0] > 0.5 and abs(slopes[1] - ALIKE) < 0.08
    assert abs(slopes[1] - ALIKE) <= abs(slopes[0] - ALIKE) + 0.02
    spread = float((other - slopes[1] * value).std())
    assert spread == pytest.approx(0.5 * (1 - ALIKE**2) ** 0.5, rel=0.35)


def test_tracks_that_are_known_to_the_network_are_answered_sooner():
    """One pass is enough to come as near to the conditional mean as several passes of putting right alone."""
    value = 0.5 * torch.randn(64, 16, generator=torch.Generator().manual_seed(1))
    known = Known(torch.tensor([True, False]), torch.stack([value, torch.full_like(value, torch.nan)]))
    z = drawn(1, value, known=known)
    slope = float((z[1] * value).sum() / value.square().sum())
    without = float((drawn(1, value)[1] * value).sum() / value.square().sum())
    assert torch.equal(z[0], value) and torch.isfinite(z).all()
    assert abs(slope - ALIKE) < 0.08 and abs(slope - ALIKE) < abs(without - ALIKE)
    alone = drawn(1, value, known=known, one_by_one=True)
    torch.testing.assert_close(alone, z, rtol=0, atol=1e-5)


def test_the_pull_is_the_slope_of_how_well_the_known_tracks_are_told():
    """Against finite differences; nothing known, or everything, is the plain estimate."""
    denoiser = Denoiser(TwoAlike(), EDM)
    generator = torch.Generator().manual_seed(2)
    x, value = torch.randn(1, 2, 64, 16, generator=generator), 0.5 * torch.randn(64, 16, generator=generator)
    cond, sigma = torch.zeros(1, 2, 1, 1), 0.8

    def estimate(tracks: list[bool]) -> torch.Tensor:
        known = Known(torch.tensor(tracks), torch.stack([value, value])).batched(1)
        return estimate_around(lambda y: denoiser(y, sigma, cond), x, sigma, EDM.sigma_data, known)

    plain = denoiser(x, sigma, cond)
    torch.testing.assert_close(estimate([False, False]), plain)
    shown = torch.stack([value, x[0, 1]])[None]
    pull = (estimate([True, False]) - denoiser(shown, sigma, cond))[0]
    assert not pull[0].any() and 0 < float(pull[1].norm()) <= 1.001 * LARGEST_PULL * EDM.sigma_data * 32

    def missed(step: torch.Tensor) -> float:
        moved = shown.clone()
        moved[0, 1] += step
        return float((denoiser(moved, sigma, cond)[0, 0] - value).square().sum())

    step = 1e-2 * pull[1] / pull[1].norm()
    assert missed(step) < missed(0 * step)
    across = torch.randn(64, 16, generator=generator)
    across -= (across * pull[1]).sum() / pull[1].square().sum() * pull[1]
    steepest = missed(0 * step) - missed(step)
    for other in (across, -across):
        assert missed(0 * step) - missed(1e-2 * other / other.norm()) < 0.2 * steepest


def test_evidence_sees_tracks_as_they_were_given_and_numbers_mixes():
    cond = torch.arange(2.0).flip(0)[:, None, None]  # the network sees them the other way round
    numbers = []

    def correct(estimate: torch.Tensor, mix: int) -> torch.Tensor:
        numbers.append(mix)
        return torch.stack([torch.full_like(estimate[0], 1.0 + mix), torch.full_like(estimate[1], -1.0)])

    options = SamplingOptions(2)
    z = sample_mixes(Denoiser(TwoAlike(), EDM), cond, 3, options, seed=0, evidence=Evidence(correct))
    assert z[:, 0].flatten(1).unique(dim=1).flatten().tolist() == [1.0, 2.0, 3.0] and (z[:, 1] == -1).all()
    assert numbers == [0, 1, 2] * 2


def test_passes_repeat_every_step_but_the_last():
    steps = []
    value = torch.zeros(64, 16)
    drawn(3, value, steps=4, callback=lambda step, *_: steps.append(step))
    assert steps == [0, 0, 0, 1, 1, 1, 2, 2, 2, 3]
    for passes in (0, MAX_PASSES + 1):
        with pytest.raises(UserError, match=f"from 1 to {MAX_PASSES}, not {passes}"):
            Evidence(lambda estimate, mix: estimate, passes)
