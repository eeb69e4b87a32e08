"""What the sections of an evaluation share: how much is measured, with what, and where it is kept."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from torch import nn

from megami.corpus import CorpusConfig, song_paths
from megami.corpus.datasets import fingerprint
from megami.corpus.source_hash import source_hash
from megami.evaluation.listeners import small_encoders
from megami.evaluation.render import HEARD_LUFS
from megami.mixing import Mixer

CHAIN_SYSTEMS = (
    "reference",
    "engineers",
    "raw_sum",
    "equal_loudness",
    "rule_based_chain",
    "random_chain",
    "nearest_neighbour_chain",
)
UNHEARING = ("reference", "engineers", "raw_sum", "equal_loudness", "rule_based_chain", "random_chain")
"""Systems that no content embedding has a say in: what they mixed is kept when the content encoder changes."""
EMBEDDING_SYSTEMS = (
    "megami",
    "megami_wet_content",
    "megami_adapted",
    "megami_as_learned",
    "regression",
    "per_track",
    "rule_based",
    "nearest_neighbour",
    "random",
    "engineers_processor",
)
TRUE_DRY = "megami_true_dry"
"""The oracle that was trained on the content of dry tracks; a system only where the weights have its network."""
DRAWN_SYSTEMS = ("megami", "megami_wet_content", "megami_adapted", "megami_as_learned", "per_track", TRUE_DRY)
"""Systems that are sampled, so that what they mixed depends on how."""


HEARD_CODE = ("megami.evaluation.plans", "megami.evaluation.render")
"""Modules that decide what a mix sounds like and what is heard of it; how files are compared is not among them."""


@dataclass(frozen=True)
class EvaluationConfig:
    """How much is measured; with the defaults two to three hours on two cores, most of it rendering."""

    corpus: CorpusConfig = field(default_factory=lambda: CorpusConfig(test_songs=40, mixes_per_song=20))
    training_songs: int = 100  # that random and nearest_neighbour borrow from
    training_mixes: int = 4
    mixes: int = 10  # of each song by every system, beside as many by the engineers
    many_mixes: int = 32  # by the systems that draw, for coverage
    chains: int = 400
    crops: int = 400
    sampler_songs: int = 12  # 0 leaves out the study of the sampler
    sampler_mixes: int = 24
    target_lufs: float = HEARD_LUFS  # at which every mix is heard

    @staticmethod
    def quick() -> EvaluationConfig:
        """The same on a few songs: minutes."""
        corpus = CorpusConfig(test_songs=6, mixes_per_song=10)
        return EvaluationConfig(corpus, 24, 2, mixes=5, many_mixes=5, chains=100, crops=100, sampler_songs=0)


@dataclass(frozen=True, eq=False)
class Stage:
    """What the sections of an evaluation share.

    `others` are the same mixer but for the generator: "regression", "per_track", and the oracle if there is one.
    """

    mixer: Mixer
    others: dict[str, Mixer]
    weights: str
    cache: Path
    config: EvaluationConfig
    seed: int
    workers: int | None

    @cached_property
    def folders(self) -> dict[str, Path]:
        """Folder of what each system mixed, under the mark of all that its mixes depend on: code, weights, settings."""
        # The published networks, which have no baselines, are refused: how they are loaded has no say here.
        code = source_hash(*HEARD_CODE, without=("megami.published",))
        return {system: self.cache / "heard" / self._mark(system, code) for system in self.systems}

    def _mark(self, system: str, code: str) -> str:
        networks = self.mixer.networks
        fx_encoder, content_encoder = small_encoders(networks)
        parts: list[nn.Module] = [fx_encoder]
        options: tuple[object, ...] = (self.config, self.seed)
        if system not in UNHEARING:
            parts.append(content_encoder)
            options += (self.mixer.device.type,)
        if system not in CHAIN_SYSTEMS:
            parts += [networks.adaptor, networks.processor]
            parts += [part for part in (networks.musicnn, networks.stem_bank) if part is not None]
        if system in DRAWN_SYSTEMS or system == "regression":
            parts.append(self.others.get(system, self.mixer).networks.generator)
        if system in DRAWN_SYSTEMS:
            options += (self.mixer.preset.sampling,)
        marks = [code, *(fingerprint(part) + repr(part.config) for part in parts), repr(options)]
        return hashlib.sha256("".join(marks).encode()).hexdigest()[:12]

    @property
    def embedding_systems(self) -> tuple[str, ...]:
        """Systems whose embeddings go through the processor."""
        return (*EMBEDDING_SYSTEMS, TRUE_DRY) if TRUE_DRY in self.others else EMBEDDING_SYSTEMS

    @property
    def systems(self) -> tuple[str, ...]:
        """All systems, the engineers' mixes first."""
        return (*CHAIN_SYSTEMS, *self.embedding_systems)

    def plan(self, system: str, song: str) -> Path:
        """File of what a system decided about a song."""
        return self.folders[system] / "plans" / system / song

    def song_names(self) -> list[str]:
        """File names of the test songs."""
        return [path.name for path in song_paths(self.cache, "test", self.config.corpus)]
