"""Measures of encoders and distributions, on data whose answer is known."""

import numpy as np
import torch

from megami.corpus import MixEmbeddings
from megami.embeddings import EmbeddingConfig, renormalise
from megami.evaluation.distribution import distance_rows, mean_embedding, random_training_mixes, role_numbers
from megami.evaluation.encoders import adaptor_rows, linear_probe_accuracy, retrieval_top1
from megami.evaluation.processors import Scores, processor_rows
from megami.evaluation.report import Row, Table, format_value, markdown_table

CONFIG = EmbeddingConfig(fx_dim=64, dynamics_dim=64, spectrum_dim=64)


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def embeddings(*shape, seed=0):
    return renormalise(CONFIG, normal(*shape, CONFIG.dim, seed=seed))


def test_retrieval_is_sure_when_views_agree_and_chance_when_they_do_not():
    chains = normal(50, 1, 16)
    assert retrieval_top1(chains + 0.01 * normal(50, 3, 16, seed=1)) == 1.0
    assert retrieval_top1(normal(50, 3, 16, seed=2)) < 0.1


def test_probe_reads_what_is_there_and_nothing_else():
    classes = torch.arange(300) % 4
    shown = normal(300, 12)
    shown[torch.arange(300), classes] += 6
    assert linear_probe_accuracy(shown, classes) > 0.97
    assert linear_probe_accuracy(normal(300, 12, seed=3), classes) < 0.4


def test_adaptor_that_undoes_a_rotation_closes_the_gap():
    dry = torch.nn.functional.normalize(normal(40, 8), dim=-1)
    turned = dry.roll(1, dims=-1)
    rows = {(r.system, r.metric): r.value for r in adaptor_rows(lambda x: x.roll(-1, dims=-1), [(turned[None], dry)])}
    assert rows[("content(wet)", "cosine to content(dry)")] < 0.5
    assert rows[("adaptor(content(wet))", "cosine to content(dry)")] > 0.999
    assert rows[("adaptor(content(wet))", "share of gap closed")] > 0.99


def test_distance_puts_the_same_distribution_below_the_mean_and_below_another_one():
    centre = normal(CONFIG.dim, seed=9)
    draw = lambda seed: [renormalise(CONFIG, centre + normal(6, 4, CONFIG.dim, seed=seed + s)) for s in range(3)]  # noqa: E731
    training = MixEmbeddings([mix for song in draw(100) for mix in song], [])
    systems = {
        "same": draw(10),
        "mean": mean_embedding([4, 4, 4], 6, training, CONFIG),
        "other": [embeddings(6, 4, seed=50 + s) for s in range(3)],
    }
    rows = distance_rows(draw(0), systems, [[0, 0, 1, 1]] * 3)
    value = {r.system: r.value for r in rows if r.metric == "KAD, all tracks"}
    assert abs(value["same"]) < 1 < value["other"] and value["mean"] > 5 * abs(value["same"])


def test_random_training_mixes_have_the_songs_shape_and_come_from_training():
    training = MixEmbeddings([embeddings(n, seed=n) for n in (2, 5)], [])
    known = {tuple(row.tolist()) for mix in training.effects for row in mix}
    drawn = random_training_mixes([3, 6], 2, training)
    assert [tuple(song.shape) for song in drawn] == [(2, 3, CONFIG.dim), (2, 6, CONFIG.dim)]
    assert all(tuple(row.tolist()) in known for song in drawn for row in song.flatten(0, 1))


def test_role_numbers_follow_the_order_of_flattening():
    assert role_numbers([[1, 2], [3]], 2).tolist() == [1, 2, 1, 2, 3, 3]


def test_processor_rows_mean_over_kinds():
    kinds = np.array(["identity", "drive", "drive"])
    scores = Scores(np.array([0.0, 1.0, 3.0]), np.ones(3), np.array([1.0, np.nan, 3.0]), np.ones(3))
    rows = processor_rows({"x": scores}, kinds)
    assert {r.group: r.value for r in rows if r.table == "processor by chain"} == {"identity": 0.0, "drive": 2.0}
    assert {r.metric: r.value for r in rows if r.table == "processor"}["side error (dB)"] == 2.0


def test_table_has_a_line_per_system_and_three_digits():
    rows = [Row("t", "a", "m", 0.12345, 1), Row("t", "b", "m", 123.4, 1), Row("other", "c", "m", 1.0, 1)]
    text = markdown_table(rows, Table("t", "Title", "How to read."))
    assert "| a | 0.123 |" in text and "| b | 123 |" in text and "| c |" not in text
    assert [format_value(v) for v in (0, 1.234, 45.67)] == ["0", "1.23", "45.7"]
