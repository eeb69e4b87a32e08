"""Directing a mix: drawing plans from what the generator has learned, given what somebody wants of them.

The generator is a distribution over plans. What is wanted is evidence: tracks that stay as they were in another mix,
and wishes about what a plan says. Both put right the denoised estimate of every sampling step (`megami.generator.
Evidence`), so the tracks about which nothing is said are drawn to fit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
import torch
from torch import Tensor

from megami.embeddings import EmbeddingConfig, from_tokens, renormalise, to_tokens
from megami.errors import UserError
from megami.generator import Evidence, Known
from megami.mixing.amounts import Amounts
from megami.mixing.hearing import known_track, spelled
from megami.mixing.measures import Said, read_plan
from megami.mixing.mix import Mix
from megami.mixing.nearest import nearest_plan
from megami.mixing.reference import (
    GUIDED,
    GUIDED_DB,
    Reference,
    candidate_seeds,
    choose,
    distance_of_all,
    gaps_of_all,
)
from megami.mixing.soft_evidence import ONE_ENGINEER, by_number, slope_to_stems, slope_to_zero, variance_left
from megami.mixing.wet_stems import TOLERANCE, WetStems, match_stems
from megami.mixing.wishes import Outcome, Wanted, Wishes, wanted_of
from megami.processor import EffectProcessor

PASSES = 2
"""How often each step is taken where tracks are kept; each time costs as much as sampling without (RePaint: ten)."""

ROUNDS_IN_SAMPLING, ROUNDS = 4, 30
"""How often a plan is brought nearer to the wishes: in every step, whose estimate is but one, and in the end."""


@dataclass(frozen=True, eq=False)
class Plan:
    """What a mix was decided to be, without its sound: names of tracks, embeddings [tracks, dim], zeros for silent."""

    names: tuple[str, ...]
    embeddings: Tensor


Keep = Mix | Plan | Mapping[str, Mix | Plan | Tensor]
"""Which tracks stay: all of a mix, or some by name, each from a mix, its plan, or as an effect embedding [dim]."""

Generate = Callable[[Evidence | None], Tensor]
"""Draws plans [num_mixes, tracks, dim], the same ones for the same evidence."""

Pairs = list[tuple[Wanted, float | None]]
"""Wishes, each with the value that it counts from."""


@dataclass(frozen=True, eq=False)
class Direction:
    """What somebody wants of the mixes of a song; nothing by default.

    keep        tracks that stay, by name: from a mix, or as an effect embedding [dim]. A whole mix keeps all its tracks
                that are in this song, which may be another song with the same parts
    wishes      what tracks, or the whole mix, should be like: {"vocal": {"level_db": +2}}; see `MEASURES`. A track that
                is kept and wished about stays but for the smallest change that meets the wish
    passes      how often each sampling step is taken where tracks are kept
    references  records, measured: plans are drawn towards their tone and width
    stems       wet stems of another song: tracks that play what one of them plays lean towards what was done to it
    guided      whether records guide the drawing; with several `candidates`, each mix is one of as many that are drawn,
                by chance, the more alike the likelier (importance resampling), with or without guidance
    amounts     how much of each mix is done, as `read_amounts` gives it; not together with wishes, which it would undo
    """

    keep: Keep = field(default_factory=dict)
    wishes: Wishes = field(default_factory=dict)
    passes: int = PASSES
    amounts: Amounts = field(default_factory=dict)
    references: tuple[Reference, ...] = ()
    stems: WetStems | None = None
    guided: bool = GUIDED
    candidates: int = 1

    def __post_init__(self) -> None:
        if self.amounts and self.wishes:
            raise UserError("an amount would undo the wishes: mix with the wishes, then take an amount of that mix")

    def among(
        self,
        names: Sequence[str],
        playing: Sequence[str],
        embedding: EmbeddingConfig,
        processor: EffectProcessor | None = None,
    ) -> Directed:
        """What it means for a song with tracks of these names, of which some are `playing` (not silent).

        Raises UserError for names that the song does not have, for plans of other networks, and for wishes about what
        the plans of these networks do not say.
        """
        kept = kept_embeddings(self.keep, names, playing, embedding.dim)
        wanted = wanted_of(self.wishes, names, playing, embedding, processor)
        wished = {one.track for one in wanted}
        free = torch.tensor([track not in kept or track in wished for track in range(len(playing))])
        if None in wished and not free.any():
            raise UserError("every track is kept: none is free to meet a wish for the whole mix")
        if self.references and not embedding.spectrum_dim:
            raise UserError("no record can be followed: these weights have no spectrum code to compare with it")
        return Directed(
            embedding,
            processor,
            kept,
            tuple(wanted),
            free,
            self.passes,
            self.references,
            self.guided,
            self.candidates,
            self.stems,
        )


@dataclass(frozen=True, eq=False)
class Drawn:
    """Plans [num_mixes, tracks, dim] that follow a direction, and what became of the wishes in each."""

    plans: Tensor
    outcomes: tuple[tuple[Outcome, ...], ...]


@dataclass(frozen=True, eq=False)
class Directed:
    """A direction for the tracks of one song, by their number among those that play."""

    embedding: EmbeddingConfig
    processor: EffectProcessor | None
    kept: dict[int, Tensor]  # [dim] each, of unit norm
    wanted: tuple[Wanted, ...]
    free: Tensor  # [tracks]: whether wishes may change a track
    passes: int = PASSES
    references: tuple[Reference, ...] = ()
    guided: bool = GUIDED
    candidates: int = 1
    stems: WetStems | None = None
    like: dict[int, Tensor] = field(default_factory=dict)  # [dim] each, of stems that play the same
    followed: tuple[str | None, ...] = ()  # the name of each track's stem

    def hearing(self, plays: Tensor) -> Directed:
        """The same for tracks that play this (`Heard.plays`) [tracks, n]: stems of another song are matched to them."""
        if self.stems is None:
            return self
        pairs = {track: stem for track, stem in match_stems(plays, self.stems).items() if track not in self.kept}
        like = {track: self.stems.embeddings[stem].detach() for track, stem in pairs.items()}
        names = tuple(self.stems.names[pairs[track]] if track in pairs else None for track in range(len(plays)))
        return replace(self, like=like, followed=names)

    def unmatched(self) -> list[str]:
        """A line where there are stems to follow and none plays what a track here plays; call after `hearing`."""
        if self.stems is None or self.like:
            return []
        names = ", ".join(self.stems.names)
        return [f"none of the reference's stems ({names}) plays what a free track here plays: none is followed"]

    def draw_by_seed(self, generate: Callable[[int, Evidence | None], Tensor], seed: int) -> Drawn:
        """`draw` with a source of plans for each seed: that of `seed`, or with a reference the choice of several.

        Each wish is also compared with what plans drawn without wishes say of it.
        """
        drawn = self._chosen(generate, seed)
        if not self.wanted:
            return drawn
        usual = self._usual([self._with_kept(generate(one, self._evidence())) for one in candidate_seeds(seed)])
        compared = (tuple(map(with_usual, outcomes, usual)) for outcomes in drawn.outcomes)
        return Drawn(drawn.plans, tuple(compared))

    def _chosen(self, generate: Callable[[int, Evidence | None], Tensor], seed: int) -> Drawn:
        """What is drawn by `seed`, or with references the choice of several."""
        if not self.references:
            return self.draw(partial(generate, seed))
        candidates = [self.draw(partial(generate, one)) for one in candidate_seeds(seed, self.candidates)]
        chosen = []
        for mix in range(len(candidates[0].plans)):
            said = [self._read(drawn.plans[mix].double()) for drawn in candidates]
            distances = [distance_of_all(self.references, words) for words in said]
            chosen.append(candidates[choose(distances, seed, mix)])
        plans = [drawn.plans[mix] for mix, drawn in enumerate(chosen)]
        return Drawn(torch.stack(plans), tuple(drawn.outcomes[mix] for mix, drawn in enumerate(chosen)))

    def draw(self, generate: Generate) -> Drawn:
        """Draw plans by `generate`, which is called a first time for the takes if wishes count from them."""
        if not self.wanted:
            plans = self._with_kept(generate(self._evidence()))
            return Drawn(plans, ((),) * len(plans))
        takes = self._takes(generate) if any(one.is_change for one in self.wanted) else None
        strains: dict[int, list[Tensor]] = {}
        drawn = generate(self._evidence(lambda mix: self._wishes(takes, mix), strains))
        finished, outcomes = [], []
        for number, plan in enumerate(drawn):
            pairs, strain = self._wishes(takes, number), strains[number][-2:][0]  # of the last step but one
            finished.append(self._finish(plan, pairs))
            said = self._read(finished[-1].double())
            outcomes.append(tuple(one.outcome(said, take, strain) for one, take in pairs))
        return Drawn(torch.stack(finished), tuple(outcomes))

    def _usual(self, lots: Sequence[Tensor]) -> list[tuple[float, float]]:
        """Mean and standard deviation over free plans of what each wish is about."""
        said = [self._read(plan.double()) for lot in lots for plan in lot]
        values = np.array([[float(one.read(words)) for one in self.wanted] for words in said])
        return list(zip(values.mean(0).tolist(), values.std(0).tolist(), strict=True))

    def _takes(self, generate: Generate) -> list[list[float | None]]:
        """What the mixes are like without the wishes, for each mix and wish; None where the wish is no change."""
        plans = self._with_kept(generate(self._evidence()))
        said = [self._read(plan.double()) for plan in plans]
        return [[float(one.read(words)) if one.is_change else None for one in self.wanted] for words in said]

    def _wishes(self, takes: list[list[float | None]] | None, mix: int) -> Pairs:
        """The wishes, each with its value in the take of that mix."""
        values = [None] * len(self.wanted) if takes is None else takes[mix]
        return list(zip(self.wanted, values, strict=True))

    def _evidence(
        self, wishes: Callable[[int], Pairs] | None = None, strains: dict[int, list[Tensor]] | None = None
    ) -> Evidence | None:
        """What the sampler is told of the kept tracks and of the wishes of each mix; None if it is nothing.

        `strains` collects how far the estimates of each mix were from the wishes, step by step: [tracks] each.
        """
        if not self.kept and wishes is None and not self._leans:
            return None

        def correct(estimate: Tensor, mix: int) -> Tensor:
            z = self._with_kept(from_tokens(self.embedding, estimate))
            if wishes is not None:
                own, z = z, self._nearest(z, wishes(mix), ROUNDS_IN_SAMPLING)
                if strains is not None:
                    strains.setdefault(mix, []).append(self._strain(z - own))
            return to_tokens(self.embedding, z)

        slope = self._slope if self._leans else None
        return Evidence(correct, self.passes if self.kept else 1, slope, self._known())

    def _known(self) -> Known | None:
        """The kept tracks, but for those that a wish may change."""
        kept = {track: z for track, z in self.kept.items() if not self.free[track]}
        if not kept:
            return None
        tracks = torch.tensor([track in kept for track in range(len(self.free))])
        values = torch.zeros(len(self.free), self.embedding.dim)
        for track, z in kept.items():
            values[track] = z
        return Known(tracks, to_tokens(self.embedding, values))

    @property
    def _leans(self) -> bool:
        return bool(self.like) or (self.guided and bool(self.references))

    def _slope(self, estimate: Tensor, mix: int, sigma: float) -> Tensor:
        """Where the estimate [tracks, channels, tokens] should move, at noise level sigma, for stems and records."""
        z, variance = from_tokens(self.embedding, estimate), variance_left(self.embedding, sigma)
        slope = slope_to_stems(z, self.like, variance, TOLERANCE * by_number(self.embedding, ONE_ENGINEER))
        if self.guided and self.references:
            slope += slope_to_zero(z, lambda one: gaps_of_all(self.references, self._read(one)), variance, GUIDED_DB)
        return to_tokens(self.embedding, slope)

    def _strain(self, change: Tensor) -> Tensor:
        """How far each track was brought, [tracks], from a change [tracks, dim]; 0 for those that are not drawn."""
        drawn = torch.tensor([track not in self.kept for track in range(len(change))])
        return change.norm(dim=-1).cpu() * drawn

    def _finish(self, plan: Tensor, pairs: Pairs) -> Tensor:
        """Meet the wishes in a plan that was drawn with them, [tracks, dim] of unit norm; kept tracks stay as given."""
        plan = renormalise(self.embedding, self._nearest(plan, pairs, ROUNDS))
        for index, value in self.kept.items():
            if not self.free[index]:
                plan[index] = value.to(plan)
        return plan

    def _with_kept(self, z: Tensor) -> Tensor:
        """Put the kept tracks, bit for bit, into plans [..., tracks, dim]."""
        z = z.clone()
        for index, value in self.kept.items():
            z[..., index, :] = value.to(z)
        return z

    def _nearest(self, z: Tensor, pairs: Pairs, rounds: int) -> Tensor:
        """The plan nearest to z [tracks, dim] that meets the wishes, as far as can be."""
        said = self._read(z.double())
        aims = [aim for one, take in pairs for aim in one.aims(said, take)]
        return nearest_plan(z, self._read, aims, self.free.to(z.device), rounds)

    def _read(self, z: Tensor) -> Said:
        return read_plan(z, self.embedding, self.processor)


def with_usual(outcome: Outcome, usual: tuple[float, float]) -> Outcome:
    """An outcome that knows what is usual."""
    return replace(outcome, usual=usual)


def unmet(what: str, outcomes: Sequence[Outcome]) -> list[str]:
    """A line for each wish that no plan was found for, and for each that the model had to be held to."""
    lines = [f"{what}: {one}: no plan was found that is nearer" for one in outcomes if not one.met]
    strange = (one for one in outcomes if one.met and one.strange)
    return lines + [f"{what}: {one}: met, but the model knows hardly any mix like this" for one in strange]


def kept_embeddings(keep: Keep, names: Sequence[str], playing: Sequence[str], dim: int) -> dict[int, Tensor]:
    """The plans that stay, [dim] each, by the number of their track among those that play.

    Of a whole mix those are left out that are silent, there or here. Raises UserError for tracks that the song or the
    mix does not have, that are silent, and for embeddings of another size or of no length.
    """
    if isinstance(keep, Mix | Plan):
        found = {name: z for name, z in zip(keep.names, keep.embeddings, strict=True) if name in playing and z.any()}
        if not found:
            raise UserError(f"nothing can be kept: no track of that mix ({', '.join(keep.names)}) plays in this song")
    else:
        asked = {known_track(name, names): value for name, value in keep.items()}
        found = {name: _kept(name, value) for name, value in asked.items()}
    for name, z in found.items():
        if name not in playing:
            raise UserError(f"{name} is silent in this song: nothing of it can be kept")
        if z.shape != (dim,):
            raise UserError(f"the plan to keep {name} by has {tuple(z.shape)} numbers, these networks have {(dim,)}")
        if not bool(torch.isfinite(z).all()) or not bool(z.any()):
            raise UserError(f"the plan to keep {name} by says nothing: it was silent, or is not a number")
    return {list(playing).index(name): z.detach() for name, z in found.items()}


def _kept(name: str, value: Mix | Plan | Tensor) -> Tensor:
    """The plan of one track [dim], from a mix or as it is given."""
    if isinstance(value, Tensor):
        return value
    if not isinstance(value, Mix | Plan):
        raise UserError(f"{name} can be kept from a mix or as an effect embedding, not from {value!r}")
    own = spelled(name, value.names)
    if own not in value.names:
        raise UserError(f"the mix to keep {name} from has no such track: it has {', '.join(value.names)}")
    return value.embeddings[value.names.index(own)]
