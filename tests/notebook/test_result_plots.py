"""Figures of the evaluation: what is drawn is what the rows say, and nothing can be mistaken for something else."""

import numpy as np
import pytest

from megami.errors import UserError
from megami.evaluation.results import Row, range_row
from megami.notebook import plot_intervals, plot_mix_map, plot_reach
from megami.notebook.result_plots import OURS

SYSTEMS = [f"system {number}" for number in range(10)] + ["megami"]


@pytest.fixture
def rows() -> list[Row]:
    return [
        Row(system, f"{metric}_of_style", share, share - 0.02, share + 0.03, 12)
        for metric, offset in (("precision", 0.1), ("coverage", 0.3))
        for share, system in ((offset + 0.05 * number, name) for number, name in enumerate(SYSTEMS))
    ]


def test_every_system_of_the_reach_has_a_mark_of_its_own(rows: list[Row]) -> None:
    figure = plot_reach(rows, {name: name.upper() for name in SYSTEMS}, alt="What is to be seen.").figure
    marks = {box.get_label(): box.lines[0] for box in figure.axes[0].containers}
    looks = {(line.get_marker(), line.get_color()) for line in marks.values()}
    assert len(looks) == len(SYSTEMS)
    ours = marks["MEGAMI"]
    assert [line.get_color() for line in marks.values()].count(ours.get_color()) == 1
    assert ours.get_xydata()[0] == pytest.approx((0.1 + 0.5, 0.3 + 0.5))


def test_intervals_are_drawn_from_low_to_high_on_the_line_of_their_system(rows: list[Row]) -> None:
    systems = {"system 2": "two", "megami": "ours"}
    figure = plot_intervals(
        rows, systems, {"coverage_of_style": "coverage"}, linear=0, alt="What is to be seen."
    ).figure
    axis = figure.axes[0]
    assert [label.get_text() for label in axis.get_yticklabels()] == ["two", "ours"]
    drawn = [line.get_xydata().tolist() for line in axis.lines]
    assert drawn[2] == [pytest.approx([0.78, 1]), pytest.approx([0.83, 1])]  # ours: low and high on the second line
    assert drawn[3] == [pytest.approx([0.8, 1])]


def test_a_row_that_is_missing_is_named(rows: list[Row]) -> None:
    with pytest.raises(UserError, match="'raw_sum'"):
        plot_reach(rows, {"raw_sum": "raw sum"}, alt="What is to be seen.")


def test_a_range_is_not_drawn_as_an_interval(rows: list[Row]) -> None:
    ranges = [range_row(row.system, row.metric, np.arange(9.0)) for row in rows]
    with pytest.raises(UserError, match="no interval of 'coverage_of_style' for 'megami'"):
        plot_intervals(ranges, {"megami": "ours"}, {"coverage_of_style": "coverage"}, alt="What is to be seen.")


def test_every_group_on_the_map_has_a_colour_of_its_own() -> None:
    engineers = [f"engineer {number}" for number in range(5)]
    names = [*engineers, "MEGAMI", "regression", "raw sum"]
    rng = np.random.default_rng(0)
    groups = {name: rng.normal(size=(3, 4)) for name in names}
    figure = plot_mix_map(groups, fit_to=engineers, alt="What is to be seen.").figure
    marks = {mark.get_label(): mark.get_facecolor()[0, :3] for mark in figure.axes[0].collections}
    assert list(marks) == names
    assert len({tuple(colour) for colour in marks.values()}) == len(names)
    assert marks["MEGAMI"] == pytest.approx([int(OURS[place : place + 2], 16) / 255 for place in (1, 3, 5)])
