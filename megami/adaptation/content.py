"""The small content encoder: hears what is played (instrument, role, colour of the source).

It stands where the paper has CLAP: a unit vector per track, which the generator is conditioned on.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn import functional as F

from megami.embeddings.mel import LogMel, normalise_for_encoder
from megami.embeddings.mel_cnn import MelCNN

UNKNOWN = -100


@dataclass(frozen=True)
class ContentConfig:
    """Sizes of the small content encoder and the number of classes that its training heads tell apart."""

    dim: int = 128
    mels: int = 64
    n_fft: int = 2048
    hop: int = 1024
    width: int = 24
    hidden: int = 128
    instruments: int = 20
    roles: int = 7
    bands: int = 24
    sample_rate: int = 44100


class ContentEncoder(nn.Module):
    """Audio [b, c, n] to content embeddings [b, dim] of unit norm; any length, any level, finite for silence.

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
        """Unit-norm content embedding: [b, 1, mels, frames] -> [b, dim]."""
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

    def forward(self, audio: Tensor) -> Tensor:
        return self.encode(self.features(audio))


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
