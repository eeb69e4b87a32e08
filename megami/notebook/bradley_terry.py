"""Paired comparisons: strengths from who won against whom, and the interval of a share."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import scipy.special
from scipy.sparse.csgraph import connected_components

from megami.errors import UserError

SMOOTHING = 0.5  # wins each way


@dataclass(frozen=True)
class BradleyTerry:
    """Strengths [systems] as logarithms, their mean 0. smoothed: half a win each way was added to every pair met."""

    strengths: np.ndarray
    smoothed: bool


def bradley_terry(wins: np.ndarray, smooth: bool | None = None, tolerance: float = 1e-10) -> BradleyTerry:
    """Maximum likelihood strengths of the model of Bradley and Terry (1952): i beats j with e^si / (e^si + e^sj).

    wins [systems, systems]: how often the row won against the column; a tie is half a win for both. The strengths
    p = e^s are found by iterating p_i = W_i / sum_j n_ij / (p_i + p_j), with W_i all wins of i and n_ij the comparisons
    of i and j (Hunter 2004). There is a maximum only if no group of systems always won against all others; if one did,
    or with `smooth`, half a win each way is added for every pair that met. Raises UserError if some systems were never
    compared with the others, not even through a third.
    """
    wins = np.asarray(wins, dtype=float)
    met = wins + wins.T
    if connected_components(met > 0, directed=False)[0] > 1:
        raise UserError("some systems were never compared with the others: their strengths have no common scale")
    if smooth is None:
        smooth = connected_components(wins > 0, directed=True, connection="strong")[0] > 1
    if smooth:
        wins = wins + SMOOTHING * (met > 0)
        met = wins + wins.T
    strength = np.ones(len(wins))
    for _ in range(100_000):
        new = wins.sum(1) / (met / (strength[:, None] + strength[None, :])).sum(1)
        new /= np.exp(np.log(new).mean())
        done = np.abs(np.log(new / strength)).max() < tolerance
        strength = new
        if done:
            break
    return BradleyTerry(np.log(strength), bool(smooth))


def wilson_interval(successes: float, trials: int, level: float = 0.95) -> tuple[float, float]:
    """Wilson's score interval of a share (1927); successes may be halves, where ties count for both."""
    z = math.sqrt(2) * float(scipy.special.erfinv(level))
    share = successes / trials
    middle = (share + z**2 / (2 * trials)) / (1 + z**2 / trials)
    half = z / (1 + z**2 / trials) * math.sqrt(share * (1 - share) / trials + z**2 / (4 * trials**2))
    return max(0.0, middle - half), min(1.0, middle + half)
