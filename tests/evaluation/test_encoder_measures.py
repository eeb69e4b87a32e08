"""Measures of the encoders, on data whose answer is known."""

import torch

from megami.evaluation.encoders import binomial_interval, dry_row, gap_rows, linear_probe_accuracy, retrieval_hits


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_retrieval_is_sure_when_views_agree_and_chance_when_they_do_not():
    chains = normal(50, 1, 16)
    assert retrieval_hits(chains + 0.01 * normal(50, 3, 16, seed=1)).mean() == 1.0
    assert retrieval_hits(normal(50, 3, 16, seed=2)).mean() < 0.1


def test_a_chain_that_was_drawn_twice_is_found_in_either_place():
    chains = normal(25, 1, 16).repeat(2, 1, 1) + 0.01 * normal(50, 3, 16, seed=1)
    assert 0.3 < retrieval_hits(chains).mean() < 0.7
    assert retrieval_hits(chains, torch.arange(25).repeat(2)).mean() == 1.0


def test_probe_reads_what_is_there_and_nothing_else():
    classes = torch.arange(300) % 4
    shown = normal(300, 12)
    shown[torch.arange(300), classes] += 6
    assert linear_probe_accuracy(shown, classes) > 0.97
    assert linear_probe_accuracy(normal(300, 12, seed=3), classes) < 0.4


def test_adaptor_that_undoes_a_rotation_closes_the_gap():
    songs = [torch.nn.functional.normalize(normal(40, 8, seed=seed), dim=-1) for seed in range(3)]
    rows = gap_rows([(dry.roll(1, dims=-1), dry, dry) for dry in songs])
    value = {(row.system, row.metric): row.value for row in rows}
    assert value["adaptor_none", "cosine_to_dry"] < 0.5
    assert value["adaptor", "cosine_to_dry"] > 0.999 and value["adaptor", "gap_closed"] > 0.99
    assert dry_row(lambda x: x.roll(-1, dims=-1), [dry for dry in songs]).value < 0.5


def test_adaptor_that_does_nothing_closes_no_gap():
    dry = torch.nn.functional.normalize(normal(40, 8), dim=-1)
    wet = dry.roll(1, dims=-1)
    value = {(row.system, row.metric): row.value for row in gap_rows([(wet, dry, wet)], "idle")}
    assert value["idle", "gap_closed"] == 0


def test_a_share_of_more_items_is_surer():
    low, high = binomial_interval(0.5, 100)
    assert low < 0.41 and high > 0.59
    assert binomial_interval(0.5, 10_000)[0] > 0.48
    assert binomial_interval(1.0, 50) == (1.0, 1.0)
