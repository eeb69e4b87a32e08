"""Calibration of directing: what is counted, on plans whose engineers are plain to see."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from megami.embeddings import join_features, renormalise
from megami.evaluation import directed
from megami.evaluation.directed_song import (
    FOLLOWED,
    FOLLOWED_OTHER,
    KEPT,
    ORACLE,
    REJECTION,
    STEMS,
    UNGUIDED,
    WISHED,
    DirectionConfig,
    Measured,
    _Given,
    _Judge,
    measure_song,
)
from megami.evaluation.measures.plan_distance import PlanMetric
from megami.evaluation.plans import Engineered
from megami.evaluation.tables import report
from megami.mixing import Mixer
from megami.mixing.measures import level, pan
from megami.presets import preset

EMBEDDING = preset("small").embedding
TRACKS, ENGINEERS = 4, 2
QUICK = DirectionConfig(draws=2, kept=2, candidates=3)


def plans_of(engineer: int, generator: torch.Generator) -> torch.Tensor:
    """A mix [tracks, dim] by one of two engineers, who differ in everything they do."""
    lean = 2.0 * engineer - 1
    noise = 0.05 * torch.randn(TRACKS, 8, generator=generator)
    dynamics = torch.tensor([-25.0, -24.0, 15.0, 15.0, -15.0, -15.0, 0.3, 0.0]) + 3.0 * lean + noise
    fx = torch.ones(EMBEDDING.fx_dim) + lean * torch.linspace(-1, 1, EMBEDDING.fx_dim)
    mid, side = torch.full((TRACKS, 24), -25.0 + 5 * lean), torch.full((TRACKS, 8), -20.0 + 5 * lean)
    return join_features(EMBEDDING, fx.expand(TRACKS, -1), dynamics, mid, side)


@pytest.fixture(scope="module")
def song() -> Engineered:
    generator = torch.Generator().manual_seed(0)
    effects = torch.stack([plans_of(number % ENGINEERS, generator) for number in range(2 * ENGINEERS)])
    content = torch.nn.functional.normalize(torch.randn(TRACKS, 256, generator=generator), dim=-1)
    names = np.array(["left", "right", "left", "right"])
    return Engineered(
        effects, content.expand(4, -1, -1), content, content, content, content, content.expand(4, -1, -1), [], names
    )


def test_what_is_measured_of_a_song(tiny_weights, song):
    mixer = Mixer.from_pretrained(tiny_weights, device="cpu")
    metric = PlanMetric.of(EMBEDDING, [song.effects])
    measured = measure_song(mixer, song, song, metric, QUICK, seed=1)
    values = measured.values
    assert set(values) == {KEPT, UNGUIDED, REJECTION, FOLLOWED, FOLLOWED_OTHER, STEMS, ORACLE, WISHED}
    assert values[ORACLE]["followed"] == 1.0  # every track of an engineer's mix is nearest to their other mix
    for system in values:
        assert all(np.isfinite(number) for number in values[system].values())
        assert 0 <= values[system]["followed"] <= 1
    assert 0 <= values[WISHED]["wish_met"] <= 1 and values[KEPT]["spread"] > 0
    assert measured.plans[KEPT].shape == (2 * ENGINEERS, TRACKS, EMBEDDING.dim) and measured.givers == ("left", "right")
    assert torch.equal(measured.plans_by("right", KEPT), measured.plans[KEPT][2:])
    (evidence,) = measured.plans_by("left", ORACLE)
    assert torch.allclose(evidence, renormalise(EMBEDDING, song.effects[2]))
    alone = measure_song(mixer, song, None, metric, QUICK, seed=1).values
    assert set(values) - set(alone) == {FOLLOWED_OTHER, STEMS}
    assert alone == {system: values[system] for system in alone}


def test_the_range_of_draws_holds_another_draw_as_often_as_it_should(song):
    """Of n draws of one distribution, another lies between the least and the largest in (n - 1) of (n + 1) cases."""
    generator, rng = torch.Generator().manual_seed(3), np.random.default_rng(0)
    draws, plans = 7, torch.stack([plans_of(0, generator) for _ in range(240)])
    shares = []
    for first in range(0, len(plans), draws + 1):
        given = _Given.of(EMBEDDING, plans[first], "left", rng, QUICK)
        judge = _Judge(PlanMetric.of(EMBEDDING, [song.effects]), song.effects[:ENGINEERS], song.names, given)
        shares.append(judge.within(plans[first + 1 : first + 1 + draws], range(TRACKS), (level, pan)))
    assert np.mean(shares) == pytest.approx((draws - 1) / (draws + 1), abs=0.07)


def test_an_engineer_s_own_mixes_are_nearer_to_that_engineer_s_than_to_the_others(song):
    generator = torch.Generator().manual_seed(7)
    mixes = torch.stack([plans_of(number % ENGINEERS, generator) for number in range(2 * ENGINEERS)])
    songs = [song, replace(song, effects=mixes)]
    own = [Measured({}, {ORACLE: one.effects[ENGINEERS:]}, ("left", "right")) for one in songs]
    swapped = [replace(one, givers=("right", "left")) for one in own]
    values = {row.metric: row.value for row in directed.rows_by_engineer(ORACLE, own, songs)}
    assert abs(values["kad_same_engineer"]) < 0.05 * values["kad_other_engineers"]
    turned = {row.metric: row.value for row in directed.rows_by_engineer(ORACLE, swapped, songs)}
    assert turned["kad_same_engineer"] == pytest.approx(values["kad_other_engineers"])


def test_an_interrupted_run_goes_on_where_it_stopped(tiny_weights, song, tmp_path, monkeypatch):
    mixer = Mixer.from_pretrained(tiny_weights, device="cpu")
    stage = SimpleNamespace(
        mixer=mixer, cache=tmp_path, seed=0, song_names=lambda: ["a.npz", "b.npz"], config=SimpleNamespace(corpus=1)
    )
    monkeypatch.setattr(directed, "engineers_of", lambda stage: [song, song])
    measured, real = [], directed.measure_song

    def stops_at_the_second(*arguments):
        if measured:
            raise KeyboardInterrupt
        measured.append(1)
        return real(*arguments)

    monkeypatch.setattr(directed, "measure_song", stops_at_the_second)
    with pytest.raises(KeyboardInterrupt):
        directed.direction_rows(stage, QUICK)
    (first,) = tmp_path.rglob("a.npz")
    before = first.stat().st_mtime_ns
    monkeypatch.setattr(directed, "measure_song", real)
    rows = directed.direction_rows(stage, QUICK)
    assert first.stat().st_mtime_ns == before and len(list(tmp_path.rglob("*.npz"))) == 2
    followed = next(row for row in rows if (row.system, row.metric) == (KEPT, "followed"))
    files = [np.load(path, allow_pickle=False) for path in sorted(tmp_path.rglob("*.npz"))]
    values = [json.loads(str(file["values"]))[KEPT]["followed"] for file in files]
    assert {row.system for row in rows if row.metric == "kad_decided"} >= {KEPT, UNGUIDED, FOLLOWED, STEMS, WISHED}
    assert {row.system for row in rows if row.metric == "kad_same_engineer"} >= {KEPT, UNGUIDED, FOLLOWED, ORACLE}
    assert followed.value == pytest.approx(np.mean(values)) and followed.n == 2
    assert "**Directing.**" in report(rows) and "three tracks kept" in report(rows)
