"""The whole evaluation at the smallest size: every system is heard, and the table can be read again."""

import pytest

from megami.corpus import CorpusConfig
from megami.errors import UserError
from megami.evaluation.results import read_results, write_results
from megami.evaluation.run import EvaluationConfig, evaluate, origin
from megami.evaluation.tables import report
from megami.studio.band.soundfont import find_soundfont

SYSTEMS = {
    "megami", "regression", "per_track", "rule_based", "nearest_neighbour", "random", "raw_sum", "equal_loudness",
    "engineers", "engineers_processor", "megami_true_dry", "effect_encoder", "adaptor", "processor", "processor_tcn",
}  # fmt: skip
METRICS = {
    "kad_embedding", "kad_descriptor", "kad_mix", "fad_embedding", "fad_descriptor", "fad_mix", "coverage", "precision",
    "retrieval_top1", "gap_closed", "error_ratio", "agreement", "panning_balance", "lead_level_distance_db",
    "IM-mss-lr",
}  # fmt: skip


@pytest.fixture(scope="module")
def rows(tmp_path_factory, random_weights):
    try:
        find_soundfont()
    except UserError as error:
        pytest.skip(str(error))
    corpus = CorpusConfig(
        train_songs=2, test_songs=3, seconds=3.0, mixes_per_song=10, view_seconds=1.0, views=2, crop_samples=16384
    )
    config = EvaluationConfig(corpus, 2, 2, mixes=5, many_mixes=6, chains=100, crops=12, sampler_songs=0)
    return evaluate(str(random_weights), tmp_path_factory.mktemp("cache"), 1, config)


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


def test_results_are_read_as_they_were_written(rows, tmp_path, random_weights):
    write_results(tmp_path / "results.json", rows, origin(str(random_weights), False, 0))
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
