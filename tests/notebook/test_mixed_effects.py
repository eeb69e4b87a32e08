"""The mixed-effects model: known answers of a textbook, closed forms of balanced designs, and what cannot matter."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import scipy.stats

from megami.errors import UserError
from megami.notebook.mixed_effects import fit_mixed_model

DYESTUFF = {  # yield of dyestuff in five preparations of each of six batches (Davies 1947), as lme4 ships it
    "A": [1545, 1440, 1440, 1520, 1580], "B": [1540, 1555, 1490, 1560, 1495], "C": [1595, 1550, 1605, 1510, 1560],
    "D": [1445, 1440, 1595, 1465, 1545], "E": [1595, 1630, 1515, 1635, 1625], "F": [1520, 1455, 1450, 1480, 1445],
}  # fmt: skip


def test_dyestuff_has_the_estimates_that_lme4_gives() -> None:
    values = list(itertools.chain(*DYESTUFF.values()))
    batches = [batch for batch, row in DYESTUFF.items() for _ in row]
    model = fit_mixed_model(values, ["mean"] * 30, {"batch": batches})
    assert model.effects["mean"] == pytest.approx(1527.5)
    assert model.deviations["batch"] == pytest.approx(42.00, abs=0.01) and model.residual == pytest.approx(49.51, 1e-3)
    assert math.sqrt(model.covariance[0, 0]) == pytest.approx(19.38, abs=0.01)
    assert model.criterion == pytest.approx(319.6543, abs=1e-3)


def crossed(listeners: int = 9, mixes: int = 6, seed: int = 0) -> tuple[np.ndarray, list[str], list[str]]:
    """One rating [listeners * mixes] for every listener and mix, with effects of both."""
    draw = np.random.default_rng(seed)
    table = (
        50
        + 8 * draw.normal(size=(listeners, 1))
        + 5 * draw.normal(size=mixes)
        + 3 * draw.normal(size=(listeners, mixes))
    )
    who, what = zip(*itertools.product(range(listeners), range(mixes)), strict=True)
    return table.ravel(), list(map(str, who)), list(map(str, what))


def test_two_crossed_groups_have_the_variances_of_the_table_of_squares() -> None:
    """Where every listener rates every mix once, REML and the analysis of variance agree."""
    values, who, what = crossed()
    table = values.reshape(9, 6)
    model = fit_mixed_model(values, ["mean"] * len(values), {"listener": who, "mix": what})
    apart = table - table.mean(1, keepdims=True) - table.mean(0) + table.mean()
    residual = (apart**2).sum() / (8 * 5)
    rows, columns = 6 * table.mean(1).var(ddof=1), 9 * table.mean(0).var(ddof=1)
    assert model.residual**2 == pytest.approx(residual, rel=1e-3)
    assert model.deviations["listener"] ** 2 == pytest.approx((rows - residual) / 6, rel=1e-3)
    assert model.deviations["mix"] ** 2 == pytest.approx((columns - residual) / 9, rel=1e-3)
    shrunk = (rows - residual) / rows
    means = shrunk * (table.mean(1) - table.mean())
    assert list(model.levels["listener"].values()) == pytest.approx(means.tolist(), rel=1e-3)


def test_with_listeners_alone_a_difference_is_the_paired_t_test() -> None:
    draw = np.random.default_rng(1)
    rated = 60 + 10 * draw.normal(size=(12, 1)) + np.array([0.0, 4.0]) + 5 * draw.normal(size=(12, 2))
    kinds, who = ["a", "b"] * 12, [str(number) for number in range(12) for _ in range(2)]
    model = fit_mixed_model(rated.ravel(), kinds, {"listener": who})
    test = scipy.stats.ttest_rel(rated[:, 1], rated[:, 0])
    found = model.interval({"b": 1, "a": -1}, degrees=11)
    known = test.confidence_interval()
    assert (found.low, found.high) == (pytest.approx(known.low, rel=1e-3), pytest.approx(known.high, rel=1e-3))
    assert model.p_value({"b": 1, "a": -1}, degrees=11) == pytest.approx(test.pvalue, rel=1e-2)


def test_without_groups_it_is_the_mean_of_each_kind() -> None:
    model = fit_mixed_model([1.0, 3, 10, 14, 12], ["a", "a", "b", "b", "b"], {})
    assert model.effects == {"a": pytest.approx(2), "b": pytest.approx(12)}
    assert model.residual**2 == pytest.approx((2 + 8) / 3)


def test_a_group_that_adds_nothing_has_no_deviation() -> None:
    values = [1.0, 5, 5, 1, 1, 5, 5, 1]  # every listener has the same mean
    model = fit_mixed_model(values, ["mean"] * 8, {"listener": ["a", "a", "b", "b", "c", "c", "d", "d"]})
    assert model.deviations["listener"] == pytest.approx(0, abs=1e-4)


def test_scale_shift_and_order_change_what_they_should() -> None:
    values, who, what = crossed(6, 4, seed=2)
    kinds = [("x", "y")[int(mix) % 2] for mix in what]
    groups = {"listener": who, "mix": what}
    plain = fit_mixed_model(values, kinds, groups)
    moved = fit_mixed_model(7 - 3 * values, kinds, groups)
    assert moved.effects["x"] == pytest.approx(7 - 3 * plain.effects["x"], rel=1e-4)
    assert moved.deviations["mix"] == pytest.approx(3 * plain.deviations["mix"], rel=1e-2)
    order = np.random.default_rng(0).permutation(len(values))
    mixed = fit_mixed_model(
        values[order], [kinds[i] for i in order], {name: [rows[i] for i in order] for name, rows in groups.items()}
    )
    assert mixed.criterion == pytest.approx(plain.criterion, rel=1e-6)
    assert mixed.effects["y"] == pytest.approx(plain.effects["y"], rel=1e-4)


def test_what_cannot_be_fitted_is_said() -> None:
    with pytest.raises(UserError, match="one for each value"):
        fit_mixed_model([1.0, 2, 3], ["a", "a"], {})
    with pytest.raises(UserError, match="more values"):
        fit_mixed_model([1.0], ["a"], {})
    with pytest.raises(UserError, match="not a finite"):
        fit_mixed_model([1.0, math.nan, 2], ["a"] * 3, {})
    with pytest.raises(UserError, match="no effect"):
        fit_mixed_model([1.0, 2, 4], ["a"] * 3, {}).interval({"b": 1})
