"""Files of results: what a row holds is said in it, an interval of confidence or a range of what was measured."""

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from megami.evaluation.comparison import SongSet, track_level_row
from megami.evaluation.measures.descriptors import LEVEL, NAMES
from megami.evaluation.measures.style_coverage import Heard
from megami.evaluation.mixes_alone import mix_ranges
from megami.evaluation.results import Row, mean_row, range_row, read_results, write_results
from megami.evaluation.tables import TABLES

SHIPPED = Path(__file__).resolve().parents[2] / "results" / "results.json"


def test_a_range_is_the_middle_of_what_was_measured_and_an_interval_is_of_its_mean():
    values = np.arange(101.0)
    measured = range_row("a", "m", values)
    assert (measured.value, measured.low, measured.high, measured.kind) == (50, 5, 95, "range")
    mean = mean_row("a", "m", values)
    assert mean.kind == "interval" and 40 < mean.low < 50 < mean.high < 60


def test_what_varies_over_mixes_is_a_range():
    heard = Heard(np.zeros((20, 2, len(NAMES))), np.zeros((20, len(NAMES))), np.zeros(20))
    heard.tracks[..., LEVEL] = -np.arange(20)[:, None]
    levels = track_level_row(SongSet("a", [heard], [], np.array([]), None))
    rows = [*mix_ranges("a", [heard]), levels]
    assert {row.kind for row in rows} == {"range"} and len({row.metric for row in rows}) == len(NAMES) + 1
    assert (levels.low, levels.value, levels.high) == pytest.approx((-18.05, -9.5, -0.95), abs=0.06)


def test_kinds_are_kept_and_older_files_get_theirs(tmp_path):
    rows = [
        Row("a", "mix_width_mid_db", 1.0, 0.0, 2.0, 9, "range"),
        Row("a", "track_level_db", 1.0, 0.0, 2.0, 9, "range"),
        Row("engineer a", "mix_width_mid_db", 1.0, 0.0, 2.0, 9),
        Row("a", "kad_mix", 1.0, 0.0, 2.0, 9),
    ]
    path = tmp_path / "results.json"
    write_results(path, rows, {"seed": 0})
    assert read_results(path) == (rows, {"seed": 0})
    assert ['"kind"' in line for line in path.read_text().splitlines() if '"metric"' in line] == [True] * 2 + [
        False
    ] * 2
    older = [{name: value for name, value in asdict(row).items() if name != "kind"} for row in rows]
    path.write_text(json.dumps({"rows": older, "made_by": {"seed": 0}}))
    assert read_results(path) == (rows, {"seed": 0})


def test_the_tables_show_intervals_only():
    rows, _ = read_results(SHIPPED)
    ranges = {(row.system, row.metric) for row in rows if row.kind == "range"}
    assert ("engineers", "track_level_db") in ranges
    assert not ranges & {(system, metric) for table in TABLES for system in table.systems for metric in table.metrics}
