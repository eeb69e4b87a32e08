"""Metrics beside the shipped weights are those of results.json."""

from __future__ import annotations

import json
from pathlib import Path

from megami.presets import preset_folder

RESULTS = Path(__file__).resolve().parents[2] / "results" / "results.json"


def test_the_script_fills_the_metrics_that_stand_beside_the_shipped_weights(load_script, tmp_path, monkeypatch):
    shipped, script = preset_folder("small"), load_script("note_metrics")
    for path in shipped.glob("*.json"):
        words = json.loads(path.read_text(encoding="utf-8"))
        (tmp_path / path.name).write_text(json.dumps({**words, "metrics": {}}), encoding="utf-8")
    monkeypatch.setattr(script, "preset_folder", lambda name: tmp_path)
    script.main(str(RESULTS))
    for path in shipped.glob("*.json"):
        assert json.loads((tmp_path / path.name).read_text(encoding="utf-8")) == json.loads(path.read_text("utf-8"))
