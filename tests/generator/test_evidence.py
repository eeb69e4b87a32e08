"""Evidence in sampling: what is known stays known at every noise level, and the rest is drawn to fit it."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from megami.errors import UserError
from megami.generator import Denoiser, EDMConfig, Evidence, SamplingOptions, sample, sample_mixes
from megami.generator.evidence import MAX_PASSES

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


def drawn(passes: int, value: torch.Tensor, steps: int = 40, callback=None) -> torch.Tensor:
    """Two tracks [2, 64, 16], of which the first is known."""

    def correct(estimate: torch.Tensor, mix: int) -> torch.Tensor:
        return torch.stack([value, estimate[1]])

    options = SamplingOptions(steps, "euler", 40.0)
    generator = torch.Generator().manual_seed(3)
    cond = torch.zeros(1, 2, 1, 1)
    evidence = Evidence(correct, passes)
    return sample(Denoiser(TwoAlike(), EDM), cond, options, generator=generator, callback=callback, evidence=evidence)[
        0
    ]


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
