"""What the repository says of the shipped weights is about these weights, and every place says the same."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import shutil
from pathlib import Path
from types import ModuleType

import pytest

from megami.evaluation.results import read_results
from megami.evaluation.tables import report
from megami.presets import preset_folder

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "results" / "results.json"


def script(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_results_are_about_the_shipped_weights():
    _, made_by = read_results(RESULTS)
    shipped = {path.stem: path.read_bytes() for path in preset_folder("small").glob("*.safetensors")}
    assert made_by["weights"] == {name: hashlib.sha256(held).hexdigest()[:16] for name, held in shipped.items()}


def test_real_songs_were_mixed_with_the_weights_that_the_results_are_about():
    songs = json.loads((ROOT / "results" / "real_songs.json").read_text(encoding="utf-8"))
    assert songs["made_by"]["weights"] == read_results(RESULTS)[1]["weights"]


def test_the_pages_show_what_the_script_writes_from_the_results(tmp_path):
    for name in ("README.md", "scripts/update_readme.py", "results"):
        place = tmp_path / name
        place.parent.mkdir(exist_ok=True)
        (shutil.copytree if (ROOT / name).is_dir() else shutil.copy)(ROOT / name, place)
    script(tmp_path / "scripts" / "update_readme.py").main(str(tmp_path / "results" / "results.json"))
    pages = [path for path in (tmp_path / "README.md", tmp_path / "results" / "RESULTS.md") if path.exists()]
    for page in pages:
        assert (ROOT / page.relative_to(tmp_path)).read_text("utf-8") == page.read_text("utf-8"), (
            "run: python scripts/update_readme.py results/results.json"
        )
    assert any(report(read_results(RESULTS)[0]) in page.read_text("utf-8") for page in pages)


def test_the_metrics_beside_the_weights_are_those_of_the_results(tmp_path, monkeypatch):
    folder = tmp_path / "small"
    shutil.copytree(preset_folder("small"), folder, ignore=shutil.ignore_patterns("*.safetensors"))
    before = {path.name: json.loads(path.read_text("utf-8")) for path in folder.glob("*.json")}
    noting = script(ROOT / "scripts" / "note_metrics.py")
    monkeypatch.setattr(noting, "preset_folder", lambda name: folder)
    noting.main(str(RESULTS))
    after = {path.name: json.loads(path.read_text("utf-8")) for path in folder.glob("*.json")}
    assert after == before
    assert sum(bool(words.get("metrics")) for words in after.values()) == len(noting.SYSTEMS)


@pytest.mark.parametrize("change", [("value", 9.5), ("low", -9.5)])
def test_another_number_would_be_noticed(change):
    """The tables hold every number that they show of the results: another one is another text."""
    rows, _ = read_results(RESULTS)
    shown = next(row for row in rows if (row.system, row.metric) == ("megami", "kad_mix"))
    others = [type(row)(**{**vars(row), change[0]: change[1]}) if row is shown else row for row in rows]
    assert report(others) != report(rows)
