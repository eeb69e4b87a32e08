"""Results of a listening test: every file checked, faults named, statistics as other books have them."""

from __future__ import annotations

import copy
import itertools
import json
import math
import random
from pathlib import Path

import numpy as np
import pytest
import scipy.stats

from megami.errors import UserError
from megami.notebook import (
    bradley_terry,
    listener_steadiness,
    plot_listening,
    read_listening_results,
    summarise_listening,
    wilson_interval,
)
from megami.notebook.listening_results import Choice, ListeningResults, Participant, Rating
from megami.notebook.listening_summary import holm

SYSTEMS = ("megami", "raw sum", "regression")
QUALITY = {"megami": 70, "raw sum": 40, "regression": 55}


def sheet(name: str = "p1", test: str = "abc", seed: int = 0, finished: str = "2026-05-04T10:00:00Z") -> dict:
    """What a participant hands in: two songs rated at two questions, one system twice, and one comparison."""
    draw = random.Random(f"{name}{seed}")

    def made(system: str, repeat: bool = False) -> dict:
        ratings = {q: min(100, max(0, round(QUALITY[system] + draw.gauss(0, 8)))) for q in ("clarity", "production")}
        return {
            "label": "1",
            "system": system,
            "repeat": repeat,
            "plays": 2,
            "seconds_listened": 7.5,
            "ratings": ratings,
        }

    screens: list[dict] = [
        {
            "kind": "rating",
            "page": song,
            "stimuli": [*map(made, SYSTEMS), *([made("megami", True)] if song == "s1" else [])],
        }
        for song in ("s1", "s2")
    ]
    pair = [{"label": "A", "system": "raw sum"}, {"label": "B", "system": "megami"}]
    screens.append({"kind": "pair", "page": "s1", "question": "preference", "answer": "B", "stimuli": pair})
    return {
        "format": "megami-listening-test", "version": 1, "complete": True, "comment": "", "finished": finished,
        "test": {"id": test, "title": "Which?", "pages": 3, "screens": 3}, "volume_db": -6, "seconds": 100.5,
        "participant": {"id": name, "experience": "some", "playback": "headphones", "age_group": ""},
        "screens": screens,
    }  # fmt: skip


def write(folder: Path, name: str, data: object) -> None:
    (folder / f"{name}.json").write_text(json.dumps(data), encoding="utf-8")


def test_rows_are_what_was_answered(tmp_path: Path) -> None:
    for name in ("p1", "p2"):
        write(tmp_path, name, sheet(name))
    results = read_listening_results(tmp_path)
    assert (results.test, results.title, results.problems) == ("abc", "Which?", ())
    assert [participant.id for participant in results.participants] == ["p1", "p2"]
    assert len(results.ratings) == 2 * 7 * 2 and len(results.choices) == 2
    screen = sheet("p2")["screens"][1]
    value = screen["stimuli"][2]["ratings"]["clarity"]
    assert Rating("p2", "s2", "regression", "clarity", value, False, 2, 7.5) in results.ratings
    assert results.choices[0] == Choice("p1", "s1", "preference", "raw sum", "megami", "megami")


def test_what_does_not_count_is_named(tmp_path: Path) -> None:
    write(tmp_path, "a-late", sheet("p1", seed=1, finished="2026-05-04T12:00:00Z"))
    write(tmp_path, "b-first", sheet("p1"))
    write(tmp_path, "c-again", sheet("p1", finished="2026-05-04T13:00:00Z"))
    write(tmp_path, "d-other", sheet("p3", test="xyz"))
    write(tmp_path, "e-half", {**sheet("p4"), "complete": False})
    write(tmp_path, "f-list", [1, 2])
    write(tmp_path, "g-version", {**sheet("p5"), "version": 2})
    (tmp_path / "h-bytes.json").write_bytes(b"\xff\xfe\x00{")
    (tmp_path / "i-deep.json").write_text("[" * 100_000)
    (tmp_path / "j-folder.json").mkdir()
    (tmp_path / "k-number.json").write_text(json.dumps(sheet("p6")).replace("-6", "9" * 5000))
    (tmp_path / "notes.txt").write_text("not looked at")
    results = read_listening_results(tmp_path)
    assert [participant.id for participant in results.participants] == ["p1"]
    assert (
        list(results.ratings) == [row for row in results.ratings if row.participant == "p1"]
        and len(results.ratings) == 14
    )
    told = {line.split(".json")[0]: line for line in results.problems}
    assert sorted(told) == [path.stem for path in sorted(tmp_path.glob("*.json")) if path.stem != "b-first"]
    for name, words in {
        "a-late": "other answers, given later of participant 'p1' (b-first.json)", "c-again": "the same answers again",
        "d-other": "of the test xyz, not abc", "e-half": "not finished",
        "f-list": "does not come from a listening test",
        "g-version": "version 2", "h-bytes": "not JSON", "i-deep": "not JSON", "j-folder": "cannot be read",
    }.items():  # fmt: skip
        assert words in told[name]


def test_a_folder_without_use_is_said_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no \.json files"):
        read_listening_results(tmp_path)
    with pytest.raises(UserError, match="cannot read the folder"):
        read_listening_results(tmp_path / "nowhere")
    write(tmp_path, "one", sheet("p1"))
    write(tmp_path, "two", sheet("p2", test="xyz"))
    with pytest.raises(UserError, match="several tests"):
        read_listening_results(tmp_path)
    assert read_listening_results(tmp_path, "xyz").participants[0].id == "p2"
    with pytest.raises(UserError, match="no results"):
        read_listening_results(tmp_path, "unknown")


WRONG = (None, True, -1, 101, 1e300, "x", "", [], {}, [1], {"a": 1}, float("nan"), float("inf"))


def places(data: object, path: tuple = ()) -> list[tuple]:
    """The paths to everything inside."""
    inner = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    return [found for key, value in inner for found in [(*path, key), *places(value, (*path, key))]]


def test_whatever_is_wrong_in_a_file_is_named_and_nothing_else_breaks(tmp_path: Path) -> None:
    """Every entry missing and every entry wrong in several ways: read, or named, and what is read is sound."""
    write(tmp_path, "good", sheet("good"))
    whole = sheet("odd")
    kept = 0
    for path, wrong in itertools.product(places(whole), (*WRONG, "missing")):
        data = copy.deepcopy(whole)
        inner = data
        for key in path[:-1]:
            inner = inner[key]
        if wrong == "missing":
            del inner[path[-1]]
        else:
            inner[path[-1]] = wrong
        write(tmp_path, "odd", data)
        results = read_listening_results(tmp_path, "abc")
        left_out = any(line.startswith("odd.json is left out: ") for line in results.problems)
        assert left_out == (len(results.participants) == 1)
        assert all(0 <= row.rating <= 100 for row in results.ratings)
        kept += not left_out
    assert kept < 0.5 * len(places(whole)) * (len(WRONG) + 1)


def table(ratings: dict[str, list[float]], question: str = "clarity") -> ListeningResults:
    """Results with one page: system -> the rating of each participant."""
    count = len(next(iter(ratings.values())))
    people = tuple(Participant(f"p{n:02d}", "some", "headphones", "", 0, 1, "") for n in range(count))
    rows = tuple(
        Rating(person.id, "s", system, question, value, False, 1, 1.0)
        for system, values in ratings.items()
        for person, value in zip(people, values, strict=True)
    )
    return ListeningResults("t", "t", people, rows, (), ())


RATINGS = {
    "a": [70.0, 66, 81, 59, 77, 90, 62, 73],
    "b": [50.0, 68, 60, 41, 55, 70, 66, 40],
    "c": [30.0, 35, 62, 20, 52, 41, 60, 33],
}


def test_means_medians_and_rank_tests() -> None:
    summary = summarise_listening(table(RATINGS), seed=3)
    for row in summary.ratings:
        values = np.array(RATINGS[row.system])
        assert row.mean.value == pytest.approx(values.mean()) and row.median.value == pytest.approx(np.median(values))
        expected = 1.96 * values.std() / math.sqrt(len(values))
        assert row.mean.high - row.mean.low == pytest.approx(2 * expected, rel=0.15)
        assert row.mean.low < row.mean.value < row.mean.high and row.median.low <= row.median.value <= row.median.high
    (test,) = summary.rank_tests
    friedman = scipy.stats.friedmanchisquare(*RATINGS.values())
    assert (test.participants, test.statistic, test.p) == (8, *map(pytest.approx, friedman))
    p_values = [
        scipy.stats.wilcoxon(RATINGS[one], RATINGS[other]).pvalue for one, other in itertools.combinations("abc", 2)
    ]
    assert [(pair.first, pair.second) for pair in test.pairs] == [("a", "b"), ("a", "c"), ("b", "c")]
    assert [pair.p for pair in test.pairs] == pytest.approx(p_values)
    assert [pair.p_holm for pair in test.pairs] == pytest.approx(holm(p_values))
    assert summarise_listening(table(RATINGS), seed=3) == summary
    assert summarise_listening(table(RATINGS), seed=4).ratings[0].mean != summary.ratings[0].mean


def test_participants_are_drawn_whole() -> None:
    """Twenty equal answers of each of four participants tell no more than one of each."""
    one = table({"a": [20.0, 40, 60, 80]})
    many = ListeningResults("t", "t", one.participants, one.ratings * 20, (), ())
    narrow, wide = (summarise_listening(results, seed=0).ratings[0].mean for results in (many, one))
    assert narrow == wide and wide.high - wide.low > 30


def test_odd_tables_have_answers_too() -> None:
    same = summarise_listening(table({"a": [50.0, 50], "b": [50.0, 50], "c": [50.0, 50]}), seed=0).rank_tests[0]
    assert math.isnan(same.p) and all(pair.p == pair.p_holm == 1 for pair in same.pairs)
    two = summarise_listening(table({"a": [50.0], "b": [60.0]}), seed=0).rank_tests[0]
    assert math.isnan(two.p) and two.pairs[0].p == 1 and two.pairs[0].difference == -10
    full = table(RATINGS)
    part = ListeningResults("t", "t", full.participants, full.ratings[1:], (), ())
    assert summarise_listening(part, seed=0).rank_tests[0].participants == 7
    with pytest.raises(UserError, match="between 0 and 1"):
        summarise_listening(full, seed=0, level=95)


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.7]) == [1.0, 1.0] and holm([]) == []


@pytest.mark.parametrize("level", [0.9, 0.95])
def test_wilsons_interval_is_scipys(level: float) -> None:
    for won, played in [(0, 5), (3, 10), (10, 10), (41, 100)]:
        theirs = scipy.stats.binomtest(won, played).proportion_ci(level, method="wilson")
        assert wilson_interval(won, played, level) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


BASEBALL = {  # American League, East, 1987: wins against the others in the order of the names (Agresti's example)
    "Milwaukee": [0, 7, 9, 7, 7, 9, 11], "Detroit": [6, 0, 7, 5, 11, 9, 9], "Toronto": [4, 6, 0, 7, 7, 8, 12],
    "New York": [6, 8, 6, 0, 6, 7, 10], "Boston": [6, 2, 6, 7, 0, 7, 12], "Cleveland": [4, 4, 5, 6, 6, 0, 6],
    "Baltimore": [2, 4, 1, 3, 1, 7, 0],
}  # fmt: skip
STRENGTHS = [1.5814, 1.4364, 1.2945, 1.2476, 1.1077, 0.6839, 0.0]  # over Baltimore


def test_bradley_terry_knows_the_baseball_of_1987() -> None:
    found = bradley_terry(np.array(list(BASEBALL.values())))
    assert found.strengths - found.strengths[-1] == pytest.approx(STRENGTHS, abs=1e-3) and not found.smoothed


def test_bradley_terry_finds_the_strengths_that_made_the_wins() -> None:
    true = np.array([0.8, 0.1, -0.9])
    odds = 1 / (1 + np.exp(true[None, :] - true[:, None]))
    np.fill_diagonal(odds, 0)
    assert bradley_terry(50 * odds).strengths == pytest.approx(true, abs=1e-6)


def test_bradley_terry_where_no_maximum_exists() -> None:
    found = bradley_terry(np.array([[0, 8.0], [0, 0]]))
    assert found.smoothed and found.strengths[0] - found.strengths[1] == pytest.approx(math.log(8.5 / 0.5))
    with pytest.raises(UserError, match="never compared"):
        bradley_terry(np.array([[0, 3, 0, 0], [2, 0, 0, 0], [0, 0, 0, 1], [0, 0, 4, 0]]))


def compared(answers: dict[tuple[str, str], list[str]]) -> ListeningResults:
    """Results with comparisons: pair -> the winner for each participant ("" for none)."""
    count = len(next(iter(answers.values())))
    people = tuple(Participant(f"p{n:02d}", "some", "headphones", "", 0, 1, "") for n in range(count))
    rows = tuple(
        Choice(person.id, "s", "preference", *(pair if number % 2 else pair[::-1]), winner)
        for pair, winners in answers.items()
        for number, (person, winner) in enumerate(zip(people, winners, strict=True))
    )
    return ListeningResults("t", "t", people, (), rows, ())


def test_win_rates_and_strengths() -> None:
    results = compared({("a", "b"): ["a"] * 7 + ["b"] * 2 + [""], ("b", "c"): ["b"] * 6 + ["c"] * 4})
    summary = summarise_listening(results, seed=0)
    first = summary.win_rates[0]
    assert (first.first, first.second, first.wins, first.losses, first.ties) == ("a", "b", 7, 2, 1)
    assert first.rate.value == 0.75 and (first.rate.low, first.rate.high) == wilson_interval(7.5, 10)
    strengths = {row.system: row.strength for row in summary.strengths}
    assert strengths["a"].value - strengths["b"].value == pytest.approx(math.log(7.5 / 2.5))
    assert strengths["b"].value - strengths["c"].value == pytest.approx(math.log(6 / 4))
    assert all(found.low < found.value < found.high for found in strengths.values())
    apart = summarise_listening(compared({("a", "b"): ["a", "b"], ("c", "d"): ["c", "d"]}), seed=0)
    assert len(apart.win_rates) == 2 and apart.strengths == ()


def test_unsteady_listeners_are_named_and_kept(tmp_path: Path) -> None:
    for name, apart in (("careful", 3), ("careless", 45)):
        data = sheet(name)
        one, other = data["screens"][0]["stimuli"][0], data["screens"][0]["stimuli"][3]
        one["ratings"] = {"clarity": 50, "production": 50}
        other["ratings"] = {"clarity": 50 + apart, "production": 50 - apart}
        write(tmp_path, name, data)
    results = read_listening_results(tmp_path)
    found = listener_steadiness(results)
    assert [(one.participant, one.mean_difference, one.comparisons, one.unsteady) for one in found] == [
        ("careless", 45, 2, True), ("careful", 3, 2, False),
    ]  # fmt: skip
    assert summarise_listening(results, seed=0).participants == 2
    assert all(row.ratings == 4 for row in summarise_listening(results, seed=0).ratings)  # repeats do not count twice
    with pytest.raises(UserError, match="repeats no version"):
        listener_steadiness(table(RATINGS))


def test_the_figure_shows_the_summary() -> None:
    ratings, choices = table(RATINGS), compared({("a", "b"): ["a"] * 5 + ["b"] * 3, ("b", "c"): ["b"] * 5 + ["c"] * 3})
    both = ListeningResults("t", "t", ratings.participants, ratings.ratings, choices.choices, ())
    summary = summarise_listening(both, seed=0)
    figure = plot_listening(summary, {"c": "See", "a": "Ay"}, highlight="a", alt="Ratings.").figure
    rated, strong = figure.axes
    assert [axis.get_title(loc="left") for axis in figure.axes] == ["clarity", "preference"]
    assert [label.get_text() for label in rated.get_yticklabels()] == ["See", "Ay"]
    dots, interval, mean = (line.get_xydata() for line in rated.lines[3:6])
    found = next(row for row in summary.ratings if row.system == "a")
    assert dots[:, 0].tolist() == RATINGS["a"] and interval[:, 0].tolist() == [found.mean.low, found.mean.high]
    assert mean.tolist() == [[found.mean.value, 1.0]]
    assert len(strong.lines) == 5
    with pytest.raises(UserError, match="'x'"):
        plot_listening(summary, {"x": "X"}, alt="Ratings.")
    with pytest.raises(UserError, match="to plot"):
        nothing = summarise_listening(ListeningResults("t", "t", ratings.participants, (), (), ()), seed=0)
        plot_listening(nothing, alt="Ratings.")


def test_ratings_and_comparisons_of_one_name_have_a_panel_each() -> None:
    ratings, choices = table(RATINGS, "preference"), compared({("a", "b"): ["a"] * 5 + ["b"] * 3})
    both = ListeningResults("t", "t", ratings.participants, ratings.ratings, choices.choices, ())
    figure = plot_listening(summarise_listening(both, seed=0), alt="Two panels.").figure
    assert [axis.get_xlabel() for axis in figure.axes] == ["rating (0 to 100)", "log odds against an average system"]
    assert len(figure.axes[1].lines) == 5  # two systems, and the line of the average
