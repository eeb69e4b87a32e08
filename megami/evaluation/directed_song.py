"""Directing one song by evidence from a known engineer's mix, and how near what is drawn comes to that engineer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from megami.embeddings import EmbeddingConfig, renormalise
from megami.evaluation.measures.plan_distance import PlanMetric, plan_agreement
from megami.evaluation.plans import Engineered
from megami.generator import Evidence
from megami.mixing import Direction, Mixer, Plan, Wish
from megami.mixing.direction import Drawn
from megami.mixing.measures import Said, brightness, level, mix_bands, pan, read_plan, width
from megami.mixing.reference import Reference
from megami.mixing.wet_stems import WetStems

MET_DB = 0.5
KEPT, WISHED = "directed: three tracks kept", "directed: one level wished"
FOLLOWED, FOLLOWED_OTHER = "directed: a record followed", "directed: a record of another song followed"
STEMS = "directed: stems of another song followed"
UNGUIDED, REJECTION, ORACLE = "directed: nothing", "directed: nearest of many", "directed: the engineer"
FOR_DISTANCE = 2  # mixes drawn for a piece of evidence that are compared as a set with the engineers'
Quality = Callable[[Said, int], Tensor]
QUALITIES: tuple[Quality, ...] = (level, pan, width, brightness)
"""What is read of a track, in dB, to see whether the engineer's own value lies among those that are drawn."""


@dataclass(frozen=True)
class DirectionConfig:
    """How much is measured: mixes drawn for each piece of evidence, tracks kept, free mixes that one is chosen of.

    Of 19 draws the least and the largest number have another draw of the same distribution between them in 90 %.
    """

    draws: int = 19
    kept: int = 3
    candidates: int = 32


@dataclass(frozen=True, eq=False)
class Measured:
    """What was measured of one song, by system and metric, and a few plans [mixes, tracks, dim] of each system.

    The plans of a system are in the order of `givers`, the engineers whose mixes were evidence, as many for each.
    """

    values: dict[str, dict[str, float]]
    plans: dict[str, Tensor]
    givers: tuple[str, ...]

    def plans_by(self, giver: str, system: str) -> Tensor:
        """Plans [mixes, tracks, dim] of a system that were drawn from an engineer's evidence."""
        each = self.plans[system].unflatten(0, (len(self.givers), -1))
        return each[[number for number, name in enumerate(self.givers) if name == giver]].flatten(0, 1)


@torch.no_grad()
def measure_song(
    mixer: Mixer,
    song: Engineered,
    other: Engineered | None,
    metric: PlanMetric,
    config: DirectionConfig,
    seed: int,
) -> Measured:
    """Take evidence from a mix of every engineer, and compare what is drawn with the first mixes of all of them.

    `other` is the song whose mixes by the same engineer are evidence too; None leaves those systems out.
    """
    embedding, engineers = metric.embedding, len(np.unique(song.names))
    theirs, styles = song.effects[:engineers], song.names[:engineers]
    artist = _Artist(mixer, song.told(mixer.preset.adapt_dry), song.plays, config, seed)
    rng = np.random.default_rng(seed)
    found: list[dict[str, dict[str, float]]] = []
    plans: dict[str, list[Tensor]] = {}
    givers = []
    for number in range(engineers, min(2 * engineers, len(song.effects))):
        given = _Given.of(embedding, song.effects[number], str(song.names[number]), rng, config)
        judge = _Judge(metric, theirs, styles, given)
        directions = {UNGUIDED: Direction(), KEPT: given.keep, FOLLOWED: as_record(embedding, given.plan)}
        if other is not None:
            directions |= from_another_song(embedding, other, given.engineer)
        drawn = {system: artist.draw(direction) for system, direction in directions.items()}
        values = {system: judge.of(some.plans) for system, some in drawn.items()}
        drawn[WISHED] = artist.draw(given.wish)
        values[WISHED] = judge.of_wish(drawn[WISHED])
        free = artist.free(config.candidates)
        values[REJECTION] = {"followed": judge.followed(free[judge.nearest(free)][None])}
        values[ORACLE] = {"followed": judge.followed(given.plan[None])}
        found.append(values)
        givers.append(given.engineer)
        for system, some in drawn.items():
            plans.setdefault(system, []).append(some.plans[:FOR_DISTANCE])
        plans.setdefault(ORACLE, []).append(given.plan[None])
    means = {
        system: {name: float(np.mean([values[system][name] for values in found if system in values])) for name in names}
        for system, names in found[0].items()
    }
    return Measured(means, {system: torch.cat(some) for system, some in plans.items()}, tuple(givers))


@dataclass(frozen=True, eq=False)
class _Artist:
    """Draws plans of one song as a mixer does; plans without evidence are drawn once for each seed."""

    mixer: Mixer
    content: Tensor
    plays: Tensor
    config: DirectionConfig
    seed: int
    drawn: dict[int, Tensor] = field(default_factory=dict)

    def draw(self, direction: Direction) -> Drawn:
        """Plans that follow a direction, of tracks called by their numbers."""
        names = names_of(len(self.content))
        directed = direction.among(names, names, self.mixer.preset.embedding, self.mixer.networks.processor)
        return directed.hearing(self.plays).draw_by_seed(self._generate, self.seed)

    def free(self, count: int) -> Tensor:
        """So many plans without evidence."""
        lots = -(-count // self.config.draws)
        return torch.cat([self._generate(self.seed + lot, None) for lot in range(lots)])[:count]

    def _generate(self, seed: int, evidence: Evidence | None) -> Tensor:
        if evidence is None and seed in self.drawn:
            return self.drawn[seed]
        plans = self.mixer.generate(self.content, self.config.draws, seed=seed, together=True, evidence=evidence)
        if evidence is None:
            self.drawn[seed] = plans
        return plans


def names_of(tracks: int) -> tuple[str, ...]:
    """What tracks are called that have numbers only."""
    return tuple(f"track {index}" for index in range(tracks))


@dataclass(frozen=True, eq=False)
class _Given:
    """One engineer's mix as evidence: some tracks of it to keep, the level of another to wish for, all as a record."""

    embedding: EmbeddingConfig
    plan: Tensor  # [tracks, dim]
    engineer: str
    kept: list[int]
    loud: int

    @staticmethod
    def of(
        embedding: EmbeddingConfig, plan: Tensor, engineer: str, rng: np.random.Generator, config: DirectionConfig
    ) -> _Given:
        """Choose tracks of a plan by chance."""
        order = rng.permutation(len(plan))
        kept = sorted(int(index) for index in order[: min(config.kept, len(plan) - 1)])
        return _Given(embedding, renormalise(embedding, plan), engineer, kept, int(order[-1]))

    @property
    def rest(self) -> list[int]:
        """The tracks that are not kept."""
        return [index for index in range(len(self.plan)) if index not in self.kept]

    @property
    def keep(self) -> Direction:
        names = names_of(len(self.plan))
        return Direction(Plan(tuple(names[index] for index in self.kept), self.plan[self.kept]))

    @property
    def wish(self) -> Direction:
        wanted = float(level(read_plan(self.plan, self.embedding), self.loud))
        return Direction(wishes={f"track {self.loud}": {"level": Wish(wanted, "at", 0.0)}})


def as_record(embedding: EmbeddingConfig, plan: Tensor) -> Direction:
    """Follow a mix by this plan [tracks, dim] as a record."""
    return Direction(references=(Reference(*mix_bands(read_plan(renormalise(embedding, plan), embedding))),))


def from_another_song(embedding: EmbeddingConfig, other: Engineered, engineer: str) -> dict[str, Direction]:
    """Follow a mix of another song by an engineer, as a record and as wet stems; nothing if there is none."""
    by_engineer = np.flatnonzero(other.names == engineer)
    if not len(by_engineer):
        return {}
    plan, plays = other.effects[by_engineer[-1]], other.wet_plays[by_engineer[-1]]
    stems = WetStems(names_of(len(plan)), renormalise(embedding, plan), plays)
    return {FOLLOWED_OTHER: as_record(embedding, plan), STEMS: Direction(stems=stems)}


@dataclass(frozen=True)
class _Judge:
    """Says whose style drawn plans [mixes, tracks, dim] follow, and how varied they are."""

    metric: PlanMetric
    theirs: Tensor
    styles: np.ndarray
    given: _Given

    def followed(self, plans: Tensor) -> float:
        """Share of the tracks that are not kept that are nearest to a mix of the engineer who gave the evidence."""
        nearest = self.metric.squares(plans, self.theirs).argmin(1)[:, self.given.rest].numpy()
        return float((self.styles[nearest] == self.given.engineer).mean())

    def nearest(self, plans: Tensor) -> int:
        """Which plan is nearest to the evidence in the kept tracks: what rejection sampling would choose."""
        return int(self.metric.squares(plans, self.given.plan[None])[:, 0, self.given.kept].mean(-1).argmin())

    def of(self, plans: Tensor) -> dict[str, float]:
        """All that is measured of plans drawn for one piece of evidence."""
        apart = self.metric.squares(plans, plans)[:, :, self.given.rest].mean(-1).sqrt()
        return {
            "followed": self.followed(plans),
            "agreement": plan_agreement(self.metric, plans, self.theirs, self.styles),
            "spread": float(apart.sum() / (len(plans) * (len(plans) - 1))),
            "within": self.within(plans, self.given.rest),
        }

    def of_wish(self, drawn: Drawn) -> dict[str, float]:
        """The same of a wish for one track's level, and what became of it; `within` is of what else is said of it."""
        errors = np.array([abs(outcome.reached - outcome.wished) for (outcome,) in drawn.outcomes])
        strange = np.array([outcome.strange for (outcome,) in drawn.outcomes])
        return {
            **self.of(drawn.plans),
            "within": self.within(drawn.plans, [self.given.loud], QUALITIES[1:]),
            "wish_met": float((errors <= MET_DB).mean()),
            "wish_error_db": float(errors.mean()),
            "strange": float(strange.mean()),
        }

    def within(self, plans: Tensor, tracks: Sequence[int], qualities: Sequence[Quality] = QUALITIES) -> float:
        """Share of qualities of tracks in which the engineer's own value lies between those of the plans."""
        embedding = self.given.embedding

        def values(plan: Tensor) -> Tensor:
            said = read_plan(plan, embedding)
            return torch.stack([quality(said, track) for track in tracks for quality in qualities])

        own, drawn = values(self.given.plan), torch.stack([values(plan) for plan in plans])
        return float(((drawn.amin(0) <= own) & (own <= drawn.amax(0))).float().mean())
