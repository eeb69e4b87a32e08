"""The simulated panel: it has the truth that it was given, says that it is simulated, and draws anew for each seed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from megami.errors import UserError
from megami.notebook import PanelTruth, fit_mixed_model, plot_rating_boxes, simulated_panel, summarise_listening
from megami.notebook.simulated_panel import SIMULATED

SYSTEM_OF = {"raw": "raw", "take 1": "ours", "take 2": "ours"}
TRUTH = PanelTruth({"raw": 40, "ours": 60}, mix=0, listener=6, taste=4, chance=5)
PAIRS = (("raw", "take 1"), ("take 1", "take 2"))


def test_everybody_rates_everything_and_it_says_that_it_is_simulated() -> None:
    panel = simulated_panel(TRUTH, ["s", "t"], SYSTEM_OF, listeners=5, pairs=PAIRS)
    assert panel.test == SIMULATED and "simulated" in panel.title and len(panel.participants) == 5
    rated = {(row.participant, row.page, row.system) for row in panel.ratings}
    assert len(panel.ratings) == len(rated) == 5 * 2 * 3 and len(panel.choices) == 5 * 2 * 2
    assert all(row.rating == round(row.rating) and 0 <= row.rating <= 100 for row in panel.ratings)
    assert {frozenset((row.first, row.second)) for row in panel.choices} == set(map(frozenset, PAIRS))


def test_the_same_seed_gives_the_same_answers() -> None:
    made = [simulated_panel(TRUTH, ["s"], SYSTEM_OF, seed=seed) for seed in (1, 1, 2)]
    assert made[0] == made[1] != made[2]


def test_its_answers_follow_the_truth() -> None:
    panel = simulated_panel(TRUTH, ["s"], SYSTEM_OF, listeners=400, pairs=PAIRS)
    means = {row.system: row.mean.value for row in summarise_listening(panel, seed=0).ratings}
    assert means["take 1"] - means["raw"] == pytest.approx(20, abs=1.5)
    assert means["take 1"] == pytest.approx(60, abs=1.5) and means["take 2"] == pytest.approx(60, abs=1.5)
    of_pair = [row.winner for row in panel.choices if "raw" in (row.first, row.second)]
    assert of_pair.count("take 1") / len(of_pair) > 0.95
    as_first = [row.first == "take 1" for row in panel.choices]
    assert abs(np.mean(as_first) - 0.5) < 0.1


def test_what_is_heard_first_can_win_by_that_alone() -> None:
    wins = {}
    for points in (0.0, 8.0):
        truth = replace(TRUTH, first=points)
        panel = simulated_panel(truth, ["s"], SYSTEM_OF, listeners=400, pairs=[("take 1", "take 2")])
        wins[points] = np.mean([row.winner == row.first for row in panel.choices])
    assert abs(wins[0.0] - 0.5) < 0.1 and wins[8.0] > 0.75


def test_the_mixed_model_finds_what_was_put_in() -> None:
    truth = PanelTruth({"a": 35, "b": 50, "c": 65}, mix=0, listener=8, taste=0, chance=4)
    panel = simulated_panel(truth, ["s", "t"], {name: name for name in "abc"}, listeners=30)
    model = fit_mixed_model(
        [row.rating for row in panel.ratings],
        [row.system for row in panel.ratings],
        {"listener": [row.participant for row in panel.ratings]},
    )
    found = model.interval({"c": 1, "a": -1}, level=0.999)
    assert found.low < 30 < found.high and found.high - found.low < 10
    assert model.deviations["listener"] == pytest.approx(8, abs=4) and model.residual == pytest.approx(4, abs=0.8)


def test_what_is_lacking_is_said() -> None:
    with pytest.raises(UserError, match="ours"):
        simulated_panel(PanelTruth({"raw": 40}), ["s"], SYSTEM_OF)
    with pytest.raises(UserError, match="needs listeners"):
        simulated_panel(TRUTH, ["s"], SYSTEM_OF, listeners=0)


def test_boxes_are_drawn_from_quartiles() -> None:
    panel = simulated_panel(replace(TRUTH, chance=12), ["s", "t"], SYSTEM_OF, listeners=25)
    figure = plot_rating_boxes(panel, ["ours", "raw"], SYSTEM_OF, highlight="ours", alt="Boxes of two systems.").figure
    (axis,) = figure.axes
    assert [label.get_text() for label in axis.get_yticklabels()] == ["ours", "raw"]
    for line, system in enumerate(("ours", "raw")):
        values = np.array([row.rating for row in panel.ratings if SYSTEM_OF[row.system] == system])
        low, middle, high = np.quantile(values, [0.25, 0.5, 0.75])
        box = axis.patches[2 * line + 1]
        assert (box.get_x(), box.get_width()) == (pytest.approx(low), pytest.approx(high - low))
        whisker, median, mean, beyond = axis.lines[4 * line : 4 * line + 4]
        far = np.abs(values - np.clip(values, low, high)) > 1.5 * (high - low)
        assert list(whisker.get_xdata()) == [values[~far].min(), values[~far].max()]
        assert list(median.get_xdata()) == [middle, middle] and mean.get_xdata()[0] == pytest.approx(values.mean())
        assert len(beyond.get_xdata()) == far.sum()
    with pytest.raises(UserError, match="no ratings"):
        plot_rating_boxes(replace(panel, ratings=()), alt="Nothing at all.")
