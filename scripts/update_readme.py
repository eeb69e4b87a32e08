"""Write the tables of `megami evaluate --out results/results.json`: all of them into results/RESULTS.md, and the small
one into the README and the model card of the shipped weights.

    python scripts/update_readme.py results/results.json

RESULTS.md is written whole. In the other two only what stands between their markers is replaced; in the README also
single rows, and the ratios of `results/benchmarks.json`, each between markers of its own.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

from megami.evaluation.results import Row, read_results
from megami.evaluation.tables import SUMMARY, markdown_table, report

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "results" / "RESULTS.md"
WITH_SUMMARY = (ROOT / "README.md", ROOT / "megami" / "presets" / "small" / "README.md")
BEGIN, END = "<!-- results: written by scripts/update_readme.py -->", "<!-- end of results -->"
BENCHMARKS = ROOT / "results" / "benchmarks.json"
RATIO = re.compile(r"(<!-- ratio of (\w+): (.+?) -->)[^<]*(<!-- -->)")
"""A ratio of CPU seconds in a page: `<!-- ratio of KEY: ONE WAY / OTHER WAY -->2.5<!-- -->`."""
SIZE = re.compile(r"(<!-- seconds of (growth_\w+): (\d+) x (\d+) s -->)[^<]*(<!-- -->)")
"""CPU seconds of a mix in a page: `<!-- seconds of growth_small: 8 x 180 s -->37<!-- -->`, tracks by their length."""
ROW = re.compile(r"(<!-- row of (.+?): (\w+) -->)[^<]*(<!-- -->)")
"""A measured value in a page: `<!-- row of SYSTEM: METRIC -->0.72<!-- -->`; the system may hold colons."""
HEAD = """\
# Results

<!-- Written by scripts/update_readme.py from results.json: change that script, or megami/evaluation/tables.py. -->

The networks of the `small` preset, but for MusiCNN, are trained from scratch by `megami train small` on songs that the
project's studio composes and its simulated engineers mix. They are measured on songs from unseen seeds, a third of them
in genres that training never heard, beside baselines with the same processor. Numbers in brackets are 95 % intervals
over songs. The chapter *Measuring mixes* shows and explains them.

`results.json`, beside this page, holds every number, and the hashes of the weights that it is about. It was made by
`{command}`,
with the code of commit `{commit}`, on {machine}.

One oracle is trained apart, since a mixer cannot use it: a generator that is told the content of the dry tracks instead
of what the adaptor makes of the wet ones. `megami train small --stages generator_true_dry` trains it after the other
stages, and `megami evaluate --weights runs/small/weights` then adds its row to the table of what limits.

Your own stems have no reference mix, but their mixes can be checked:
`python scripts/compare_real_songs.py results/results.json FOLDER_OF_STEMS --figure real.png` prints the level of every
track relative to each mix, and names the tracks that nobody can hear or that drown the rest. It draws balance, width
and dynamics beside the raw sum and the range of the engineers' mixes. `real_songs.json` holds what it measured on a few
real songs.

"""


def results_page(rows: list, made_by: dict[str, Any]) -> str:
    """The whole text of results/RESULTS.md."""
    origin = {key: made_by.get(key, "an unknown one") for key in ("command", "commit", "machine")}
    return HEAD.format(**origin) + report(rows)


def with_summary(page: str, rows: list) -> str:
    """The page with the small table of these rows between its markers."""
    before, rest = page.split(BEGIN)
    after = rest.split(END)[1]
    return f"{before}{BEGIN}\n{markdown_table(rows, SUMMARY)}{END}{after}"


def with_rows(page: str, rows: list[Row]) -> str:
    """The page with the values of these rows between their markers."""
    measured = {(row.system, row.metric): row.value for row in rows}
    return ROW.sub(lambda found: f"{found[1]}{measured[found[2], found[3]]:.2f}{found[4]}", page)


def with_ratios(page: str, benchmarks: dict[str, Any]) -> str:
    """The page with the median ratios of these benchmarks between their markers."""

    def measured(found: re.Match[str]) -> str:
        begin, key, pair, end = found.groups()
        return f"{begin}{benchmarks[key]['ratios'][pair]['cpu']['median']:.1f}{end}"

    return RATIO.sub(measured, page)


def with_seconds(page: str, benchmarks: dict[str, Any]) -> str:
    """The page with the CPU seconds of mixes of these sizes between its markers."""

    def measured(found: re.Match[str]) -> str:
        begin, key, tracks, seconds, end = found.groups()
        sizes = {(row["tracks"], row["seconds"]): row["cpu_s"]["median"] for row in benchmarks[key]["sizes"]}
        return f"{begin}{sizes[int(tracks), float(seconds)]:.0f}{end}"

    return SIZE.sub(measured, page)


def main(results: str) -> None:
    """Write all three."""
    rows, made_by = read_results(Path(results))
    RESULTS.write_text(results_page(rows, made_by), encoding="utf-8")
    benchmarks = json.loads(BENCHMARKS.read_text(encoding="utf-8"))
    for page in WITH_SUMMARY:
        text = with_rows(with_summary(page.read_text(encoding="utf-8"), rows), rows)
        text = with_seconds(with_ratios(text, benchmarks), benchmarks)
        page.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
