"""Who listens to real recordings: the networks that turn audio into effect embeddings and content, at either size.

    size      effect embedding z                             content of a track        content for the processor
    paper     FxEncoder++ (2048) and dynamics (64)           CLAP, mono at -25 dB      CLAP, of the input after FxNorm
    small     the preset's encoder, spectrum and dynamics    MusiCNN and measurements  MusiCNN alone

The networks are frozen and come as arguments; `megami.published.listeners` loads them by the name of a size. Chapter
"Growing up".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor, nn

from megami.adaptation import ContentEncoder, EarEncoder
from megami.adaptation.clap import ClapEncoder
from megami.audio import SAMPLE_RATE, normalise_level, resample
from megami.corpus.datasets import fingerprint
from megami.device import resolve_device
from megami.embeddings import EffectEmbedder, EmbeddingConfig
from megami.presets import load_network, preset_folder, read_preset
from megami.processor import FxNorm

SIZES = ("small", "paper")


@dataclass(frozen=True, eq=False)
class Listeners:
    """Frozen networks that hear tracks, all on one device.

    content_level_db: level at which the content encoder hears mono audio; None leaves it as it comes. fxnorm: what the
    processor's input passes through before its content is heard, where there is one. tells_effects: whether an adaptor
    at this size is told effect embeddings, so that pairs keep them. random_window: whether CLAP hears 10 s chosen by
    the item's seed, as published, or the loudest 10 s. most_tracks: heard at once, which bounds the memory.
    """

    size: str
    embedding: EmbeddingConfig
    fx_encoder: nn.Module
    content_encoder: ContentEncoder | EarEncoder | ClapEncoder
    content_level_db: float | None = None
    fxnorm: FxNorm | None = None
    tells_effects: bool = False
    random_window: bool = True
    most_tracks: int = 16

    @property
    def device(self) -> torch.device:
        """Where the networks are."""
        tensors = [*self.content_encoder.parameters(), *self.content_encoder.buffers()]
        return tensors[0].device

    def to(self, device: str | torch.device) -> Listeners:
        """The same networks, moved to a device ("auto", "cpu", "cuda") in eval mode."""
        place = resolve_device(device)
        for network in (self.fx_encoder, self.content_encoder, self.fxnorm):
            if network is not None:
                network.to(place).eval().requires_grad_(False)
        return replace(self)

    @torch.no_grad()
    def effects(self, wet: Tensor) -> Tensor:
        """Effect embeddings of wet stereo tracks at their level in the mix: [b, 2, n] -> [b, dim] on the CPU."""
        embed = EffectEmbedder(self.embedding, self.fx_encoder)
        return torch.cat([embed(lot.to(self.device)).float().cpu() for lot in wet.split(self.most_tracks)])

    @torch.no_grad()
    def content(self, audio: Tensor, seeds: Sequence[int]) -> Tensor:
        """Content embeddings of tracks, of unit norm and not adapted: [b, c, n] -> [b, content_dim] on the CPU.

        The channels are averaged. seeds: one for each track, by which a window of it is chosen.
        """
        mono = audio.mean(dim=1, keepdim=True)
        if self.content_level_db is not None:
            mono = normalise_level(mono, self.content_level_db)
        return self._by_lots(mono, seeds, learned=False)

    @torch.no_grad()
    def processor_content(self, dry: Tensor, seeds: Sequence[int]) -> Tensor:
        """What a processor is told of its dry input [b, 1, n]: the network's own answer, [b, dim] on the CPU.

        Through FxNorm first where there is one, each track by itself; published training divides a batch of eight by
        its one maximum there, which made the content of a track depend on its neighbours.
        """
        if self.fxnorm is not None:
            dry = torch.cat([self.fxnorm(lot.to(self.device)).cpu() for lot in dry.split(self.most_tracks)])
        return self._by_lots(dry, seeds, learned=True)

    def _by_lots(self, mono: Tensor, seeds: Sequence[int], learned: bool) -> Tensor:
        lots = zip(mono.split(self.most_tracks), _split(seeds, self.most_tracks), strict=True)
        return torch.cat([self._hear(lot.to(self.device), some, learned).float().cpu() for lot, some in lots])

    def _hear(self, mono: Tensor, seeds: Sequence[int], learned: bool) -> Tensor:
        encoder = self.content_encoder
        if isinstance(encoder, ClapEncoder):
            if not self.random_window:
                return encoder(mono)
            heard = resample(mono[:, 0], SAMPLE_RATE, encoder.config.sample_rate)
            windows = [encoder.clip(track[None], _generator(seed)) for track, seed in zip(heard, seeds, strict=True)]
            return encoder.encode(torch.cat(windows))
        return encoder.learned(mono) if learned else encoder(mono)

    def mark(self) -> dict[str, str]:
        """Who listens, for the key of a cache: hashes of the weights, and settings."""
        networks = {"fx_encoder": self.fx_encoder, "content_encoder": self.content_encoder, "fxnorm": self.fxnorm}
        marks = {name: fingerprint(network) for name, network in networks.items() if network is not None}
        window = {"window": "random" if self.random_window else "loudest"}
        is_clap = isinstance(self.content_encoder, ClapEncoder)
        return {"size": self.size, **marks, **(window if is_clap else {}), "device": self.device.type}

    def modules(self) -> tuple[str, ...]:
        """Modules of this package that the networks are made of."""
        networks = (self.fx_encoder, self.content_encoder, self.fxnorm)
        names = {type(network).__module__ for network in networks if network is not None}
        return tuple(sorted(name for name in names if name.split(".")[0] == "megami"))


def _split(seeds: Sequence[int], size: int) -> list[Sequence[int]]:
    return [seeds[start : start + size] for start in range(0, len(seeds), size)]


def _generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def small_listeners(folder: str | Path = "small", device: str | torch.device = "cpu") -> Listeners:
    """The networks of the small preset, or of a folder of weights like it, that hear tracks.

    Raises UserError for missing, damaged or unfitting files.
    """
    place = preset_folder(folder)
    chosen = read_preset(place)
    return Listeners(
        size="small",
        embedding=chosen.embedding,
        fx_encoder=load_network(place, "fx_encoder"),
        content_encoder=load_network(place, "content_encoder"),
        tells_effects=chosen.adaptor.effects_dim > 0,
    ).to(device)
