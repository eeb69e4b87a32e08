"""Write what `megami evaluate --quick --out results.json` measured beside the shipped weights that it is about.

    python scripts/note_metrics.py results.json
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

SYSTEMS = {
    "fx_encoder": "effect encoder",
    "adaptor": "adaptor(content(wet))",
    "processor_structured": "structured",
    "processor_tcn": "FiLM-TCN",
    "generator": "MEGAMI (small)",
}


def main(results: str) -> None:
    """Fill the field `metrics` of every network's JSON with the rows of its system."""
    rows = json.loads(Path(results).read_text(encoding="utf-8"))["rows"]
    folder = Path(__file__).resolve().parents[1] / "megami" / "weights" / "small"
    for name, system in SYSTEMS.items():
        path = folder / f"{name}.json"
        words = json.loads(path.read_text(encoding="utf-8"))
        words["metrics"] = {r["metric"]: round(r["value"], 4) for r in rows if r["system"] == system and not r["group"]}
        path.write_text(json.dumps(words, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
