"""Wishes about a mix: how much louder, wider or brighter a track should be, and what became of them."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from torch import Tensor

from megami.embeddings import EmbeddingConfig
from megami.errors import UserError
from megami.mixing import measures
from megami.mixing.hearing import known_track
from megami.mixing.measures import Aim, Said
from megami.processor import EffectProcessor

WHOLE_MIX = "mix"
"""In the place of a track's name: a wish about all tracks together."""

TOLERANCE_DB = 0.1
MET_DB = 0.05  # beyond its tolerance a wish still counts as met, for rounding
MOST_STRAIN = 0.4  # more than half of the distance between two mixes of a song
FAR, LEAST_SPREAD_DB = 4.0, 1.0  # so many spreads from the middle of free plans is far; no spread counts as less
Kind = Literal["by", "at"]
"""Whether a wish is a change from the take, or a value by itself."""


@dataclass(frozen=True)
class Measure:
    """One quantity that can be wished for: in dB, within `least` and `most`, meant `usually` as a change or a value."""

    name: str
    usually: Kind
    least: float
    most: float
    of_track: Callable[[Said, int], Tensor] | None = None
    of_mix: Callable[[Said], Tensor] | None = None
    aims: Callable[[Said, int, float, float], list[Aim]] | None = None  # where more than the number itself must agree
    needs: str = ""  # what a plan must hold: "bands" or "reverb"


MEASURES = {
    measure.name: measure
    for measure in (
        Measure("level", "by", -60.0, 40.0, measures.level),
        Measure("pan", "at", -20.0, 20.0, measures.pan, aims=measures.pan_aims),
        Measure("width", "by", -50.0, 20.0, measures.width, measures.mix_width, measures.width_aims),
        Measure("brightness", "by", -60.0, 60.0, measures.brightness, measures.mix_brightness, needs="bands"),
        Measure("reverb", "by", -40.0, 20.0, measures.reverb, aims=measures.reverb_aims, needs="reverb"),
    )
}


@dataclass(frozen=True)
class Wish:
    """A value in dB, how it is meant and how nearly it is to be met (in dB); as the measure usually is by default.

    kind "by" is a change from the take: the mix that the same seed gives without the wish. "at" is a value by itself.
    """

    value: float
    kind: Kind | None = None
    within: float = TOLERANCE_DB


@dataclass(frozen=True)
class Outcome:
    """What became of a wish in one mix, all in dB but the strain.

    wished is the value that the plan should have; take the value without the wish, None where nobody asked. strain says
    how far from the wish the generator's own estimate of the track still was near the end of sampling, as a distance of
    embeddings (two free mixes of a song are about 0.7 apart), averaged for the whole mix; 0 where nothing was drawn.
    usual is the mean and the standard deviation of the quantity over plans drawn without wishes, None where unknown.
    """

    track: str
    measure: str
    wished: float
    reached: float
    within: float
    take: float | None = None
    strain: float = 0.0
    usual: tuple[float, float] | None = None

    @property
    def met(self) -> bool:
        """Whether the plan is as near to the wish as was asked for."""
        return abs(self.reached - self.wished) <= self.within + MET_DB

    @property
    def strange(self) -> bool:
        """Whether the generator knows hardly any mix like this: held to the wish to the end, or far from free plans.

        A strain alone does not tell: embeddings of levels 20 dB apart are near each other.
        """
        if self.usual is not None:
            middle, spread = self.usual
            if abs(self.reached - middle) > FAR * max(spread, LEAST_SPREAD_DB):
                return True
        return self.strain > MOST_STRAIN

    def as_dict(self) -> dict[str, Any]:
        """The same as JSON holds it: two decimals, None for what it has no number for, and whether the wish is met."""
        return {name: _in_json(value) for name, value in asdict(self).items()} | {"met": self.met}

    def __str__(self) -> str:
        was = "" if self.take is None else f" ({self.take:+.1f} in the take)"
        return f"the {self.measure} of {self.track} should be {self.wished:+.1f} dB{was} and is {self.reached:+.1f} dB"


def _in_json(value: Any) -> Any:
    """Numbers with two decimals, or None for those that are none."""
    if isinstance(value, tuple):
        return [_in_json(one) for one in value]
    return (round(value, 2) if math.isfinite(value) else None) if isinstance(value, float) else value


@dataclass(frozen=True, eq=False)
class Wanted:
    """A wish about one track of a song, by its number among those that play; None for the whole mix."""

    name: str
    track: int | None
    measure: Measure
    wish: Wish

    @property
    def is_change(self) -> bool:
        """Whether the wish counts from the take."""
        return (self.wish.kind or self.measure.usually) == "by"

    def read(self, said: Said) -> Tensor:
        """The quantity in a plan, in dB: a single number."""
        if self.track is None:
            assert self.measure.of_mix is not None  # seen to in `wanted_of`
            return self.measure.of_mix(said)
        assert self.measure.of_track is not None
        return self.measure.of_track(said, self.track)

    def target(self, take: float | None) -> float:
        """The value that is wished for, given that of the take."""
        return self.wish.value + (take or 0.0 if self.is_change else 0.0)

    def aims(self, said: Said, take: float | None) -> list[Aim]:
        """What has to lie between which bounds, for a plan that says this so far."""
        low, high = self.target(take) - self.wish.within, self.target(take) + self.wish.within
        if self.track is not None and self.measure.aims is not None:
            return self.measure.aims(said, self.track, low, high)
        return [Aim(lambda said: self.read(said)[None], *said.level_db.new_tensor([[low], [high]]))]

    def outcome(self, said: Said, take: float | None, strain: Tensor) -> Outcome:
        """What became of it in a plan that says this; strain [tracks] as in `Outcome`."""
        reached, own = float(self.read(said)), strain.mean() if self.track is None else strain[self.track]
        return Outcome(self.name, self.measure.name, self.target(take), reached, self.wish.within, take, float(own))


Wishes = Mapping[str, Mapping[str, float | Wish]]
"""By track (or "mix" for the whole mix) and by measure: {"vocal": {"level_db": +2, "pan_db": 0}}."""


def wanted_of(
    wishes: Wishes,
    names: Sequence[str],
    playing: Sequence[str],
    embedding: EmbeddingConfig,
    processor: EffectProcessor | None = None,
) -> list[Wanted]:
    """Read wishes for a song: each checked against its tracks and against what its networks' plans can say.

    Raises UserError for unknown or silent tracks, unknown measures, and values that mean nothing.
    """
    if WHOLE_MIX in wishes and WHOLE_MIX in names:
        raise UserError(f"a wish for {WHOLE_MIX!r} is one for the whole mix, and a track is called so: rename its file")
    found = []
    for said, by_measure in wishes.items():
        name = said if said == WHOLE_MIX else known_track(said, names)
        if name != WHOLE_MIX and name not in playing:
            raise UserError(f"{name} is silent in this song: no wish can be met for it")
        if not isinstance(by_measure, Mapping):
            raise UserError(f'wishes for {name} have a measure each, as in {{"level_db": 2}}, not {by_measure!r}')
        for key, value in by_measure.items():
            measure = measure_named(key)
            wish = value if isinstance(value, Wish) else Wish(value)
            check_wish(measure, wish)
            track = None if name == WHOLE_MIX else list(playing).index(name)
            _check_sayable(measure, track, len(playing), embedding, processor)
            found.append(Wanted(name, track, measure, wish))
    return found


def measure_named(name: str) -> Measure:
    """The measure called so, with or without its unit ("level", "level_db"). Raises UserError for another name."""
    measure = MEASURES.get(str(name).removesuffix("_db"))
    if measure is None:
        raise UserError(f"nothing can be wished about {name!r}: choose from {', '.join(MEASURES)}")
    return measure


def check_wish(measure: Measure, wish: Wish) -> None:
    """Raise UserError for a wish that means nothing."""
    for what, number in ((f"a wish for {measure.name}", wish.value), ("the tolerance of a wish", wish.within)):
        if isinstance(number, bool) or not isinstance(number, int | float) or number != number:
            raise UserError(f"{what} must be a number of dB, not {number!r}")
    if wish.kind not in ("by", "at", None):
        raise UserError(f"a wish is a change ('by') or a value ('at'), not {wish.kind!r}")
    if not measure.least <= wish.value <= measure.most:
        raise UserError(
            f"a wish for {measure.name} must be from {measure.least:g} to {measure.most:g} dB, not {wish.value:g}"
        )
    if not 0 <= wish.within <= 20:
        raise UserError(f"the tolerance of a wish must be from 0 to 20 dB, not {wish.within:g}")


def _check_sayable(
    measure: Measure, track: int | None, tracks: int, embedding: EmbeddingConfig, processor: EffectProcessor | None
) -> None:
    """Raise UserError for what the plans of these networks do not say, or not of a whole mix."""
    if track is None and measure.of_mix is None:
        able = [one.name for one in MEASURES.values() if one.of_mix is not None]
        raise UserError(f"{measure.name} is wished for a track; for the whole mix: {', '.join(able)}")
    if measure.needs == "bands" and not embedding.spectrum_dim:
        raise UserError(f"no wish for {measure.name} can be met: these weights have no spectrum code")
    if measure.needs == "reverb" and not measures.has_reverb(processor):
        raise UserError(
            f"no wish for {measure.name} can be met: plans of these weights do not say how much of it a track has"
        )
    if measure.name == "level" and tracks == 1:
        raise UserError("a level is wished for against the other tracks, and there is only one that plays")


WRITTEN = re.compile(
    r"(?P<track>.+):\s*(?P<measure>\w+)\s*=\s*(?:(?P<kind>by|at)\s+)?(?P<value>[+-]?\d+(?:\.\d+)?)(?:\s*dB)?"
    r"(?:\s+within\s+(?P<within>\d+(?:\.\d+)?)(?:\s*dB)?)?\s*"
)


def read_wish(text: str) -> tuple[str, str, Wish]:
    """Read "vocal:level=+2", "vocal:level=at -3", "mix:width=+2 within 0.5": track, measure, wish.

    Raises UserError for what is not of this form, for unknown measures and for impossible values.
    """
    found = WRITTEN.fullmatch(text)
    if found is None:
        raise UserError(
            f"--wish {text}: write a track, a measure and dB, as in --wish vocal:level=+2 or 'mix:width=+3'"
        )
    measure = measure_named(found["measure"])
    kind: Kind | None = "by" if found["kind"] == "by" else "at" if found["kind"] == "at" else None
    wish = Wish(float(found["value"]), kind, float(found["within"] or TOLERANCE_DB))
    check_wish(measure, wish)
    return found["track"].strip(), measure.name, wish


def read_wishes(texts: Sequence[str]) -> dict[str, dict[str, float | Wish]]:
    """Read several, as `read_wish`. Raises UserError also where two are about the same thing."""
    wishes: dict[str, dict[str, float | Wish]] = {}
    for text in texts:
        track, measure, wish = read_wish(text)
        if measure in wishes.setdefault(track, {}):
            raise UserError(f"--wish {text}: there is another wish for the {measure} of {track}")
        wishes[track][measure] = wish
    return wishes
