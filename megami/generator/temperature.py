"""Local temperature: how far mixes of one kind scatter, without touching which kinds there are.

Source: Temporal Score Rescaling (Xu et al. 2025, arXiv 2510.01184).
"""

from __future__ import annotations

from torch import Tensor

from megami.errors import UserError
from megami.generator.edm import EDMConfig

MAX_TEMPERATURE = 4.0


def check_temperature(temperature: float) -> None:
    """Raise UserError unless 0 < temperature <= MAX_TEMPERATURE."""
    if not 0 < temperature <= MAX_TEMPERATURE:
        raise UserError(f"temperature must be above 0 and at most {MAX_TEMPERATURE:g}, not {temperature}")


def score_factor(sigma: float, config: EDMConfig, temperature: float) -> float:
    """Factor of the score at noise level sigma that multiplies the variance within each mode by `temperature`.

    A mode of standard deviation s has the score (mean - x) / (s^2 + sigma^2) at that level; with variance T s^2 it
    would be (mean - x) / (T s^2 + sigma^2). The factor is their ratio: 1 in strong noise, where it is decided which
    mode it will be, and 1/T in the end. Modes are taken to scatter by sigma_data. Source: arXiv 2510.01184.
    """
    spread, noise = config.sigma_data**2, sigma**2
    return (spread + noise) / (temperature * spread + noise)


def at_temperature(x: Tensor, denoised: Tensor, factor: float) -> Tensor:
    """Denoised estimate of a score (D - x) / sigma^2 that is `factor` times as steep: x + factor (D - x).

    x and denoised are of one shape; the answer has it too.
    """
    return denoised if factor == 1 else x + factor * (denoised - x)
