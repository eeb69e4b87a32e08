"""Results and metrics are about the shipped weights. (tests/scripts hold the pages with tables to the results.)"""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

from megami.evaluation.results import read_results
from megami.presets import preset_folder

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "results" / "results.json"


def test_the_results_are_about_the_shipped_weights():
    _, made_by = read_results(RESULTS)
    shipped = {path.stem: path.read_bytes() for path in preset_folder("small").glob("*.safetensors")}
    assert made_by["weights"] == {name: hashlib.sha256(held).hexdigest()[:16] for name, held in shipped.items()}


def test_real_songs_were_mixed_with_the_shipped_weights():
    songs = json.loads((ROOT / "results" / "real_songs.json").read_text(encoding="utf-8"))
    shipped = {path.stem: path.read_bytes() for path in preset_folder("small").glob("*.safetensors")}
    assert songs["made_by"]["weights"] == {
        name: hashlib.sha256(held).hexdigest()[:16] for name, held in shipped.items()
    }


def test_the_metrics_beside_the_weights_are_those_of_the_results(tmp_path, monkeypatch, load_script):
    folder = tmp_path / "small"
    shutil.copytree(preset_folder("small"), folder, ignore=shutil.ignore_patterns("*.safetensors"))
    before = {path.name: json.loads(path.read_text("utf-8")) for path in folder.glob("*.json")}
    noting = load_script("note_metrics")
    monkeypatch.setattr(noting, "preset_folder", lambda name: folder)
    noting.main(str(RESULTS))
    after = {path.name: json.loads(path.read_text("utf-8")) for path in folder.glob("*.json")}
    assert after == before
    assert sum(bool(words.get("metrics")) for words in after.values()) == len(noting.SYSTEMS)
