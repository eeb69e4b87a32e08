"""Recipes of what MEGAMI is measured against: the same network without noise, and without ears for other tracks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from megami.adaptation import add_content_noise, content_tokens
from megami.embeddings import EmbeddingConfig, to_tokens
from megami.generator import Denoiser
from megami.generator.edm import present_tracks, wide_mask
from megami.training.loop import DrawBatch, LoopConfig

REGRESSION_LOOP = LoopConfig(
    steps=10_000, learning_rate=1e-3, weight_decay=0.05, warmup_steps=500, ema_rate=0.9995, save_every=1000
)
PER_TRACK_LOOP = LoopConfig(
    steps=12_000, learning_rate=1e-3, weight_decay=0.05, warmup_steps=500, ema_rate=0.9995, save_every=1000
)


class RegressionTask(nn.Module):
    """Squared error of one answer to the content of all tracks: `denoiser` sees no noisy embedding, only zeros.

    The best such answer is the mean of all mixes of a song, which need not be like any of them.
    """

    def __init__(self, denoiser: Denoiser, embedding: EmbeddingConfig, content_noise: float | Tensor) -> None:
        super().__init__()
        self.denoiser, self.embedding, self.content_noise = denoiser, embedding, content_noise

    def randomise(self, batch: dict[str, Tensor], generator: torch.Generator) -> dict[str, Tensor]:
        """Draw the noise of the content."""
        return {**batch, "contents": add_content_noise(batch["contents"], self.content_noise, generator)}

    def forward(self, batch: dict[str, Tensor], generator: torch.Generator | None = None) -> dict[str, Tensor]:
        if generator is not None:
            batch = self.randomise(batch, generator)
        clean, cond = to_tokens(self.embedding, batch["effects"]), content_tokens(batch["contents"])
        mask = present_tracks(clean, batch["mask"])
        answer = self.denoiser(torch.zeros_like(clean), self.denoiser.config.sigma_max, cond, mask)
        error = (answer - clean).square() * wide_mask(mask) / self.denoiser.config.sigma_data**2
        return {"loss": error.mean() * mask.numel() / mask.sum().clamp_min(1)}


@dataclass(frozen=True)
class DrawLoneTracks:
    """The tracks of a batch of mixes, each as a song of its own."""

    mixes: DrawBatch

    def __call__(self, rng: np.random.Generator) -> dict[str, Tensor]:
        batch = self.mixes(rng)
        present = batch["mask"]
        alone = {key: batch[key][present][:, None] for key in ("effects", "contents")}
        return {**alone, "mask": torch.ones(len(alone["effects"]), 1, dtype=torch.bool)}
