"""Recipe of the effect processor: render a dry crop with the effects that an embedding describes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from megami.corpus import Crops
from megami.embeddings import FxEncoder
from megami.processor import match_level_per_channel, small_spectral_loss
from megami.training.loop import LoopConfig

STRUCTURED_LOOP = LoopConfig(steps=7000, learning_rate=3e-3, weight_decay=1e-2, ema_rate=0.998)
TCN_LOOP = LoopConfig(steps=500, learning_rate=3e-3, weight_decay=1e-2, ema_rate=0.998)


@dataclass(frozen=True)
class DrawCrops:
    """Draw a batch of crops; every so often one long crop in the place of several short ones."""

    crops: Crops
    size: int = 4
    long_crops: Crops | None = None
    long_share: float = 0.3

    def __call__(self, rng: np.random.Generator) -> dict[str, Tensor]:
        if self.long_crops is not None and rng.random() < self.long_share:
            return self.long_crops.take(rng.integers(len(self.long_crops), size=1))
        return self.crops.take(rng.integers(len(self.crops), size=self.size))


class ProcessorTask(nn.Module):
    """Spectral loss on L, R, M, S after matching each channel's level, plus cosine of the projected effect embeddings.

    The encoder that listens is frozen: it judges, it does not learn.
    """

    def __init__(self, processor: nn.Module, encoder: FxEncoder, embedding_weight: float = 0.3) -> None:
        super().__init__()
        self.processor, self.embedding_weight = processor, embedding_weight
        self.encoder = encoder.requires_grad_(False)

    def train(self, mode: bool = True) -> ProcessorTask:
        super().train(mode)
        self.encoder.eval()
        return self

    def forward(self, batch: dict[str, Tensor], generator: torch.Generator) -> dict[str, Tensor]:
        predicted = self.processor(batch["dry"], batch["z"], batch["content"])
        predicted = match_level_per_channel(predicted, batch["wet"])
        spectral = small_spectral_loss(predicted, batch["wet"]).mean()
        if not self.embedding_weight:
            return {"loss": spectral}
        with torch.no_grad():
            target = self.encoder.project(self.encoder(batch["wet"]))
        cosine = (self.encoder.project(self.encoder(predicted)) * target).sum(-1).mean()
        return {
            "loss": spectral + self.embedding_weight * (1 - cosine),
            "spectral": spectral.detach(),
            "cosine": cosine.detach(),
        }
