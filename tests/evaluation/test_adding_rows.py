"""Rows of other systems and of our own in one file: neither is lost, and different songs are not mixed up."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from megami.errors import UserError
from megami.evaluation.adding_rows import DIRECTED, OTHERS, add_directed, add_others, keep_others
from megami.evaluation.results import Row
from megami.evaluation.tables import report, table_of_others

FILE = Path("mine.json")
FLOOR = [Row("engineers", "kad_mix", -0.6, -1, 0, 120), Row("engineers", "mix_level_db", -16.0, -18, -14, 120)]
OURS = [Row("megami", "kad_mix", 0.1, -0.6, 1.3, 120), Row("megami", "coverage", 0.6, 0.4, 0.7, 12), *FLOOR]
MADE_BY = {"command": "megami evaluate", "commit": "abc"}


def measured(name: str, value: float, songs: int = 12) -> list[Row]:
    return [*FLOOR, Row(name, "songs", songs, songs, songs, 12), Row(name, "kad_mix", value, 0, 9, 10 * songs)]


def test_rows_are_added_and_the_others_stay():
    file = add_others((OURS, MADE_BY), measured("theirs", 3.0), {"theirs": {"mixes": 1}}, FILE)
    rows, made_by = add_others(file, measured("more", 4.0), {"more": {"mixes": 2}}, FILE)
    assert rows[: len(OURS)] == OURS
    assert [row.value for row in rows if row.metric == "kad_mix"] == [0.1, -0.6, 3.0, 4.0]
    assert made_by == {**MADE_BY, OTHERS: {"theirs": {"mixes": 1}, "more": {"mixes": 2}}}


def test_a_system_measured_again_replaces_its_own_rows_only():
    file = add_others((OURS, MADE_BY), measured("theirs", 3.0), {"theirs": {"mixes": 1}}, FILE)
    rows, made_by = add_others(file, measured("theirs", 2.0), {"theirs": {"mixes": 9}}, FILE)
    assert [row.value for row in rows if (row.system, row.metric) == ("theirs", "kad_mix")] == [2.0]
    assert len({(row.system, row.metric) for row in rows}) == len(rows) == len(OURS) + 2
    assert made_by[OTHERS] == {"theirs": {"mixes": 9}}


def test_what_the_file_lacks_of_the_floor_is_added():
    new = Row("engineers", "coverage_of_mix", 0.9, 0.8, 1.0, 12)
    rows, _ = add_others((OURS, MADE_BY), [*measured("theirs", 3.0), new], {"theirs": {}}, FILE)
    assert new in rows and all(row in rows for row in OURS)


def test_a_whole_evaluation_keeps_others_and_replaces_ours():
    file = add_others((OURS, MADE_BY), measured("theirs", 3.0), {"theirs": {"mixes": 1}}, FILE)
    again = [replace(OURS[0], value=0.2), *FLOOR]
    rows, made_by = keep_others(file, (again, {"commit": "def"}), FILE)
    assert rows[: len(again)] == again and {row.system for row in rows[len(again) :]} == {"theirs"}
    assert made_by == {"commit": "def", OTHERS: {"theirs": {"mixes": 1}}}
    assert keep_others((OURS, MADE_BY), (again, {"commit": "def"}), FILE) == (again, {"commit": "def"})


@pytest.mark.parametrize("change", [{"value": -0.9}, {"n": 30}])
def test_rows_about_other_songs_are_not_put_beside_each_other(change):
    moved = [replace(FLOOR[0], **change), *measured("theirs", 3.0)[1:]]
    with pytest.raises(UserError, match=r"mine\.json is about other songs"):
        add_others((OURS, MADE_BY), moved, {"theirs": {}}, FILE)
    file = add_others((OURS, MADE_BY), measured("theirs", 3.0), {"theirs": {}}, FILE)
    with pytest.raises(UserError, match=r"mine\.json is about other songs"):
        keep_others(file, ([replace(FLOOR[0], **change), FLOOR[1]], {}), FILE)
    with pytest.raises(UserError, match="no row of the engineers"):
        add_others((OURS[:2], MADE_BY), measured("theirs", 3.0), {"theirs": {}}, FILE)


def test_rows_that_another_machine_rounded_are_the_same():
    near = [replace(row, value=row.value * 1.0001) for row in FLOOR]
    add_others((OURS, MADE_BY), [*near, *measured("theirs", 3.0)[2:]], {"theirs": {}}, FILE)


def test_a_row_of_ours_is_not_taken_for_somebody_elses():
    with pytest.raises(UserError, match="'megami'"):
        add_others((OURS, MADE_BY), measured("megami", 3.0), {"megami": {}}, FILE)


def test_the_table_of_others_says_on_how_many_songs_a_row_stands():
    rows = [*OURS, *measured("whole", 3.0)[2:], *measured("part", 4.0, songs=7)[2:]]
    table = table_of_others(rows)
    assert table is not None and list(table.systems)[:2] == ["whole", "part"]
    said = report(rows)
    assert "| whole |" in said and "| part (7 of 12 songs) |" in said and "| **MEGAMI** |" in said
    assert table_of_others(OURS) is None and "Other systems" not in report(OURS)


def test_rows_about_directing_are_added_and_replaced_beside_all_others():
    made_by, how = (
        {**MADE_BY, "weights": {"generator": "1"}},
        {"command": "x", "weights": {"generator": "1", "bank": "2"}},
    )
    file = add_others((OURS, made_by), measured("theirs", 3.0), {"theirs": {}}, FILE)
    for value in (0.5, 0.6):
        rows, words = add_directed(file, ([Row("directed: nothing", "followed", value, 0, 1, 12)], how), FILE)
        assert rows[:-1] == file[0][: len(rows) - 1] and rows[-1].value == value
        assert words["command"] == MADE_BY["command"] and words[DIRECTED] == how
        file = (rows, words)
    for weights in ({"generator": "2"}, {}):
        with pytest.raises(UserError, match="other weights"):
            add_directed(file, (OURS, {**how, "weights": weights}), FILE)
