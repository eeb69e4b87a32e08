"""Recipe of the effect processor: render a dry crop with the effects that an embedding describes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from megami.corpus import Crops
from megami.embeddings import FxEncoder
from megami.processor import (
    StructuredProcessor,
    decay_errors_db,
    match_level_per_channel,
    small_spectral_loss,
)
from megami.training.loop import LoopConfig
from megami.training.recipes.space import space_loss

# Echoes and rooms are there after half as many steps; the compressor's gain moves more and more, and not enough yet.
STRUCTURED_LOOP = LoopConfig(steps=7000, learning_rate=3e-3, weight_decay=1e-2, ema_rate=0.998)
TCN_LOOP = LoopConfig(steps=500, learning_rate=3e-3, weight_decay=1e-2, ema_rate=0.998)


@dataclass(frozen=True)
class DrawCrops:
    """Draw a batch of crops; every so often one long crop in the place of several short ones.

    With `heard`, embeddings of chains and what reverb and echo these have (z [n, dim], space [n, SPACE]), so many of
    them besides: the knobs of reverb and echo need more examples than there are crops, and no audio.
    """

    crops: Crops
    size: int = 4
    long_crops: Crops | None = None
    long_share: float = 0.4
    heard: tuple[Tensor, Tensor] | None = None
    examples: int = 64

    def __call__(self, rng: np.random.Generator) -> dict[str, Tensor]:
        if self.long_crops is not None and rng.random() < self.long_share:
            batch = self.long_crops.take(rng.integers(len(self.long_crops), size=1))
        else:
            batch = self.crops.take(rng.integers(len(self.crops), size=self.size))
        if self.heard is None:
            return batch
        items = len(batch["z"])  # in equal numbers to each, so that a batch can be shared out
        chosen = torch.from_numpy(rng.integers(len(self.heard[0]), size=(items, self.examples // items)))
        return {**batch, "heard_z": self.heard[0][chosen], "heard_space": self.heard[1][chosen]}


class ProcessorTask(nn.Module):
    """Spectral loss on L, R, M, S after matching each channel's level, plus what a spectral loss hardly hears.

    That is the cosine of the projected effect embeddings; the energy decay of crops that fall silent, in units of 20
    dB; and, for a processor with knobs of reverb and echo, their distance from those of the chain. The encoder that
    listens is frozen: it judges, it does not learn.
    """

    def __init__(
        self,
        processor: nn.Module,
        encoder: FxEncoder,
        embedding_weight: float = 0.3,
        decay_weight: float = 0.3,
        space_weight: float = 0.03,
    ) -> None:
        super().__init__()
        self.processor, self.embedding_weight = processor, embedding_weight
        self.decay_weight, self.space_weight = decay_weight, space_weight
        self.encoder = encoder.requires_grad_(False)

    def train(self, mode: bool = True) -> ProcessorTask:
        super().train(mode)
        self.encoder.eval()
        return self

    def forward(self, batch: dict[str, Tensor], generator: torch.Generator) -> dict[str, Tensor]:
        predicted, space = self._render(batch)
        predicted = match_level_per_channel(predicted, batch["wet"])
        losses = {
            "spectral": small_spectral_loss(predicted, batch["wet"]),
            "decay": decay_errors_db(predicted, batch["wet"], batch["dry"]).mean() / 20,
            "space": space,
        }
        weights = {"spectral": 1.0, "decay": self.decay_weight, "space": self.space_weight}
        if self.embedding_weight:
            losses["embedding"] = 1 - self._cosine(predicted, batch["wet"])
            weights["embedding"] = self.embedding_weight
        total = torch.stack([weights[name] * value for name, value in losses.items()]).sum()
        return {"loss": total, **{name: value.detach() for name, value in losses.items()}}

    def _render(self, batch: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        """The rendered batch, and how far the knobs of its reverb and echo are from the true ones (0 without such)."""
        if not isinstance(self.processor, StructuredProcessor) or not self.processor.config.echoes:
            return self.processor(batch["dry"], batch["z"], batch["content"]), batch["z"].new_zeros(())
        settings = self.processor.settings(batch["dry"], batch["z"])
        assert settings.knobs is not None  # seen to by the config
        error = space_loss(settings.knobs, batch["space"])
        if "heard_z" in batch:
            knobs = self.processor.space_knobs(batch["heard_z"].flatten(0, 1))
            error = error + space_loss(knobs, batch["heard_space"].flatten(0, 1))
        return self.processor.apply_settings(batch["dry"], settings), error

    def _cosine(self, predicted: Tensor, wet: Tensor) -> Tensor:
        with torch.no_grad():
            target = self.encoder.project(self.encoder(wet))
        return (self.encoder.project(self.encoder(predicted)) * target).sum(-1).mean()
