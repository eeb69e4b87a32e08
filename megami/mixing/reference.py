"""A finished record as evidence: mixes whose tone and width are like the record's.

What a plan says of all tracks together is compared with what is measured on the record, in the same bands, and the
noisy plan is moved to where the network would say what is more alike. Or many mixes are drawn and one is chosen by
likelihood, which is importance resampling (Rubin 1987): unlike a search for the most alike, it leaves the mixes varied
where the record says nothing. How compressed a record is cannot be told of a plan, and does not count.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from megami.audio import SAMPLE_RATE, loudest_segment, read_audio, resample
from megami.embeddings import mid_bands_db, side_bands_db
from megami.errors import UserError
from megami.generator import mix_generator
from megami.mixing.measures import QUIETEST_HEARD_DB, Said, finer_side_db, mix_bands

GUIDED, GUIDED_DB = True, 0.5  # how near the estimate should come to the record, RMS over the bands
CANDIDATES = 16
LIKENESS_DB = 1.0  # a mix whose bands are so far from the record's, against the most alike, is taken less often: by 0.6
SECONDS = 12.0
NARROWEST_DB = -40.0  # of side over mid: what is narrower counts as this
FIRST_DRAW = 2_000_000  # where the random numbers of the choice begin, far from those of any mix
LARGEST_WEIGHT = 100.0

Record = str | Path | Tensor
"""A finished mix: a file, or audio [2, samples] at 44.1 kHz."""

Records = Record | Sequence[Record | tuple[Record, float]] | Mapping[str | Path, float]
"""One, or several with a weight each, which is 1 where none is given."""


@dataclass(frozen=True, eq=False)
class Reference:
    """Tone and width of a record: mid [24] in dB of all, side over mid [24] in dB, both of its loudest 12 s.

    weight: as how many records it counts; its likelihood is taken to that power.
    """

    mid_db: Tensor
    side_db: Tensor
    weight: float = 1.0

    @staticmethod
    def of(record: Record, weight: float = 1.0) -> Reference:
        """Measure a record: a file, or audio [2, samples] at 44.1 kHz. Raises UserError for what is not one."""
        if isinstance(record, Tensor):
            audio = record.detach().float().cpu()
        else:
            audio, rate = read_audio(Path(record))
            audio = resample(audio, rate, SAMPLE_RATE)
        if audio.dim() != 2 or audio.shape[0] not in (1, 2) or not torch.isfinite(audio).all():
            raise UserError(f"a reference is audio [2, samples] of finite numbers, not {tuple(audio.shape)}")
        if not audio.any():
            raise UserError("the reference is silent: there is nothing to follow")
        length = round(SECONDS * SAMPLE_RATE)
        start = loudest_segment(audio.sum(0), length)
        segment = audio.expand(2, -1)[None, :, start : start + length]
        return Reference(mid_bands_db(segment)[0], finer_side_db(side_bands_db(segment))[0], weight)

    def gaps_db(self, said: Said) -> Tensor:
        """How far all tracks of a plan together are from it in each band that is heard, in tone and in width: [k]."""
        mid, side = mix_bands(said)
        heard = self.mid_db.to(mid) > QUIETEST_HEARD_DB
        tone = (mid - self.mid_db.to(mid))[heard]
        width = (side.clamp_min(NARROWEST_DB) - self.side_db.to(side).clamp_min(NARROWEST_DB))[heard]
        return torch.cat([tone - tone.mean(), width])

    def distance_db(self, said: Said) -> Tensor:
        """How far all tracks of a plan together are from it: RMS difference in dB over the bands that are heard."""
        return self.gaps_db(said).square().mean().sqrt()


def measured_records(asked: Records | None) -> tuple[Reference, ...]:
    """Measure the records that are to be followed, but for those of weight 0.

    Raises UserError for what is no record, and for weights that are no numbers from 0 to 100.
    """
    if asked is None:
        return ()
    pairs: list[tuple[Any, Any]]  # users may give anything
    if isinstance(asked, Mapping):
        pairs = list(asked.items())
    else:
        several: Sequence[Any] = [asked] if isinstance(asked, str | Path | Tensor) or _is_pair(asked) else asked
        pairs = [one if _is_pair(one) else (one, 1.0) for one in several]
    for record, weight in pairs:
        if not isinstance(record, str | Path | Tensor):
            raise UserError(f"a reference is a file or audio, or a pair of one and its weight, not {record!r}")
        check_weight(weight)
    return tuple(Reference.of(record, float(weight)) for record, weight in pairs if weight)


def _is_pair(value: object) -> bool:
    """Whether it is a record and its weight, not two records."""
    return isinstance(value, tuple) and len(value) == 2 and not isinstance(value[1], str | Path | Tensor | tuple)


def check_weight(weight: Any) -> None:
    """Raise UserError unless a weight means something."""
    number = isinstance(weight, int | float) and not isinstance(weight, bool)
    if not number or not 0 <= weight <= LARGEST_WEIGHT:
        raise UserError(f"the weight of a reference must be a number from 0 to {LARGEST_WEIGHT:g}, not {weight!r}")


def read_weighted(text: str) -> tuple[Path, float]:
    """Read "record.wav" or "record.wav:0.5": a file and its weight; a file whose whole name is so goes first.

    Raises UserError for a weight that means nothing.
    """
    path, colon, number = text.rpartition(":")
    if not colon or not path or Path(text).exists():
        return Path(text), 1.0
    try:
        weight = float(number)
    except ValueError:  # the colon belongs to the path
        return Path(text), 1.0
    check_weight(weight)
    return Path(path), weight


def gaps_of_all(references: Sequence[Reference], said: Said) -> Tensor:
    """How far a plan is from several records, [k]: the sum of squares is that of weights times squared distances."""
    gaps = [one.gaps_db(said) for one in references]
    scaled = [gap * math.sqrt(one.weight / len(gap)) for one, gap in zip(references, gaps, strict=True)]
    return torch.cat(scaled)


def distance_of_all(references: Sequence[Reference], said: Said) -> float:
    """The one distance in dB that makes a plan as likely as its distances from several records do together."""
    return math.sqrt(sum(one.weight * float(one.distance_db(said)) ** 2 for one in references))


def candidate_seeds(seed: int, count: int = CANDIDATES) -> list[int]:
    """The seeds of the mixes to choose from, that of the free mix among them."""
    state = np.random.SeedSequence([seed, FIRST_DRAW]).generate_state(count - 1, np.uint32)
    return [seed, *(int(one) for one in state)]


def choose(distances_db: Sequence[float], seed: int, mix: int) -> int:
    """Which candidate is taken for mix number `mix`: by chance, the more alike the likelier (a normal likelihood)."""
    distances = torch.tensor(distances_db, dtype=torch.float64)
    excess = distances.square() - distances.square().min()
    weights = torch.exp(-excess / (2 * LIKENESS_DB**2))
    return int(torch.multinomial(weights, 1, generator=mix_generator(seed, FIRST_DRAW + mix)))
