"""Recipe of the effect encoder: views that share a chain attract, all others repel (MEGAMI, effect encoder)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from megami.corpus import Views
from megami.embeddings import MIRROR, FxEncoder, contrastive_loss
from megami.training.loop import LoopConfig

LOOP = LoopConfig(steps=10_000, learning_rate=2e-3, weight_decay=0.05, ema_rate=0.998, precision="bf16-mixed")


@dataclass(frozen=True)
class DrawViews:
    """Draw `chains` chains with two views each, cut to a random common length; every second chain is heard mirrored.

    Left and right exchanged, a chain is another chain, so there are twice as many to tell apart.
    """

    views: Views
    chains: int = 32
    shortest_frames: int = 64  # 1.5 s, the processor's crop

    def __call__(self, rng: np.random.Generator) -> dict[str, Tensor]:
        count, views, *_, frames = self.views.mels.shape
        chains = torch.from_numpy(rng.choice(count, min(self.chains, count), replace=False))
        pair = torch.from_numpy(np.stack([rng.choice(views, 2, replace=False) for _ in chains]))
        length = int(rng.integers(min(self.shortest_frames, frames), frames + 1))
        start = int(rng.integers(frames - length + 1))
        mels = self.views.mels[chains[:, None], pair][..., start : start + length]
        turned = torch.from_numpy(rng.random(len(mels)) < 0.5)
        mels[turned] = mels[turned][:, :, MIRROR]
        return {"mels": mels.float()}


class FxEncoderTask(nn.Module):
    """Contrastive training of the encoder and its projection head."""

    def __init__(self, encoder: FxEncoder, temperature: float = 0.1) -> None:
        super().__init__()
        self.encoder, self.temperature = encoder, temperature
        # Chains are compared with all others of the batch: how to get those that another device has heard.
        self.gather: Callable[[Tensor], Tensor] = lambda own: own

    def forward(self, batch: dict[str, Tensor], generator: torch.Generator) -> dict[str, Tensor]:
        mels = batch["mels"]  # [chains, 2, 4, mels, frames]
        projections = self.encoder.project(self.encoder.encode(mels.flatten(0, 1))).unflatten(0, mels.shape[:2])
        # Cosines that are divided by the temperature need all their digits.
        with torch.autocast(mels.device.type, enabled=False):
            projections = self.gather(projections.float())
            loss = contrastive_loss(projections, self.temperature)
        with torch.no_grad():
            likeness = projections[:, 0] @ projections[:, 1].T
            top1 = (likeness.argmax(1) == torch.arange(len(likeness), device=likeness.device)).float().mean()
        return {"loss": loss, "top1": top1}
