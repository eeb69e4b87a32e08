"""Calibration of directing: what is counted, on plans whose engineers are plain to see."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from megami.embeddings import join_features
from megami.evaluation import directed
from megami.evaluation.directed import (
    FOLLOWED,
    KEPT,
    ORACLE,
    REJECTION,
    UNGUIDED,
    WISHED,
    DirectionConfig,
    measure_song,
)
from megami.evaluation.measures.plan_distance import PlanMetric
from megami.evaluation.plans import Engineered
from megami.evaluation.tables import report
from megami.mixing import Mixer
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
    return Engineered(effects, content.expand(4, -1, -1), content, content, content, [], names)


def test_what_is_measured_of_a_song(tiny_weights, song):
    mixer = Mixer.from_pretrained(tiny_weights, device="cpu")
    metric = PlanMetric.of(EMBEDDING, [song.effects])
    values = measure_song(mixer, song, metric, QUICK, seed=1)
    assert set(values) == {KEPT, UNGUIDED, REJECTION, FOLLOWED, ORACLE, WISHED}
    assert values[ORACLE]["followed"] == 1.0  # every track of an engineer's mix is nearest to their other mix
    for system in values:
        assert all(np.isfinite(number) for number in values[system].values())
        assert 0 <= values[system]["followed"] <= 1
    assert 0 <= values[WISHED]["wish_met"] <= 1 and values[KEPT]["spread"] > 0
    assert values == measure_song(mixer, song, metric, QUICK, seed=1)


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
    (first,) = tmp_path.rglob("a.json")
    before = first.stat().st_mtime_ns
    monkeypatch.setattr(directed, "measure_song", real)
    rows = directed.direction_rows(stage, QUICK)
    assert first.stat().st_mtime_ns == before and len(list(tmp_path.rglob("*.json"))) == 2
    followed = next(row for row in rows if (row.system, row.metric) == (KEPT, "followed"))
    values = [json.loads(path.read_text())[KEPT]["followed"] for path in sorted(tmp_path.rglob("*.json"))]
    assert followed.value == pytest.approx(np.mean(values)) and followed.n == 2
    assert "**Directing.**" in report(rows) and "three tracks kept" in report(rows)
