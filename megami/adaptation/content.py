"""The small content encoder: hears what is played (instrument, role, colour of the source).

It stands where the paper has CLAP: a unit vector per track, which the generator is conditioned on. A small network does
not keep how bright and how punchy its source was to within a few dB, and effects cannot be chosen without that; so the
measured spectrum and dynamics of the source can be joined to what it learned, in the codes that z uses for them.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from megami.embeddings.dynamics import NUM_FEATURES, dynamics_features, encode_dynamics
from megami.embeddings.effect_embedding import EmbeddingConfig, join_parts
from megami.embeddings.mel import LogMel, normalise_for_encoder
from megami.embeddings.mel_cnn import MelCNN
from megami.embeddings.spectrum import MID_BANDS, SIDE_BANDS, SIDE_RANGE_DB, encode_spectrum, mid_bands_db

UNKNOWN = -100
SPECTRUM_DIM = 2 * (MID_BANDS + SIDE_BANDS)  # of the code of `encode_spectrum`


@dataclass(frozen=True)
class ContentConfig:
    """Sizes of a content embedding, and of the small content encoder with the classes that its heads tell apart.

    With `by_ear` the learned part comes from MusiCNN (`EarEncoder`), and the sizes of the small network do not count.
    """

    dim: int = 128  # of the learned part
    by_ear: bool = False
    spectrum_dim: int = 0  # of the code of the source's spectrum: 64, or 0 for none
    dynamics_dim: int = 0  # of the code of the source's dynamics
    mels: int = 64
    n_fft: int = 2048
    hop: int = 1024
    width: int = 24
    hidden: int = 128
    instruments: int = 20
    roles: int = 7
    bands: int = 24
    sample_rate: int = 44100

    def __post_init__(self) -> None:
        if self.spectrum_dim not in (0, SPECTRUM_DIM) or (self.spectrum_dim == 0) != (self.dynamics_dim == 0):
            raise ValueError(f"spectrum_dim must be {SPECTRUM_DIM} and dynamics_dim above 0, or both 0")

    @property
    def measures(self) -> bool:
        """Whether the source's spectrum and dynamics are part of a content embedding."""
        return self.spectrum_dim > 0

    @property
    def parts(self) -> EmbeddingConfig:
        """Where the parts lie: laid out as those of an effect embedding are."""
        return EmbeddingConfig(self.dim, self.dynamics_dim, self.spectrum_dim)

    @property
    def total_dim(self) -> int:
        """Numbers in a content embedding, all parts together."""
        return self.parts.dim


@torch.no_grad()
def describe_source(audio: Tensor) -> Tensor:
    """Measure spectrum and dynamics of what is heard, at one level: audio [b, c, n] -> [b, 32] in raw units.

    The mono average at -25 dB, as the encoder hears it: 24 mid bands in dB, then the 8 descriptors of dynamics.
    """
    mono = normalise_for_encoder(audio.mean(dim=1, keepdim=True))
    return torch.cat([mid_bands_db(mono), dynamics_features(mono.expand(-1, 2, -1))], dim=-1)


def join_content(config: ContentConfig, learned: Tensor, source: Tensor) -> Tensor:
    """Join the learned part [..., dim] and measurements [..., 32] of `describe_source`: [..., total_dim], unit norm."""
    if not config.measures:
        return learned
    mid, dynamics = source.split([MID_BANDS, NUM_FEATURES], dim=-1)
    mono = mid.new_full((*mid.shape[:-1], SIDE_BANDS), SIDE_RANGE_DB[0])  # a source has no sides
    return join_parts(config.parts, learned, encode_dynamics(dynamics, config.dynamics_dim), encode_spectrum(mid, mono))


class ContentEncoder(nn.Module):
    """Audio [b, c, n] to content embeddings [b, total_dim] of unit norm; any length, any level, finite for silence.

    Channels are averaged. `heads` exists for training only: it makes the embedding know what is played.
    """

    def __init__(self, config: ContentConfig = ContentConfig()) -> None:
        super().__init__()
        self.config = config
        self.log_mel = LogMel(config.sample_rate, config.n_fft, config.hop, config.mels)
        self.backbone = MelCNN(1, config.mels, config.dim, config.width, config.hidden)
        self.instrument = nn.Linear(config.dim, config.instruments)
        self.role = nn.Linear(config.dim, config.roles)
        self.spectrum = nn.Linear(config.dim, config.bands)

    def features(self, audio: Tensor) -> Tensor:
        """Log-mels of the mono average at -25 dB: [b, c, n] -> [b, 1, mels, frames] (cacheable; no weights)."""
        return self.log_mel(normalise_for_encoder(audio.mean(dim=1, keepdim=True)))

    def encode(self, mels: Tensor) -> Tensor:
        """The learned part, of unit norm: [b, 1, mels, frames] -> [b, dim]."""
        return F.normalize(self.backbone(mels), dim=-1)

    def heads(self, embedding: Tensor) -> dict[str, Tensor]:
        """What the embedding says: logits `instrument` and `role`, and the standardised `spectrum` [b, bands]."""
        # On the unit sphere components are small: scaled to unit variance, so that logits can grow.
        scaled = embedding * self.config.dim**0.5
        return {
            "instrument": self.instrument(scaled),
            "role": self.role(scaled),
            "spectrum": self.spectrum(scaled),
        }

    def learned(self, audio: Tensor) -> Tensor:
        """What the network alone says of audio [b, c, n]: [b, dim] of unit norm."""
        return self.encode(self.features(audio))

    def forward(self, audio: Tensor) -> Tensor:
        learned = self.learned(audio)
        return join_content(self.config, learned, describe_source(audio)) if self.config.measures else learned


def class_loss(logits: Tensor, classes: Tensor) -> Tensor:
    """Mean cross-entropy over the items whose class is known (not -100); 0 if none is."""
    known = (classes != UNKNOWN).sum().clamp_min(1)
    return F.cross_entropy(logits, classes, ignore_index=UNKNOWN, reduction="sum") / known


def content_loss(outputs: dict[str, Tensor], targets: dict[str, Tensor], spectrum_weight: float = 1.0) -> Tensor:
    """Cross-entropy of instrument and role plus the squared error of the dry spectrum, as one scalar.

    outputs: of `ContentEncoder.heads`. targets: `instrument` [b] and `role` [b] class numbers (-100: unknown, left
    out), `spectrum` [b, bands], the mid bands of the DRY clip in standardised dB (`standardise_mid_bands`).
    """
    spectrum = F.mse_loss(outputs["spectrum"], targets["spectrum"])
    classes = class_loss(outputs["instrument"], targets["instrument"]) + class_loss(outputs["role"], targets["role"])
    return classes + spectrum_weight * spectrum
