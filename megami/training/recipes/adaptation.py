"""Recipes of the content encoder (knows what is played) and of the domain adaptor (wet to dry, MEGAMI)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from megami.adaptation import ContentEncoder, DomainAdaptor, adaptor_loss, content_loss
from megami.corpus import DryTracks
from megami.embeddings import LogMel, standardise_mid_bands
from megami.training.loop import LoopConfig

CONTENT_LOOP = LoopConfig(steps=2000, learning_rate=2e-3, weight_decay=0.05, ema_rate=0.998, precision="bf16-mixed")
ADAPTOR_LOOP = LoopConfig(steps=8000, learning_rate=1e-3, weight_decay=0.02, ema_rate=0.998)
NOISE_DB = (-75.0, -35.0)  # of a noise floor, per mel, against a track whose loud bands lie near -25
BLEED_DB = (-50.0, -20.0)  # of another track in the microphone


def random_tilt_db(points: int, rng: np.random.Generator, depth_db: float = 6.0) -> np.ndarray:
    """A smooth random curve in dB over log frequency: how another microphone would have coloured the source."""
    knots = rng.uniform(-depth_db, depth_db, 4)
    return np.interp(np.linspace(0, 3, points), np.arange(4), knots).astype(np.float32)


def with_room_sound(mels: Tensor, rng: np.random.Generator) -> Tensor:
    """Add to each cut a noise floor and a little of another one, as microphones do: log-mels [b, 1, mels, frames]."""
    power = 10 ** (mels * (LogMel.SPREAD_DB / 10))
    size = (len(mels), 1, 1, 1)
    bleed = 10 ** (torch.from_numpy(rng.uniform(*BLEED_DB, size)).float() / 10) * power[rng.permutation(len(mels))]
    noise = 10 ** ((torch.from_numpy(rng.uniform(*NOISE_DB, size)).float() - LogMel.CENTRE_DB) / 10)
    heard = torch.from_numpy(rng.random(size) < 0.5).float()
    return torch.log10(power + heard * (bleed + noise)) * (10 / LogMel.SPREAD_DB)


@dataclass(frozen=True)
class DrawTracks:
    """Random cuts of dry tracks, recoloured a little and in a little noise, so that recordings are not strangers."""

    tracks: DryTracks
    size: int = 64
    frames: tuple[int, int] = (128, 256)  # 3 to 6 s

    def __call__(self, rng: np.random.Generator) -> dict[str, Tensor]:
        index = torch.from_numpy(rng.integers(len(self.tracks.mels), size=self.size))
        total = self.tracks.mels.shape[-1]
        length = int(rng.integers(min(self.frames[0], total), min(self.frames[1], total) + 1))
        start = int(rng.integers(total - length + 1))
        mels = self.tracks.mels[index, ..., start : start + length].float()
        mid_db = self.tracks.mid_db[index]
        tilt = np.stack([random_tilt_db(240, rng) for _ in range(self.size)])
        mel_tilt = F.interpolate(torch.from_numpy(tilt)[:, None], mels.shape[-2], mode="linear", align_corners=True)
        band_tilt = F.interpolate(torch.from_numpy(tilt)[:, None], mid_db.shape[-1], mode="linear", align_corners=True)
        return {
            "mels": with_room_sound(mels + mel_tilt[..., None] / LogMel.SPREAD_DB, rng),
            "spectrum": standardise_mid_bands(mid_db + band_tilt[:, 0]),
            "instrument": self.tracks.instrument[index],
            "role": self.tracks.role[index],
        }


class ContentTask(nn.Module):
    """Instrument, role and spectrum of the dry source, read from the content embedding."""

    def __init__(self, encoder: ContentEncoder) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, batch: dict[str, Tensor], generator: torch.Generator) -> dict[str, Tensor]:
        outputs = self.encoder.heads(self.encoder.encode(batch["mels"]))
        loss = content_loss(outputs, batch)
        accuracy = (outputs["instrument"].argmax(1) == batch["instrument"]).float().mean()
        return {"loss": loss, "instrument_accuracy": accuracy.detach()}


@dataclass(frozen=True)
class DrawPairs:
    """Pairs of content embeddings of the same track, wet and dry, and what was done to it: [pairs, dim], unit norm."""

    wet: Tensor
    dry: Tensor
    effects: Tensor
    size: int = 256

    def __call__(self, rng: np.random.Generator) -> dict[str, Tensor]:
        index = torch.from_numpy(rng.integers(len(self.wet), size=self.size))
        return {"wet": self.wet[index], "dry": self.dry[index], "effects": self.effects[index]}


class AdaptorTask(nn.Module):
    """1 - cosine between the adapted wet embedding and the dry one; dry ones are to stay where they are.

    An adaptor that takes effect embeddings is told nothing of dry tracks, and of `untold` of the wet ones.
    """

    def __init__(self, adaptor: DomainAdaptor, dry_share: float = 0.2, untold: float = 0.2) -> None:
        super().__init__()
        self.adaptor, self.dry_share, self.untold = adaptor, dry_share, untold

    def randomise(self, batch: dict[str, Tensor], generator: torch.Generator) -> dict[str, Tensor]:
        """Draw of which tracks the effects are not told."""
        told = torch.rand(len(batch["wet"]), 1, generator=generator) >= self.untold
        return {**batch, "effects": batch["effects"] * told.to(batch["effects"])}

    def forward(self, batch: dict[str, Tensor], generator: torch.Generator | None = None) -> dict[str, Tensor]:
        if generator is not None:
            batch = self.randomise(batch, generator)
        wet_loss = adaptor_loss(self.adaptor.adapt_wet(batch["wet"], batch["effects"]), batch["dry"])
        dry_loss = adaptor_loss(self.adaptor(batch["dry"]), batch["dry"])
        loss = (1 - self.dry_share) * wet_loss + self.dry_share * dry_loss
        return {"loss": loss, "wet": wet_loss.detach(), "dry": dry_loss.detach()}
