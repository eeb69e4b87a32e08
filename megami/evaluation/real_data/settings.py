"""How much of a data set is measured, and how the generator is sampled for it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from megami.audio import SAMPLE_RATE
from megami.errors import UserError
from megami.generator import SamplingOptions

SEGMENT_SAMPLES = 525312
"""11.9 s, the length that the published networks were trained on."""


@dataclass(frozen=True)
class DataSettings:
    """The settings of an evaluation on recorded songs. Raises UserError for impossible ones.

    split     songs of which split are measured: "test", or another, or "all"
    segments  at most so many of each song, one mix drawn of each
    samples   length of a segment at 44.1 kHz
    sampling  how the generator is sampled; None: as the preset is by default
    target_lufs  the loudness at which every mix is measured
    """

    split: str = "test"
    segments: int = 10
    samples: int = SEGMENT_SAMPLES
    sampling: SamplingOptions | None = None
    target_lufs: float = -14.0
    seed: int = 0

    def __post_init__(self) -> None:
        if self.segments < 2:
            raise UserError("distances need at least two segments of a song")
        if self.samples < 2 * SAMPLE_RATE:
            raise UserError("segments must have at least two seconds")

    @property
    def seconds(self) -> float:
        """Length of a segment."""
        return self.samples / SAMPLE_RATE

    def quick(self) -> DataSettings:
        """Few and short segments: whether everything runs, not what comes out."""
        return replace(self, segments=2, samples=2 * SAMPLE_RATE)


PUBLISHED = DataSettings(sampling=SamplingOptions(steps=30, churn=0.0, guidance=1.0, temperature=1.0))
"""The settings of the paper's benchmark, read from the history of its code: 30 steps, no churn, guidance 1, one draw,
KAD of mixes at -14 LUFS; a public summary says 590 segments of 59 songs. Chapter "Measuring mixes"."""
