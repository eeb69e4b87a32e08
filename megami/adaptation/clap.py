"""The paper's content encoder: the audio half of CLAP (LAION, HTSAT-base, music checkpoint).

Only the audio tower and its projection are built, by the `laion-clap` package's own module. Importing that package as a
whole would build tokenizers and reach for the network, so its file is loaded by itself.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from megami.audio import SAMPLE_RATE, loudest_segment, resample
from megami.errors import UserError

HTSAT_CLASSES = 527  # of the classification head, which is in the checkpoint and not used here
ALIAS = "megami_laion_clap_audio"
# Without its own dependencies, of which nothing is used: they would bring numpy 1 and half a gigabyte.
MISSING = (
    "the paper preset's content encoder needs the package laion-clap and three others: 'make setup' in a clone, else "
    "pip install torchvision h5py torchlibrosa && pip install --no-deps laion-clap"
)


@dataclass(frozen=True)
class ClapConfig:
    """Sizes of CLAP's audio half; the defaults are HTSAT-base, as in the music checkpoint."""

    dim: int = 512
    embed_dim: int = 128
    depths: tuple[int, ...] = (2, 2, 12, 2)
    heads: tuple[int, ...] = (4, 8, 16, 32)
    mels: int = 64
    n_fft: int = 1024
    hop: int = 480
    lowest_hz: int = 50
    highest_hz: int = 14000
    sample_rate: int = 48000
    window_seconds: float = 10.0
    batch: int = 4  # clips heard at once, which bounds the memory

    @property
    def window(self) -> int:
        """Samples of one clip."""
        return round(self.window_seconds * self.sample_rate)


def htsat_module() -> ModuleType:
    """Load the module of CLAP's audio tower, and nothing else of the package; UserError if it is not installed."""
    found = importlib.util.find_spec("laion_clap")  # looks the place up, imports nothing
    if found is None or found.origin is None:
        raise UserError(MISSING)
    if f"{ALIAS}.htsat" not in sys.modules:
        package = ModuleType(ALIAS)
        package.__path__ = [str(Path(found.origin).parent / "clap_module")]
        sys.modules[ALIAS] = package
        try:
            module: Any = importlib.import_module(f"{ALIAS}.htsat")
        except (ImportError, RuntimeError, AttributeError, OSError) as error:  # also a torchvision for another torch
            raise UserError(f"{MISSING} ({error})") from None
        # All weights come from a file; drawing truncated normals for 70 million of them takes 15 s.
        module.trunc_normal_ = lambda tensor, **options: tensor
    return sys.modules[f"{ALIAS}.htsat"]


def build_tower(config: ClapConfig) -> nn.Module:
    """Build the audio tower (weights to be loaded). Raises UserError where laion-clap is not installed."""
    module = htsat_module()
    sizes = SimpleNamespace(
        window_size=config.n_fft,
        hop_size=config.hop,
        sample_rate=config.sample_rate,
        mel_bins=config.mels,
        fmin=config.lowest_hz,
        fmax=config.highest_hz,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of torch about that module's meshgrid
        return module.HTSAT_Swin_Transformer(
            spec_size=256,
            patch_size=4,
            patch_stride=(4, 4),
            num_classes=HTSAT_CLASSES,
            embed_dim=config.embed_dim,
            depths=list(config.depths),
            num_heads=list(config.heads),
            window_size=8,
            config=sizes,
        )


class ClapEncoder(nn.Module):
    """Audio [b, c, n] at 44.1 kHz to content embeddings [b, 512] of unit norm; any n > 0, level as it comes.

    Channels are averaged, and 10 s are heard: the loudest ones, so that the answer is always the same, or, where a
    generator is given, a random cut (what the published inference does). Shorter audio is repeated as often as it fits
    whole, then followed by silence. Source: Wu et al. 2023 (CLAP), Chen et al. 2022 (HTS-AT).
    """

    def __init__(self, config: ClapConfig = ClapConfig()) -> None:
        super().__init__()
        self.config = config
        self.tower = build_tower(config)
        width: Any = self.tower.num_features
        self.projection = nn.Sequential(nn.Linear(width, config.dim), nn.ReLU(), nn.Linear(config.dim, config.dim))

    def clip(self, audio: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Choose what is heard of mono audio [b, n] at the encoder's own rate: [b, window]."""
        window, samples = self.config.window, audio.shape[-1]
        if samples <= window:
            repeated = audio.repeat(1, window // samples)
            return F.pad(repeated, (0, window - repeated.shape[-1]))
        if generator is None:
            starts = [loudest_segment(item, window) for item in audio]
        else:
            starts = torch.randint(samples - window + 1, (len(audio),), generator=generator).tolist()
        return torch.stack([item[start : start + window] for item, start in zip(audio, starts, strict=True)])

    def encode(self, clips: Tensor) -> Tensor:
        """Unit-norm content embedding of clips [b, window] at the encoder's own rate: [b, dim]."""
        lots = clips.split(self.config.batch)
        heard = torch.cat([self.tower({"waveform": lot}, device=lot.device)["embedding"] for lot in lots])
        return F.normalize(self.projection(heard), dim=-1)

    def forward(self, audio: Tensor, generator: torch.Generator | None = None) -> Tensor:
        mono = resample(audio.mean(dim=1), SAMPLE_RATE, self.config.sample_rate)
        return self.encode(self.clip(mono, generator))
