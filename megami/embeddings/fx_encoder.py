"""The effect encoder: hears what was done to a track, whatever is played (in the place of FxEncoder++)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from megami.embeddings.cepstrum import LAGS, echo_cepstra
from megami.embeddings.mel import LogMel, normalise_for_encoder
from megami.embeddings.mel_cnn import MelCNN

MIRROR = [1, 0, 2, 3]
"""Order of the encoder's log-mels (left, right, mid, side) once left and right are exchanged."""


@dataclass(frozen=True)
class FxEncoderConfig:
    """Sizes of the small effect encoder; the defaults give about 0.6 million parameters."""

    dim: int = 128  # the vector that the effect embedding is made of
    projection_dim: int = 64  # the vector that the contrastive loss and the cosine of the processor compare
    mels: int = 64
    n_fft: int = 2048
    hop: int = 1024
    width: int = 32
    hidden: int = 160
    sample_rate: int = 44100
    echoes: bool = False  # whether it looks at cepstra too, without which it knows nothing of when an echo comes


class EchoBranch(nn.Module):
    """What cepstra add to the effect vector: [b, 2, LAGS, windows] -> [b, dim]."""

    CHANNELS = 16

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.peaks = nn.Sequential(
            nn.Conv1d(2, self.CHANNELS, 5, padding=2),
            nn.SiLU(),
            nn.Conv1d(self.CHANNELS, self.CHANNELS, 5, stride=2, padding=2),
            nn.SiLU(),
        )
        size = self.CHANNELS * LAGS // 2
        self.norm = nn.BatchNorm1d(size)
        self.head = nn.Linear(size, dim)

    def forward(self, cepstra: Tensor) -> Tensor:
        # Peaks of strong echoes are tens of times the noise.
        return self.head(self.norm(self.peaks(torch.asinh(cepstra.mean(-1))).flatten(1)))


class FxEncoder(nn.Module):
    """Stereo audio [b, 2, n] to effect vectors [b, dim]; any length, any level, differentiable, finite for silence.

    Absolute level is taken out of the input (the dynamics code carries it); balance between channels is kept.
    """

    def __init__(self, config: FxEncoderConfig = FxEncoderConfig()) -> None:
        super().__init__()
        self.config = config
        self.log_mel = LogMel(config.sample_rate, config.n_fft, config.hop, config.mels, mid_side=True)
        self.backbone = MelCNN(4, config.mels, config.dim, config.width, config.hidden)
        self.echo = EchoBranch(config.dim) if config.echoes else None
        self.projection = nn.Sequential(
            nn.Linear(config.dim, config.dim), nn.ReLU(), nn.Linear(config.dim, config.projection_dim)
        )

    def features(self, audio: Tensor) -> Tensor:
        """Log-mels of left, right, mid and side: [b, 2, n] -> [b, 4, mels, frames] (cacheable; no weights)."""
        return self.log_mel(normalise_for_encoder(audio))

    def cepstra(self, audio: Tensor) -> Tensor:
        """Cepstra of left and right: [b, 2, n] -> [b, 2, lags, windows] (cacheable; no weights)."""
        return echo_cepstra(audio)

    def encode(self, mels: Tensor, cepstra: Tensor | None = None) -> Tensor:
        """The effect vector: [b, 4, mels, frames], cepstra [b, 2, lags, windows] -> [b, dim].

        Only an encoder with `echoes` looks at the cepstra; it raises ValueError without them.
        """
        vector = self.backbone(mels)
        if self.echo is None:
            return vector
        if cepstra is None:
            raise ValueError("this effect encoder listens for echoes: it needs cepstra beside the log-mels")
        return vector + self.echo(cepstra)

    def project(self, vector: Tensor) -> Tensor:
        """Unit vector in which cosine means likeness of effects: [b, dim] -> [b, projection_dim]."""
        return F.normalize(self.projection(vector), dim=-1)

    def forward(self, audio: Tensor) -> Tensor:
        return self.encode(self.features(audio), None if self.echo is None else self.cepstra(audio))


def contrastive_loss(projections: Tensor, temperature: float = 0.1) -> Tensor:
    """Pull together views that share an effect chain and push the others apart (InfoNCE, normalised temperature).

    projections [chains, views >= 2, d] of unit norm -> scalar. Each view is compared with all others; with more than
    two views the positives of an anchor are averaged outside the logarithm (SupCon, Khosla et al. 2020, eq. 2).
    """
    chains, views, dim = projections.shape
    flat = projections.reshape(chains * views, dim)
    own = torch.eye(len(flat), dtype=torch.bool, device=flat.device)
    log_share = (flat @ flat.T / temperature).masked_fill(own, float("-inf")).log_softmax(dim=1)
    chain = torch.arange(chains, device=flat.device).repeat_interleave(views)
    positive = (chain[:, None] == chain[None, :]) & ~own
    return -log_share[positive].mean()
