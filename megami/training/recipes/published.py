"""The published recipes: adaptor, effect processor and generator as MEGAMI trains them, and what a batch of each is.

All learn by AdamW at a constant rate of 1e-4, eight items to a batch, with gradients clipped to norm 1. The effect
encoder, FxEncoder++, is published and stays frozen: it makes the embeddings, and judges the processor.

What is kept of each network is its running average, BatchNorm's statistics included. (Published inference takes the
average of the generator alone: its averages lack these statistics.) Source: MEGAMI and its released configuration.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from megami.adaptation import DomainAdaptor, adaptor_loss
from megami.audio import normalise_level
from megami.embeddings import EmbeddingConfig
from megami.generator import Denoiser
from megami.processor import FilmTCN, FxNorm, processor_loss_paper
from megami.processor.losses import embedding_loss
from megami.training.loop import DrawBatch, LoopConfig
from megami.training.recipes.generator import GeneratorTask

BATCH = 8
TARGET_DB = -16.0
CONDITION_DROPOUT = 0.2

COMMON = LoopConfig(
    steps=100_000,
    learning_rate=1e-4,
    betas=(0.9, 0.999),
    weight_decay=0.01,
    warmup_steps=0,
    final_fraction=1.0,  # constant
    clip_norm=1.0,
    save_every=1000,
    log_every=25,
    events=True,
)
# The averaging rate is told by items (steps times the batch) in the published code: ramps of 1000 and 10 000 items.
# Steps: of the adaptor's published run by the name of its file; the others have no published length, these are ours.
ADAPTOR_LOOP = replace(COMMON, steps=100_000, ema_rate=0.999, ema_ramp_steps=1000 / BATCH)
PROCESSOR_LOOP = replace(COMMON, steps=200_000, ema_rate=0.999, ema_ramp_steps=1000 / BATCH)
GENERATOR_LOOP = replace(COMMON, steps=400_000, ema_rate=0.9999, ema_ramp_steps=10_000 / BATCH)

Network = TypeVar("Network", bound=nn.Module)


class Frozen:
    """A network that others learn by and that does not learn: no part of what is trained, averaged and stored.

    It follows the batch to its device, and always computes in whole precision, as spectra and levels need.
    """

    def __init__(self, network: nn.Module) -> None:
        self.network: Any = network.eval().requires_grad_(False)

    def to(self, device: torch.device) -> Any:
        """Give the network on a device."""
        self.network = self.network.to(device)
        return self.network


class PublishedAdaptorTask(nn.Module):
    """One minus the cosine between the adapted content of the wet track and the content of its dry source."""

    def __init__(self, adaptor: DomainAdaptor) -> None:
        super().__init__()
        self.adaptor = adaptor

    def forward(self, batch: dict[str, Tensor], generator: torch.Generator | None = None) -> dict[str, Tensor]:
        return {"loss": adaptor_loss(self.adaptor(batch["wet_content"]), batch["dry_content"])}


class PublishedProcessorTask(nn.Module):
    """The published loss of the effect processor: spectra of mid and side, of left and right, and effects as heard.

    The input is normalised by FxNorm (colour and level, -16 dB in the loudest 400 ms), the target to -16 dB in each
    channel, for level and balance are in z and are set afterwards. Not as published: FxNorm divides each item by its
    own peak and not the batch by its common one, so that items do not depend on each other.

    Content is that of the input after FxNorm. A batch has it where features were heard through the same FxNorm, as at
    the published size; with a `content_encoder` it is heard here.
    """

    def __init__(
        self, processor: FilmTCN, fxnorm: FxNorm, encoder: nn.Module, content_encoder: nn.Module | None = None
    ) -> None:
        super().__init__()
        self.processor = processor
        self.fxnorm, self.encoder = Frozen(fxnorm), Frozen(encoder)
        self.content_encoder = None if content_encoder is None else Frozen(content_encoder)

    def forward(self, batch: dict[str, Tensor], generator: torch.Generator | None = None) -> dict[str, Tensor]:
        device = batch["z"].device
        with torch.autocast(device.type, enabled=False), torch.no_grad():
            dry = self.fxnorm.to(device)(batch["dry"])
            target = normalise_level(batch["wet"], TARGET_DB, gate=True)
            hears = self.content_encoder
            content = batch["content"] if hears is None else hears.to(device).learned(dry)
        predicted = self.processor(dry, batch["z"], content)
        with torch.autocast(device.type, enabled=False):
            predicted = predicted.float()
            encoder = self.encoder.to(device)
            heard = encoder.project(encoder(predicted))
            with torch.no_grad():
                wanted = encoder.project(encoder(target))
            loss = processor_loss_paper(predicted, target, heard, wanted)
        return {"loss": loss, "embedding": embedding_loss(heard.detach(), wanted)}


def published_generator_task(denoiser: Denoiser, embedding: EmbeddingConfig, content_noise: float) -> GeneratorTask:
    """EDM loss as published: noise levels uniform on the axis of the schedule, every fifth song without its content."""
    return GeneratorTask(denoiser, embedding, content_noise, CONDITION_DROPOUT, stratified=False, focus=0.0)


@dataclass(frozen=True)
class DrawSets:
    """Wet mixes for the generator: effect embeddings, adapted content, and a mask of the tracks that are there.

    The tracks of every mix come in random order, for the numbers that the network gives them mean nothing.
    """

    batches: DrawBatch  # of "z", "content" and "mask"
    adaptor: DomainAdaptor

    def seek(self, step: int) -> None:
        """Go on with the batch of a step."""
        seek = getattr(self.batches, "seek", None)
        if seek is not None:
            seek(step)

    @torch.no_grad()
    def __call__(self, rng: np.random.Generator) -> dict[str, Tensor]:
        batch = self.batches(rng)
        mask = batch["mask"]
        place = torch.from_numpy(rng.random(mask.shape)) + ~mask  # tracks that are there stay before those that are not
        order = place.argsort(dim=1)[..., None]
        z, content = (batch[name].take_along_dim(order, dim=1) for name in ("z", "content"))
        return {"effects": z, "contents": self.adaptor.adapt_wet(content, z), "mask": mask}
