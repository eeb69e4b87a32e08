"""Features of no recording, in the shapes that training takes: made from a seed, for tests of the published recipes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch.nn import functional as F

from megami.training import PaperData, PaperRecipe
from megami.training.recipes import published

SAMPLES = 4096


def tiny_recipe(**options) -> PaperRecipe:
    """The recipe at tiny size, which validates on two batches where it validates."""
    names = ("adaptor", "processor", "generator")
    loops = {name: replace(getattr(published, f"{name.upper()}_LOOP"), validate_batches=2) for name in names}
    return PaperRecipe(**{"size": "tiny", **loops, **options})


class MadeItems:
    """So many items of one kind, the same whenever they are asked for."""

    def __init__(self, kind: str, count: int, size: str = "tiny", samples: int = SAMPLES) -> None:
        self.kind, self.count, self.samples = kind, count, samples
        self.preset = PaperRecipe(size=size).preset

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        generator = torch.Generator().manual_seed(index)

        def unit(*shape: int) -> torch.Tensor:
            return F.normalize(torch.randn(shape, generator=generator), dim=-1)

        content, z = self.preset.adaptor.dim, self.preset.embedding.dim
        if self.kind == "pairs":
            dry = unit(content)
            return {"wet_content": F.normalize(dry + 0.5 * unit(content), dim=-1), "dry_content": dry}
        if self.kind == "mixes":
            tracks = 1 + index % 5  # of different lengths, so that batches are padded
            instrument = torch.zeros(tracks, dtype=torch.long)
            return {"z": unit(tracks, z), "content": unit(tracks, content), "instrument": instrument}
        dry = 0.1 * torch.randn(1, self.samples, generator=generator)
        gains = 0.1 + torch.rand(2, 1, generator=generator)
        return {"dry": dry, "wet": gains * dry, "z": unit(z), "content": unit(self.preset.tcn.content_dim)}


def made_data(count: int = 24, validation: bool = True) -> PaperData:
    """Features of every kind for training, in two collections each, and some for validation."""
    kinds = ("pairs", "crops", "mixes")
    train = {kind: (MadeItems(kind, count), MadeItems(kind, 3)) for kind in kinds}
    return PaperData(train, {kind: (MadeItems(kind, 4),) for kind in kinds} if validation else {})


def made_song(seconds: float = 1.0, tracks: int = 2) -> np.ndarray:
    """Dry tracks of noise [tracks, 1, samples]."""
    noise = np.random.default_rng(0).standard_normal((tracks, 1, round(seconds * 44100)), dtype=np.float32)
    return 0.1 * noise
