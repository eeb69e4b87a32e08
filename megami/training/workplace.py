"""What a training run makes (its recipe) and where (its workplace)."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from megami.corpus import CorpusConfig
from megami.presets import Preset, preset
from megami.training.loop import LoopConfig
from megami.training.recipes import adaptation, baselines, fx_encoder, generator, processor

LOOKS = 20
"""How often each network is validated while it learns, where nothing else is asked for."""


@dataclass(frozen=True)
class SmallRecipe:
    """Everything that decides what `megami train small` makes."""

    corpus: CorpusConfig = field(default_factory=CorpusConfig)
    fx_encoder: LoopConfig = fx_encoder.LOOP
    content_encoder: LoopConfig = adaptation.CONTENT_LOOP
    adaptor: LoopConfig = adaptation.ADAPTOR_LOOP
    generator_true_dry: LoopConfig = generator.LOOP
    generator: LoopConfig = generator.LOOP
    generator_regression: LoopConfig = baselines.REGRESSION_LOOP
    generator_per_track: LoopConfig = baselines.PER_TRACK_LOOP
    processor_structured: LoopConfig = processor.STRUCTURED_LOOP
    processor_tcn: LoopConfig = processor.TCN_LOOP
    preset: Preset = field(default_factory=lambda: preset("small"))

    def __post_init__(self) -> None:
        # The features are for the encoders that are trained on them, and that will listen when songs are mixed.
        heard = self.corpus.heard_by(self.preset.fx_encoder, self.preset.content)
        object.__setattr__(self, "corpus", heard)

    @property
    def loops(self) -> dict[str, LoopConfig]:
        """How each network learns, by its name."""
        own = {item.name: getattr(self, item.name) for item in fields(self)}
        return {name: value for name, value in own.items() if isinstance(value, LoopConfig)}

    @property
    def validates(self) -> bool:
        """Whether any network is validated while it learns."""
        return any(loop.validate_every for loop in self.loops.values())

    def with_seed(self, seed: int) -> SmallRecipe:
        """The same recipe drawn from another seed: songs, engineers, initial weights and batches."""
        loops: dict[str, Any] = {name: replace(loop, seed=seed) for name, loop in self.loops.items()}
        return replace(self, corpus=replace(self.corpus, seed=seed), **loops)

    def with_validation(self, every: int = 0) -> SmallRecipe:
        """The same recipe, which validates every so many steps (0: 20 times in all) and keeps the best of each network.

        The result has seen the validation songs: they chose it. What is measured is measured on the test songs.
        """
        loops: dict[str, Any] = {
            name: replace(loop, validate_every=every or max(1, loop.steps // LOOKS))
            for name, loop in self.loops.items()
        }
        return replace(self, **loops)


@dataclass(frozen=True)
class Workplace:
    """Where a training run keeps its files and on what it runs."""

    folder: Path
    device: str = "cpu"  # or "cuda", or "cuda:1"
    devices: int = 1
    workers: int | None = None

    @property
    def cache(self) -> Path:
        """Songs, features, views and crops."""
        return self.folder / "cache"

    @property
    def weights(self) -> Path:
        """Finished networks, in the form that `Mixer.from_pretrained(folder)` reads."""
        return self.folder / "weights"
