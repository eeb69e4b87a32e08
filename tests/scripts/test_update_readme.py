"""The tables that are kept are those of results.json."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from megami.evaluation.results import Row, read_results

ROOT = Path(__file__).resolve().parents[2]
ROWS, MADE_BY = read_results(ROOT / "results" / "results.json")


@pytest.fixture(scope="module")
def script(load_script):
    return load_script("update_readme")


def test_the_page_of_results_is_what_the_script_writes(script):
    assert script.RESULTS.read_text(encoding="utf-8") == script.results_page(ROWS, MADE_BY)


@pytest.mark.parametrize("number", [0, 1], ids=["README", "model card"])
def test_the_small_table_is_of_the_same_rows(script, number):
    page = script.WITH_SUMMARY[number].read_text(encoding="utf-8")
    assert script.with_summary(page, ROWS) == page
    table = page.split(script.BEGIN)[1].split(script.END)[0]
    assert [line.split("|")[1].strip() for line in table.splitlines() if line.startswith("|")][2:] == [
        "**MEGAMI**",
        "regression (same network)",
        "per-track diffusion",
        "raw sum",
        "engineers, other mixes (floor)",
    ]


def test_only_what_stands_between_the_markers_is_replaced(script):
    readme = f"before\n{script.BEGIN}\nold\n{script.END}\nafter\n"
    written = script.with_summary(readme, ROWS)
    assert written.startswith("before\n") and written.endswith("\nafter\n") and "old" not in written


def test_the_ratios_of_speed_are_those_of_the_benchmarks(script):
    measured = json.loads(script.BENCHMARKS.read_text(encoding="utf-8"))
    readme = script.WITH_SUMMARY[0].read_text(encoding="utf-8")
    assert script.RATIO.search(readme) and script.with_ratios(readme, measured) == readme
    other = {"mix": {"ratios": {"before / today": {"cpu": {"median": 3.14}}}}}
    page = "It is <!-- ratio of mix: before / today -->9<!-- --> times as quick."
    assert script.with_ratios(page, other) == page.replace(">9<", ">3.1<")


def test_the_seconds_of_a_mix_are_those_of_the_benchmarks(script):
    measured = json.loads(script.BENCHMARKS.read_text(encoding="utf-8"))
    readme = script.WITH_SUMMARY[0].read_text(encoding="utf-8")
    assert script.SIZE.search(readme) and script.with_seconds(readme, measured) == readme
    sizes = [{"tracks": tracks, "seconds": 60.0, "cpu_s": {"median": 10.4 * tracks}} for tracks in (1, 2)]
    page = "It takes <!-- seconds of growth_small: 2 x 60 s -->9<!-- --> s."
    assert script.with_seconds(page, {"growth_small": {"sizes": sizes}}) == page.replace(">9<", ">21<")


def test_single_values_are_those_of_their_rows(script):
    readme = script.WITH_SUMMARY[0].read_text(encoding="utf-8")
    assert script.ROW.search(readme) and script.with_rows(readme, ROWS) == readme
    row = Row("directed: one", "followed", 0.456, 0.0, 1.0, 8)
    page = "In <!-- row of directed: one: followed -->9<!-- --> of draws."
    assert script.with_rows(page, [row]) == page.replace(">9<", ">0.46<")
