"""Solvers: each goes from one noise level to the next as its source says, for a denoiser whose paths are known."""

from __future__ import annotations

import itertools
import math

import pytest
import torch

from megami.generator import SOLVERS, Step

SIGMA_DATA = 0.5


def denoise(x: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
    """The perfect denoiser of N(0, 0.5^2), along whose paths x / sqrt(sigma^2 + 0.25) stays what it is."""
    return x * SIGMA_DATA**2 / (sigma.item() ** 2 + SIGMA_DATA**2)


def walk(solver: str, steps: int) -> float:
    """Error after walking from noise level 4 to 0.1 in so many steps, evenly in ln sigma."""
    levels = torch.logspace(math.log10(4), -1, steps + 1, dtype=torch.float64)
    x = torch.tensor([3.0], dtype=torch.float64)
    exact = x * math.sqrt((0.1**2 + SIGMA_DATA**2) / (4**2 + SIGMA_DATA**2))
    before = None
    for sigma, sigma_next in itertools.pairwise(levels):
        step = Step(x, denoise(x, sigma), sigma, sigma_next, denoise, before)
        x, before = SOLVERS[solver](step), step
    return float((x - exact).abs())


@pytest.mark.parametrize("solver", SOLVERS)
def test_the_last_step_ends_on_the_estimate(solver):
    x, sigma = torch.tensor([3.0]), torch.tensor(2.0)
    step = Step(x, denoise(x, sigma), sigma, torch.tensor(0.0), denoise, None)
    torch.testing.assert_close(SOLVERS[solver](step), step.denoised)


@pytest.mark.parametrize("solver, order", [("euler", 1), ("heun", 2), ("multistep", 2)])
def test_twice_the_steps_lower_the_error_by_the_order_of_the_solver(solver, order):
    coarse, fine = walk(solver, 64), walk(solver, 128)
    assert math.log2(coarse / fine) == pytest.approx(order, abs=0.25)
