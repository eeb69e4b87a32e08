"""Put the tables of `megami evaluate --out results/results.json` into the README, between its two markers.

python scripts/update_readme.py results/results.json
"""

from __future__ import annotations

import sys
from pathlib import Path

from megami.evaluation.results import read_results
from megami.evaluation.tables import report

BEGIN, END = "<!-- results: written by scripts/update_readme.py -->", "<!-- end of results -->"


def main(results: str) -> None:
    """Replace what stands between the markers."""
    readme = Path(__file__).resolve().parents[1] / "README.md"
    text = readme.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    rows, _ = read_results(Path(results))
    readme.write_text(f"{before}{BEGIN}\n{report(rows)}{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
