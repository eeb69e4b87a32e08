"""A linear mixed-effects model whose random effects may cross: listeners and mixes, each a sample of many others.

A rating is a sum: what its system is worth, what its listener adds, what its mix adds, and chance,

    y = X b + sum_k Z_k u_k + e,    u_k ~ N(0, s_k^2),    e ~ N(0, s^2).

Z_k is 1 where a row belongs to a level of group k, and 0 elsewhere. Then y is normal with mean X b and covariance
s^2 V, V = 1 + sum_k r_k^2 Z_k Z_k', with r_k = s_k / s. Given the ratios r_k, b and s have closed forms; the ratios are
found by restricted maximum likelihood (REML; Patterson & Thompson 1971; Bates et al. 2015).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import scipy.linalg
import scipy.optimize
import scipy.stats

from megami.errors import UserError
from megami.notebook.listening_summary import Interval

MOST_ROWS = 4000  # the covariance of all rows is held in memory


@dataclass(frozen=True)
class MixedModel:
    """A fitted model.

    effects: fixed effects by their names. covariance [effects, effects]: of their estimates. deviations: standard
    deviation of each random effect, and `residual`, of what no effect explains. levels: group -> level -> its predicted
    effect, drawn towards 0 the more, the less is known of it. criterion: -2 times the log of the restricted likelihood.
    """

    effects: dict[str, float]
    covariance: np.ndarray
    deviations: dict[str, float]
    residual: float
    levels: dict[str, dict[str, float]]
    criterion: float

    def interval(self, weights: Mapping[str, float], level: float = 0.95, degrees: float = math.inf) -> Interval:
        """A weighted sum of fixed effects with its interval; a difference has the weights 1 and -1.

        degrees: of freedom of Student's t; infinite gives the normal interval, which is too narrow where a group has
        few levels.
        """
        value, error = self._sum(weights)
        half = float(scipy.stats.t.ppf((1 + level) / 2, degrees)) * error
        return Interval(value, value - half, value + half)

    def p_value(self, weights: Mapping[str, float], degrees: float = math.inf) -> float:
        """Two-sided: how often a weighted sum that is truly 0 would come out at least as far from 0."""
        value, error = self._sum(weights)
        return float(2 * scipy.stats.t.sf(abs(value) / error, degrees))

    def _sum(self, weights: Mapping[str, float]) -> tuple[float, float]:
        unknown = set(weights) - set(self.effects)
        if unknown:
            raise UserError(f"the model has no effect {sorted(unknown)}, but {', '.join(self.effects)}")
        weight = np.array([weights.get(name, 0.0) for name in self.effects])
        return float(weight @ list(self.effects.values())), math.sqrt(weight @ self.covariance @ weight)


def fit_mixed_model(
    values: Sequence[float] | np.ndarray, fixed: Sequence[str], random: Mapping[str, Sequence[str]]
) -> MixedModel:
    """Fit the model of this module by restricted maximum likelihood.

    values [rows]: what was measured, for example ratings. fixed [rows]: of which kind each is; every kind gets a mean
    of its own. random: group -> [rows] the level that each row belongs to. Groups may cross or nest. Raises UserError
    for rows that do not fit together, or too few of them. The chapter "Asking listeners" derives and uses it.
    """
    y = np.asarray(values, dtype=np.float64)
    kinds, design = _indicators(fixed)
    groups = {name: _indicators(labels) for name, labels in random.items()}
    _check(y, design, {name: z for name, (_, z) in groups.items()}, kinds)
    shares = [z @ z.T for _, z in groups.values()]

    def criterion(ratios: np.ndarray) -> float:
        return _Solved(y, design, shares, ratios).criterion

    ratios = _least(criterion, len(shares))
    solved = _Solved(y, design, shares, ratios)
    away = solved.solve(y - design @ solved.effects)  # V^-1 (y - X b)
    predicted = {
        name: dict(zip(levels, (ratio**2 * (z.T @ away)).tolist(), strict=True))
        for (name, (levels, z)), ratio in zip(groups.items(), ratios, strict=True)
    }
    return MixedModel(
        dict(zip(kinds, solved.effects.tolist(), strict=True)),
        solved.variance * np.linalg.inv(solved.information),
        {name: float(ratio * math.sqrt(solved.variance)) for name, ratio in zip(groups, ratios, strict=True)},
        math.sqrt(solved.variance),
        predicted,
        solved.criterion,
    )


def _indicators(labels: Sequence[str]) -> tuple[list[str], np.ndarray]:
    """The different labels in the order of their first appearance, and which row has which [rows, labels]."""
    names = list(dict.fromkeys(map(str, labels)))
    places = {name: number for number, name in enumerate(names)}
    return names, np.eye(len(names))[[places[str(label)] for label in labels]].reshape(-1, len(names))


def _check(y: np.ndarray, design: np.ndarray, groups: Mapping[str, np.ndarray], kinds: Sequence[str]) -> None:
    for name, rows in {"fixed": design, **groups}.items():
        if len(rows) != len(y):
            raise UserError(f"{len(y)} values, but {len(rows)} labels of {name!r}: give one for each value")
    if not np.isfinite(y).all():
        raise UserError("a value of the mixed model is not a finite number")
    if not len(kinds) < len(y) <= MOST_ROWS:
        raise UserError(f"a mixed model of {len(kinds)} means needs more values than that, and at most {MOST_ROWS}")


class _Solved:
    """All that follows from given ratios; X, Z and V as in the equations of the module, ZZ holds every Z_k Z_k'."""

    def __init__(
        self,
        y: np.ndarray,
        X: np.ndarray,
        ZZ: Sequence[np.ndarray],
        ratios: np.ndarray,
    ) -> None:
        V = np.eye(len(y))
        for ratio, share in zip(ratios, ZZ, strict=True):
            V += ratio**2 * share
        self.factor = scipy.linalg.cho_factor(V, lower=True)
        self.information = X.T @ self.solve(X)
        self.effects = np.linalg.solve(self.information, X.T @ self.solve(y))
        away: np.ndarray = y - X @ self.effects
        freedom = len(y) - X.shape[1]
        self.variance = float(away @ self.solve(away)) / freedom
        log_v = 2 * float(np.log(np.diag(self.factor[0])).sum())
        log_information = float(np.linalg.slogdet(self.information)[1])
        # A floor, so that values without any scatter have a likelihood too.
        scatter = math.log(2 * math.pi * max(self.variance, 1e-300))
        self.criterion = freedom * (1 + scatter) + log_v + log_information

    def solve(self, right: np.ndarray) -> np.ndarray:
        """V^-1 times something."""
        return scipy.linalg.cho_solve(self.factor, right)


def _least(criterion: Callable[[np.ndarray], float], count: int) -> np.ndarray:
    """Ratios at which the criterion is least, sought from two sides; none is below 0."""
    if not count:
        return np.zeros(0)
    bounds = [(0.0, 1e3)] * count
    found = [
        scipy.optimize.minimize(criterion, np.full(count, start), method="L-BFGS-B", bounds=bounds)
        for start in (0.3, 1.5)
    ]
    return min(found, key=lambda one: one.fun).x
