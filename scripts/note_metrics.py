"""Write what `megami evaluate --out results/results.json` measured beside the shipped weights that it is about.

python scripts/note_metrics.py results/results.json
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from megami.evaluation.results import read_results
from megami.presets import preset_folder

SYSTEMS = {
    "fx_encoder": ("effect_encoder", ("retrieval_top1", "instrument_readable")),
    "adaptor": ("adaptor", ("cosine_to_dry", "gap_closed")),
    "processor_structured": ("processor", ("error_ratio", "spectral_error", "mid_error_db", "side_error_db")),
    "processor_tcn": ("processor_tcn", ("error_ratio", "spectral_error", "mid_error_db", "side_error_db")),
    "generator": ("megami", ("kad_decided", "kad_embedding", "kad_descriptor", "kad_mix", "coverage", "precision")),
    "generator_regression": ("regression", ("kad_decided", "kad_embedding", "kad_descriptor", "kad_mix")),
    "generator_per_track": ("per_track", ("kad_decided", "kad_embedding", "kad_descriptor", "kad_mix")),
}


def main(results: str) -> None:
    """Fill the field `metrics` of every network's JSON with the rows of its system."""
    values = {(row.system, row.metric): row.value for row in read_results(Path(results))[0]}
    folder = preset_folder("small")
    for name, (system, metrics) in SYSTEMS.items():
        path = folder / f"{name}.json"
        words = json.loads(path.read_text(encoding="utf-8"))
        words["metrics"] = {metric: values[system, metric] for metric in metrics if (system, metric) in values}
        path.write_text(json.dumps(words, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
