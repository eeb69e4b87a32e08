"""Put the tables of `megami evaluate --quick --out results.json` into the README, between its two markers.

    python scripts/update_readme.py results.json
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from megami.evaluation.quick import print_report
from megami.evaluation.report import Row

BEGIN, END = "<!-- results: written by scripts/update_readme.py -->", "<!-- end of results -->"


def main(results: str) -> None:
    """Replace what stands between the markers."""
    readme = Path(__file__).resolve().parents[1] / "README.md"
    rows = [Row(**row) for row in json.loads(Path(results).read_text(encoding="utf-8"))["rows"]]
    text = readme.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    readme.write_text(f"{before}{BEGIN}\n{print_report(rows)}{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
