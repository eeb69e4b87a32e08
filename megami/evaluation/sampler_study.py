"""How many network evaluations does a mix need? Distance to the engineers for every solver, with churn and guidance."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from torch import Tensor
from tqdm import tqdm

from megami.evaluation.measures.distances import kad_row
from megami.evaluation.measures.plan_distance import PlanMetric, energy_distance
from megami.evaluation.results import Row, mean_row
from megami.generator import SamplingOptions
from megami.mixing import Mixer

EVALUATIONS = (4, 8, 12, 16, 25, 50, 100)
CHURNS = (0.0, 10.0)
GUIDANCES = (1.5, 2.0, 4.0)
SOLVERS = ("euler", "heun", "multistep")  # those that were measured
DISTANCE = "energy_decided"
"""Metric that is drawn: unlike the kernel distance of tracks, it notices when whole mixes vary too little."""
LAG = "energy_over_most"
"""Metric that decides: how much larger that distance is than with the most evaluations, song by song.

Songs differ far more than ways to sample do; their differences do not.
"""


def studied() -> list[tuple[SamplingOptions, int]]:
    """Every way to sample that is measured, and its network evaluations (guidance, which doubles them, not counted)."""
    ways = [
        (SamplingOptions(steps_for(evaluations, solver), solver, churn), evaluations)
        for solver in SOLVERS
        for churn in CHURNS
        for evaluations in EVALUATIONS
    ]
    ways += [(SamplingOptions(25, "euler", 10.0, guidance), 25) for guidance in GUIDANCES]
    return ways


def steps_for(evaluations: int, solver: str) -> int:
    """Steps that cost at most so many network evaluations: Heun looks twice in each but the last."""
    return (evaluations + 1) // 2 if solver == "heun" else evaluations


def way_name(solver: str, churn: float, guidance: float, evaluations: int) -> str:
    """Name of a row's system: solver, churn, guidance and evaluations."""
    return f"sampler {solver} churn {churn:g} guidance {guidance:g} calls {evaluations}"


def name_of(sampling: SamplingOptions, evaluations: int) -> str:
    """Name of the system that samples so."""
    return way_name(sampling.solver, sampling.churn, sampling.guidance, evaluations)


def sampler_rows(
    mixer: Mixer, contents: Sequence[Tensor], engineers: Sequence[Tensor], mixes: int, seed: int
) -> list[Row]:
    """Distances of drawn plans to the engineers' (before any processor), for every way to sample.

    `kad_decided`: kernel distance of the tracks' embeddings; `energy_decided`: energy distance of whole plans, and
    `energy_over_most`: the latter less that of the most evaluations of the same solver and churn.

    All at the preset's temperature. contents: what the generator is told [tracks, dim] per song; engineers: their
    embeddings [mixes, tracks, dim].
    """
    reference = [song.flatten(0, 1) for song in engineers]
    metric = PlanMetric.of(mixer.preset.embedding, engineers)
    rows: list[Row] = []
    apart: dict[tuple[SamplingOptions, int], np.ndarray] = {}
    for sampling, evaluations in tqdm(studied(), desc="sampler study", mininterval=1.0):
        usual = sampling.but(temperature=mixer.preset.sampling.temperature)
        drawn = [
            mixer.generate(content, mixes, seed=seed + i, sampling=usual, together=True)
            for i, content in enumerate(contents)
        ]
        name = name_of(sampling, evaluations)
        distances = np.array([energy_distance(metric, *pair) for pair in zip(drawn, engineers, strict=True)])
        apart[sampling, evaluations] = distances
        rows.append(kad_row(name, "kad_decided", reference, [plans.flatten(0, 1) for plans in drawn]))
        rows.append(mean_row(name, DISTANCE, distances))
    most = EVALUATIONS[-1]
    for (sampling, evaluations), distances in apart.items():
        if sampling.guidance == 1:
            best = apart[sampling.but(steps=steps_for(most, sampling.solver)), most]
            rows.append(mean_row(name_of(sampling, evaluations), LAG, distances - best))
    return rows


def fewest_evaluations(rows: Sequence[Row], solver: str, churn: float) -> int:
    """Fewest evaluations of one solver and churn whose energy distance is not surely larger than that of the most.

    "Surely" by the interval of the difference over songs. More evaluations than these are never surely worse off.
    """
    lag = {row.system: row.low for row in rows if row.metric == LAG}
    enough = [n for n in EVALUATIONS if lag[way_name(solver, churn, 1.0, n)] <= 0]
    return next(n for n in enough if all(more in enough for more in EVALUATIONS if more > n))
