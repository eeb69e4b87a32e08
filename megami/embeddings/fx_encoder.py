"""The effect encoder: hears what was done to a track, whatever is played (in the place of FxEncoder++)."""

from __future__ import annotations

import math
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
    # Whether it looks at cepstra and slopes too: log-mels alone tell it little of an echo's time and of decay.
    echoes: bool = False


SLOPE_FRAMES = (3, 10)
"""Level is compared over so many frames, 70 and 230 ms: short decays and long ones."""
SLOPE_BINS = 9
STEEPEST, RISING = -1.4, 0.2  # of standardised log-mels: -28 dB to +4 dB
MELS_TOGETHER = 4


def decay_slopes(mels: Tensor) -> Tensor:
    """How often bands fall how fast: [b, 4, mels, frames] -> [b, features], shares of frames over bins of slope.

    In a room nothing falls faster than its reverberation does, so the distribution of slopes tells the decay, whatever
    is played (Wen, Habets and Naylor 2008). Fewer frames than the longest comparison count as level.
    """
    bands = mels.unflatten(2, (-1, MELS_TOGETHER)).mean(3)
    missing = max(SLOPE_FRAMES) + 1 - bands.shape[-1]
    if missing > 0:
        bands = torch.cat([bands[..., :1].expand(-1, -1, -1, missing), bands], dim=-1)
    centres = torch.linspace(STEEPEST, RISING, SLOPE_BINS, device=mels.device)
    width = (RISING - STEEPEST) / (SLOPE_BINS - 1)
    shares = []
    for frames in SLOPE_FRAMES:
        slope = (bands[..., frames:] - bands[..., :-frames]).clamp(STEEPEST, RISING)
        shares.append(torch.relu(1 - ((slope[..., None] - centres) / width).abs()).mean(-2))
    return torch.stack(shares, dim=-1).flatten(1)


class EchoCode(nn.Module):
    """At which lag a peak of the cepstrum stands out: cepstra [b, 2, LAGS, windows] -> [b, dim].

    Several heads choose a lag each (softmax over the lags) and say it in waves of its logarithm, as numbers are said in
    `megami.embeddings.dynamics`: lags that were never met lie between those that were. A head that finds no peak above
    its floor says nothing.
    """

    HEADS, WAVES, CHANNELS = 4, 12, 16
    CYCLES = (0.5, 24.0)  # over the range of lags: from coarse to a few ms

    waves: Tensor

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.weigh = nn.Sequential(
            nn.Conv1d(2, self.CHANNELS, 9, padding=4),
            nn.SiLU(),
            nn.Conv1d(self.CHANNELS, self.HEADS, 5, padding=2),
        )
        self.focus = nn.Parameter(torch.full((self.HEADS, 1), 2.0))
        self.floor = nn.Parameter(torch.full((self.HEADS,), 3.0))
        self.out = nn.Linear(self.HEADS * (2 * self.WAVES + 1), dim)
        low, high = (math.log10(count) for count in self.CYCLES)
        cycles = torch.logspace(low, high, self.WAVES)
        phases = 2 * math.pi * cycles[:, None] * torch.linspace(0, 1, LAGS)
        self.register_buffer("waves", torch.cat([phases.cos(), phases.sin()]), persistent=False)
        with torch.no_grad():
            self.out.weight.mul_(2)  # beside a vector of unit variance

    def forward(self, cepstra: Tensor) -> Tensor:
        peaks = torch.asinh(cepstra.mean(-1))  # those of strong echoes are tens of times the noise
        likely = self.weigh(peaks) + self.focus * peaks.mean(dim=1, keepdim=True)
        found = torch.sigmoid(torch.logsumexp(likely, dim=-1) - math.log(LAGS) - self.floor)
        code = likely.softmax(dim=-1) @ self.waves.T * found[..., None]
        return self.out(torch.cat([code.flatten(1), found], dim=1))


class SpaceBranch(nn.Module):
    """What echo and decay add to the effect vector: cepstra [b, 2, LAGS, windows], mels -> [b, dim]."""

    def __init__(self, dim: int, mels: int, hidden: int = 96) -> None:
        super().__init__()
        self.echo = EchoCode(dim)
        slopes = 4 * (mels // MELS_TOGETHER) * SLOPE_BINS * len(SLOPE_FRAMES)
        layers = [nn.Dropout(0.3), nn.Linear(slopes, hidden), nn.SiLU(), nn.Linear(hidden, dim)]
        self.decay = nn.Sequential(nn.BatchNorm1d(slopes), *layers)

    def forward(self, cepstra: Tensor, mels: Tensor) -> Tensor:
        return self.echo(cepstra) + self.decay(decay_slopes(mels))


class FxEncoder(nn.Module):
    """Stereo audio [b, 2, n] to effect vectors [b, dim]; any length, any level, differentiable, finite for silence.

    Absolute level is taken out of the input (the dynamics code carries it); balance between channels is kept.
    """

    def __init__(self, config: FxEncoderConfig = FxEncoderConfig()) -> None:
        super().__init__()
        self.config = config
        self.log_mel = LogMel(config.sample_rate, config.n_fft, config.hop, config.mels, mid_side=True)
        self.backbone = MelCNN(4, config.mels, config.dim, config.width, config.hidden)
        self.space = SpaceBranch(config.dim, config.mels) if config.echoes else None
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
        if self.space is None:
            return vector
        if cepstra is None:
            raise ValueError("this effect encoder listens for echoes: it needs cepstra beside the log-mels")
        # Both count alike from the first step on, however long the vector of the log-mels has become.
        return F.normalize(vector, dim=-1) * self.config.dim**0.5 + self.space(cepstra, mels)

    def project(self, vector: Tensor) -> Tensor:
        """Unit vector in which cosine means likeness of effects: [b, dim] -> [b, projection_dim]."""
        return F.normalize(self.projection(vector), dim=-1)

    def forward(self, audio: Tensor) -> Tensor:
        return self.encode(self.features(audio), None if self.space is None else self.cepstra(audio))


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
