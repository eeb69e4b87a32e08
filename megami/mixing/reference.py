"""A finished record as evidence: of many mixes that the model draws, one whose tone and width are like the record's.

What a plan says of all tracks together is compared with what is measured on the record, in the same bands. Drawing
many and choosing by likelihood is importance resampling (Rubin 1987): unlike a search for the most alike, it leaves the
mixes varied where the record says nothing. How compressed a record is cannot be told of a plan, and does not count.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from megami.audio import SAMPLE_RATE, loudest_segment, read_audio, resample
from megami.embeddings import mid_bands_db, side_bands_db
from megami.errors import UserError
from megami.generator import mix_generator
from megami.mixing.measures import QUIETEST_HEARD_DB, Said, finer_side_db, mix_bands

CANDIDATES = 16
LIKENESS_DB = 1.0  # a mix whose bands are so far from the record's, against the most alike, is taken less often: by 0.6
SECONDS = 12.0
NARROWEST_DB = -40.0  # of side over mid: what is narrower counts as this
FIRST_DRAW = 2_000_000  # where the random numbers of the choice begin, far from those of any mix


@dataclass(frozen=True, eq=False)
class Reference:
    """Tone and width of a record: mid [24] in dB of all, side over mid [24] in dB, both of its loudest 12 s."""

    mid_db: Tensor
    side_db: Tensor

    @staticmethod
    def of(record: str | Path | Tensor) -> Reference:
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
        return Reference(mid_bands_db(segment)[0], finer_side_db(side_bands_db(segment))[0])

    def distance_db(self, said: Said) -> Tensor:
        """How far all tracks of a plan together are from it: RMS difference in dB over the bands that are heard."""
        mid, side = mix_bands(said)
        heard = self.mid_db.to(mid) > QUIETEST_HEARD_DB
        tone = (mid - self.mid_db.to(mid))[heard]
        width = (side.clamp_min(NARROWEST_DB) - self.side_db.to(side).clamp_min(NARROWEST_DB))[heard]
        return torch.cat([tone - tone.mean(), width]).square().mean().sqrt()


def candidate_seeds(seed: int) -> list[int]:
    """The seeds of the mixes to choose from, that of the free mix among them."""
    state = np.random.SeedSequence([seed, FIRST_DRAW]).generate_state(CANDIDATES - 1, np.uint32)
    return [seed, *(int(one) for one in state)]


def choose(distances_db: Sequence[float], seed: int, mix: int) -> int:
    """Which candidate is taken for mix number `mix`: by chance, the more alike the likelier (a normal likelihood)."""
    distances = torch.tensor(distances_db, dtype=torch.float64)
    excess = distances.square() - distances.square().min()
    weights = torch.exp(-excess / (2 * LIKENESS_DB**2))
    return int(torch.multinomial(weights, 1, generator=mix_generator(seed, FIRST_DRAW + mix)))
