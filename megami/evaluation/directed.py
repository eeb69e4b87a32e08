"""Is directing calibrated? Evidence made from a known engineer's mix, and what is drawn from it, before any processor.

Each song of the test split was mixed twice by every engineer. One mix gives the evidence, the others of all engineers
say whose style a drawn track follows: that of the nearest one. Chance is one over the number of engineers.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from megami.corpus.datasets import fingerprint
from megami.corpus.source_hash import source_hash
from megami.embeddings import EmbeddingConfig, renormalise
from megami.evaluation.measures.plan_distance import PlanMetric, plan_agreement
from megami.evaluation.plans import Engineered, engineers_of
from megami.evaluation.results import Row, mean_row
from megami.evaluation.stage import Stage
from megami.generator import Evidence
from megami.mixing import Direction, Mixer, Plan, Wish
from megami.mixing.measures import level, mix_bands, read_plan
from megami.mixing.reference import Reference, choose
from megami.presets.weight_files import write_atomically

MET_DB = 0.5
KEPT, WISHED = "directed: three tracks kept", "directed: one level wished"
FOLLOWED = "directed: a record followed"
UNGUIDED, REJECTION, ORACLE = "directed: nothing", "directed: nearest of many", "directed: the engineer"


@dataclass(frozen=True)
class DirectionConfig:
    """How much is measured: mixes drawn for each piece of evidence, tracks kept, free mixes that one is chosen of."""

    draws: int = 8
    kept: int = 3
    candidates: int = 32


Values = dict[str, dict[str, float]]
"""What was measured of one song, by system and metric."""


def direction_rows(stage: Stage, config: DirectionConfig | None = None) -> list[Row]:
    """Measure all test songs of a stage whose songs and features are there; each is kept in its cache once measured.

    Metrics: `followed`, the share of tracks without evidence that follow the engineer of the evidence; `wish_met`, the
    share of drawn mixes whose plan is within 0.5 dB of the wish, and `wish_error_db`, the mean distance; `strange`, the
    share of wishes that the model had to be held to; `agreement`, the share of a mix's tracks that follow one engineer,
    whoever it is; `spread`, the mean distance of two drawn mixes of one evidence.
    """
    config = config or DirectionConfig()
    songs = engineers_of(stage)
    metric = PlanMetric.of(stage.mixer.preset.embedding, [song.effects for song in songs])
    folder = stage.cache / "directed" / _mark(stage, config)
    measured = []
    for number, (song, name) in enumerate(zip(tqdm(songs, "songs", disable=None), stage.song_names(), strict=True)):
        file = (folder / name).with_suffix(".json")
        if not file.exists():
            values = measure_song(stage.mixer, song, metric, config, stage.seed + number)
            folder.mkdir(parents=True, exist_ok=True)
            write_atomically(file, json.dumps(values).encode())
        measured.append(json.loads(file.read_text(encoding="utf-8")))
    return rows_of(measured)


def _mark(stage: Stage, config: DirectionConfig) -> str:
    """Short name of all that decides what is measured: code, networks, settings."""
    networks = stage.mixer.networks
    parts = [networks.generator, networks.adaptor, networks.content_encoder, networks.processor]
    marks = [fingerprint(part) for part in (*parts, networks.musicnn, networks.stem_bank) if part is not None]
    code = source_hash("megami.evaluation.directed", without=("megami.published",))
    said = [code, *marks, repr((config, stage.config.corpus, stage.seed, stage.mixer.preset.sampling))]
    return hashlib.sha256("".join(said).encode()).hexdigest()[:12]


def rows_of(measured: Sequence[Values]) -> list[Row]:
    """Rows of means over songs."""
    pairs = {(system, name): None for values in measured for system, names in values.items() for name in names}
    return [
        mean_row(system, name, [values[system][name] for values in measured if name in values.get(system, {})])
        for system, name in pairs
    ]


@torch.no_grad()
def measure_song(mixer: Mixer, song: Engineered, metric: PlanMetric, config: DirectionConfig, seed: int) -> Values:
    """Take evidence from one mix of every engineer, and compare what is drawn with the first mixes of all of them."""
    engineers = len(np.unique(song.names))
    theirs, styles = song.effects[:engineers], song.names[:engineers]
    content = song.told(mixer.preset.adapt_dry)
    free = mixer.generate(content, config.candidates, seed=seed, together=True)
    rng = np.random.default_rng(seed)
    found: list[Values] = []
    for number in range(engineers, min(2 * engineers, len(song.effects))):
        given = _Given(renormalise(metric.embedding, song.effects[number]), str(song.names[number]), rng, config)
        judge = _Judge(metric, theirs, styles, given)
        kept = _drawn(mixer, content, given.keep, config.draws, seed)
        found.append(
            {
                KEPT: judge.of(kept),
                UNGUIDED: judge.of(free[: config.draws]),
                REJECTION: {"followed": judge.followed(free[judge.nearest(free)][None])},
                FOLLOWED: {"followed": judge.followed(_like_record(metric.embedding, given.plan, free, config, seed))},
                ORACLE: {"followed": judge.followed(given.plan[None])},
                WISHED: _wished(mixer, content, given, judge, config.draws, seed),
            }
        )
    return {
        system: {name: float(np.mean([values[system][name] for values in found])) for name in names}
        for system, names in found[0].items()
    }


class _Given:
    """One engineer's mix as evidence: some tracks of it to keep, the level of another to wish for."""

    def __init__(self, plan: Tensor, engineer: str, rng: np.random.Generator, config: DirectionConfig) -> None:
        order = rng.permutation(len(plan))
        self.plan, self.engineer = plan, engineer
        self.names = tuple(f"track {index}" for index in range(len(plan)))
        self.kept = sorted(int(index) for index in order[: min(config.kept, len(plan) - 1)])
        self.rest = [index for index in range(len(plan)) if index not in self.kept]
        self.loud = int(order[-1])

    @property
    def keep(self) -> Direction:
        chosen = Plan(tuple(self.names[index] for index in self.kept), self.plan[self.kept])
        return Direction(chosen)


@dataclass(frozen=True)
class _Judge:
    """Says whose style drawn plans [mixes, tracks, dim] follow, and how varied they are."""

    metric: PlanMetric
    theirs: Tensor
    styles: np.ndarray
    given: _Given

    def followed(self, plans: Tensor) -> float:
        """Share of tracks without evidence that are nearest to a mix of the engineer who gave the evidence."""
        nearest = self.metric.squares(plans, self.theirs).argmin(1)[:, self.given.rest].numpy()
        return float((self.styles[nearest] == self.given.engineer).mean())

    def nearest(self, plans: Tensor) -> int:
        """Which plan is nearest to the evidence in the kept tracks: what rejection sampling would choose."""
        return int(self.metric.squares(plans, self.given.plan[None])[:, 0, self.given.kept].mean(-1).argmin())

    def of(self, plans: Tensor) -> dict[str, float]:
        """All that is measured of plans drawn for one piece of evidence."""
        apart = self.metric.distances(plans, plans)
        return {
            "followed": self.followed(plans),
            "agreement": plan_agreement(self.metric, plans, self.theirs, self.styles),
            "spread": float(apart.sum() / (len(plans) * (len(plans) - 1))),
        }


def _drawn(mixer: Mixer, content: Tensor, direction: Direction, draws: int, seed: int) -> Tensor:
    """Plans that follow a direction, of tracks called by their numbers."""
    names = tuple(f"track {index}" for index in range(len(content)))
    directed = direction.among(names, names, mixer.preset.embedding, mixer.networks.processor)
    return directed.draw(lambda evidence: _generate(mixer, content, draws, seed, evidence)).plans


def _generate(mixer: Mixer, content: Tensor, draws: int, seed: int, evidence: Evidence | None) -> Tensor:
    return mixer.generate(content, draws, seed=seed, together=True, evidence=evidence)


def _like_record(embedding: EmbeddingConfig, plan: Tensor, free: Tensor, config: DirectionConfig, seed: int) -> Tensor:
    """Those of free plans [candidates, tracks, dim] that would be taken if a mix by `plan` were the record."""
    record = Reference(*mix_bands(read_plan(plan, embedding)))
    distances = [float(record.distance_db(read_plan(one, embedding))) for one in free]
    return free[[choose(distances, seed, mix) for mix in range(config.draws)]]


def _wished(mixer: Mixer, content: Tensor, given: _Given, judge: _Judge, draws: int, seed: int) -> dict[str, float]:
    """Wish for the level that the engineer gave one track against the rest; what became of it, and of the rest."""
    embedding = mixer.preset.embedding
    wanted = float(level(read_plan(given.plan, embedding), given.loud))
    direction = Direction(wishes={given.names[given.loud]: {"level": Wish(wanted, "at", 0.0)}})
    directed = direction.among(given.names, given.names, embedding, mixer.networks.processor)
    drawn = directed.draw(lambda evidence: _generate(mixer, content, draws, seed, evidence))
    errors = np.array([abs(outcome.reached - outcome.wished) for (outcome,) in drawn.outcomes])
    strange = np.array([outcome.strange for (outcome,) in drawn.outcomes])
    met = {"wish_met": float((errors <= MET_DB).mean()), "wish_error_db": float(errors.mean())}
    return {**judge.of(drawn.plans), **met, "strange": float(strange.mean())}
