"""The whole evaluation at the smallest size: every system is heard, and the table can be read again."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from handmade import handmade_song
from tracing import modules_that_run

from megami.corpus import CorpusConfig, source_hash
from megami.errors import UserError
from megami.evaluation import encoders, results
from megami.evaluation.render import HearMixes
from megami.evaluation.results import read_results, write_results
from megami.evaluation.run import evaluate, origin, other_mixers
from megami.evaluation.stage import HEARD_CODE, TRUE_DRY, UNHEARING, EvaluationConfig, Stage
from megami.evaluation.tables import report
from megami.mixing import Mixer

SYSTEMS = {
    "megami", "regression", "per_track", "rule_based", "nearest_neighbour", "random", "raw_sum", "equal_loudness",
    "engineers", "engineers_processor", "megami_true_dry", "effect_encoder", "adaptor", "processor", "processor_tcn",
}  # fmt: skip
METRICS = {
    "kad_embedding", "kad_descriptor", "kad_mix", "fad_embedding", "fad_descriptor", "fad_mix", "coverage", "precision",
    "retrieval_top1", "gap_closed", "error_ratio", "agreement", "panning_balance", "lead_level_distance_db",
    "IM-mss-lr", "coverage_of_mix", "precision_of_mix",
}  # fmt: skip


CORPUS = CorpusConfig(
    train_songs=2,
    test_songs=2,
    seconds=1.0,
    mixes_per_song=10,
    view_seconds=0.5,
    views=2,
    crop_samples=8192,
    long_crop_samples=40_000,
)
CONFIG = EvaluationConfig(CORPUS, 2, 2, mixes=5, many_mixes=5, chains=10, crops=6, sampler_songs=0)


@pytest.fixture(scope="module")
def cache(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def rows(cache, tiny_weights):
    """Of short songs of four tracks, and with few draws of the bootstrap: everything else is as it always is."""
    song_weights = results.song_weights
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("megami.corpus.songs.find_soundfont", lambda: None)
        patch.setattr("megami.corpus.songs.find_synthesisers", dict)
        patch.setattr("megami.corpus.songs.compose_song", compose)
        patch.setattr(encoders, "GALLERY", 10)
        patch.setattr(results, "song_weights", lambda songs, draws=0: song_weights(songs, 30))
        return evaluate(str(tiny_weights), cache, 1, CONFIG, device="cpu")


def compose(seed: int, genre: str, seconds: float, voices: str):
    return replace(handmade_song(seed, seconds, without=("guitar b", "pad")), genre=genre, seed=seed)


def test_every_system_and_metric_has_a_row(rows):
    assert {row.system for row in rows} >= SYSTEMS
    assert {row.metric for row in rows} >= METRICS
    assert len({(row.system, row.metric) for row in rows}) == len(rows)
    assert all(row.low <= row.high for row in rows)


def test_engineers_are_nearest_to_themselves(rows):
    value = {row.system: row.value for row in rows if row.metric == "kad_descriptor"}
    assert value["engineers"] < min(value[name] for name in ("megami", "raw_sum", "equal_loudness", "regression"))
    precision = {row.system: row.value for row in rows if row.metric == "precision"}
    assert precision["engineers"] > 0.6 > precision["raw_sum"]


def test_results_are_read_as_they_were_written(rows, tmp_path, tiny_weights):
    write_results(tmp_path / "results.json", rows, origin(str(tiny_weights), False, 0))
    again, made_by = read_results(tmp_path / "results.json")
    assert [(row.system, row.metric, row.n) for row in again] == [(row.system, row.metric, row.n) for row in rows]
    assert set(made_by) == {"command", "seed", "commit", "weights", "machine"}
    assert "generator_true_dry" in made_by["weights"]
    write_results(tmp_path / "again.json", again, made_by)
    assert (tmp_path / "again.json").read_bytes() == (tmp_path / "results.json").read_bytes()
    assert report(again) == report(rows) and "**MEGAMI**" in report(rows)


def test_other_files_are_not_results(tmp_path):
    (tmp_path / "notes.json").write_text('{"rows": 3}')
    with pytest.raises(UserError, match="not a results file"):
        read_results(tmp_path / "notes.json")


@pytest.fixture(scope="module")
def stage(cache, tiny_weights) -> Stage:
    mixer = Mixer.from_pretrained(tiny_weights, "cpu")
    return Stage(mixer, other_mixers(mixer, tiny_weights), str(tiny_weights), cache, CONFIG, 0, 1)


def test_what_was_heard_is_kept_under_the_code_and_the_weights_that_made_it(rows, stage, monkeypatch):
    assert TRUE_DRY in stage.systems
    for system, folder in stage.folders.items():
        assert {path.name for path in (folder / system).iterdir()} == set(stage.song_names())
    monkeypatch.setattr("megami.evaluation.stage.source_hash", lambda *roots, without=(): "other code")
    assert not set(replace(stage).folders.values()) & set(stage.folders.values())
    monkeypatch.undo()
    assert replace(stage).folders == stage.folders
    others = replace(stage, others={**stage.others, "regression": stage.others["per_track"]}).folders
    assert {system for system in others if others[system] != stage.folders[system]} == {"regression"}
    hotter = replace(stage, config=replace(CONFIG, target_lufs=-20.0)).folders
    assert all(hotter[system] != stage.folders[system] for system in (*UNHEARING, "megami"))


def test_no_code_that_decides_what_is_heard_is_missing_from_its_hash(rows, stage, tmp_path):
    name = stage.song_names()[0]
    hashed = set(source_hash.module_hashes(HEARD_CODE, ("megami.published",)))
    for system in ("megami", "rule_based_chain"):
        hear = HearMixes(stage.folders[system] / "plans", stage.cache / "songs", stage.weights)
        ran = modules_that_run(lambda hear=hear, system=system: hear(tmp_path / system / name))
        assert "megami.evaluation.measures.descriptors" in ran and ran <= hashed
        with np.load(tmp_path / system / name) as again, np.load(stage.folders[system] / system / name) as kept:
            np.testing.assert_array_equal(again["tracks"], kept["tracks"])
    mixer = stage.mixer
    song = compose(0, "pop", 1.0, "formant").multitrack
    assert modules_that_run(lambda: mixer.generate(mixer.content(song))) <= hashed


def test_a_results_file_says_how_to_make_it_again(tiny_weights):
    command = origin(str(tiny_weights), True, 3)["command"]
    assert command == f"megami evaluate --quick --weights {tiny_weights.name} --seed 3 --out results/results.json"
