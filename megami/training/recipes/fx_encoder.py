"""Recipe of the effect encoder: views that share a chain attract, all others repel (MEGAMI, effect encoder)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from megami.corpus import Views
from megami.embeddings import MIRROR, FxEncoder, contrastive_loss
from megami.embeddings.cepstrum import HOP, WINDOW
from megami.processor import SpaceHead
from megami.training.loop import LoopConfig
from megami.training.recipes.space import space_loss

# Whole precision: a processor without units for bf16 takes ten times as long in half.
LOOP = LoopConfig(steps=4000, learning_rate=2e-3, weight_decay=0.05, ema_rate=0.998)


@dataclass(frozen=True)
class DrawViews:
    """Draw `chains` chains with two views each, cut to a random common length; every second chain is heard mirrored.

    Left and right exchanged, a chain is another chain, so there are twice as many to tell apart.
    """

    views: Views
    chains: int = 32
    shortest_frames: int = 64  # 1.5 s, the processor's crop
    hop: int = 1024  # samples between frames

    def __call__(self, rng: np.random.Generator) -> dict[str, Tensor]:
        count, views, *_, frames = self.views.mels.shape
        chains = torch.from_numpy(rng.choice(count, min(self.chains, count), replace=False))
        pair = torch.from_numpy(np.stack([rng.choice(views, 2, replace=False) for _ in chains]))
        length = int(rng.integers(min(self.shortest_frames, frames), frames + 1))
        start = int(rng.integers(frames - length + 1))
        mels = self.views.mels[chains[:, None], pair][..., start : start + length]
        windows = windows_within(start * self.hop, length * self.hop, self.views.cepstra.shape[-1])
        cepstra = self.views.cepstra[chains[:, None], pair][..., windows]
        turned = torch.from_numpy(rng.random(len(mels)) < 0.5)
        mels[turned] = mels[turned][:, :, MIRROR]
        cepstra[turned] = cepstra[turned].flip(2)
        return {"mels": mels.float(), "cepstra": cepstra.float(), "space": self.views.space[chains]}


def windows_within(start: int, samples: int, count: int) -> slice:
    """Which of `count` windows of cepstra lie in a cut of some samples, up to a quarter of a window beyond its ends."""
    loose = WINDOW // 4
    first = min(-(-(start - loose) // HOP), count - 1)
    last = min((start + samples - WINDOW + loose) // HOP, count - 1)
    return slice(max(0, first), max(0, first, last) + 1)


class FxEncoderTask(nn.Module):
    """Contrastive training of the encoder and its projection head, and lessons in reverb and echo.

    Of two chains that differ in nothing but the time of an echo the contrastive loss sees too few to care. So a reader,
    which is thrown away, has to tell from the vector what reverb and echo a chain has.
    """

    def __init__(self, encoder: FxEncoder, temperature: float = 0.1, space_weight: float = 0.2) -> None:
        super().__init__()
        self.encoder, self.temperature, self.space_weight = encoder, temperature, space_weight
        self.reader = SpaceHead(encoder.config.dim)
        # Chains are compared with all others of the batch: how to get those that another device has heard.
        self.gather: Callable[[Tensor], Tensor] = lambda own: own

    def forward(self, batch: dict[str, Tensor], generator: torch.Generator) -> dict[str, Tensor]:
        mels = batch["mels"]  # [chains, 2, 4, mels, frames]
        vectors = self.encoder.encode(mels.flatten(0, 1), batch["cepstra"].flatten(0, 1))
        projections = self.encoder.project(vectors).unflatten(0, mels.shape[:2])
        # Cosines that are divided by the temperature need all their digits.
        with torch.autocast(mels.device.type, enabled=False):
            projections = self.gather(projections.float())
            contrastive = contrastive_loss(projections, self.temperature)
            # The length of the vector is not part of an effect embedding, and what reads it shall not hang on digits.
            unit = F.normalize(vectors.float(), dim=-1) * vectors.shape[-1] ** 0.5
            knobs = self.reader(F.dropout(unit, 0.1, self.training))
            space = space_loss(knobs, batch["space"].repeat_interleave(mels.shape[1], dim=0))
        with torch.no_grad():
            likeness = projections[:, 0] @ projections[:, 1].T
            top1 = (likeness.argmax(1) == torch.arange(len(likeness), device=likeness.device)).float().mean()
        loss = contrastive + self.space_weight * space
        return {"loss": loss, "top1": top1, "contrastive": contrastive.detach(), "space": space.detach()}
