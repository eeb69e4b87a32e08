"""Dynamics as a layer: a compressor whose ballistics run in parallel over time, a small causal network, saturation."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from megami.processor.filters import dead_zone, hard_gate

DB_PER_NEPER = 20 / math.log(10)
NOTHING_DB = 0.2  # gains of the network below this are its noise
ENVELOPE_FLOOR = 1e-5  # -100 dB relative to the track's level


def decaying_hold(reduction: Tensor, decay: Tensor) -> Tensor:
    """r[n] = max(c[n], decay r[n-1]): rises at once, falls by the release.

    [b, frames] >= 0, decay [b, 1] -> [b, frames]. Computed without a loop over time: after step i every value has
    seen 2^i frames back (a scan by doubling). Giannoulis, Massberg and Reiss 2012, eq. 17 (the decoupled detector,
    first half).
    """
    held, step = reduction, 1
    while step < reduction.shape[-1]:
        earlier = F.pad(held[..., :-step], (step, 0)) * decay**step
        held, step = torch.maximum(held, earlier), 2 * step
    return held


def one_pole(signal: Tensor, pole: Tensor) -> Tensor:
    """y[n] = (1 - pole) x[n] + pole y[n-1] from rest: the second half of the decoupled detector (attack).

    [b, frames], pole [b, 1] in [0, 1) -> [b, frames]. By doubling: the sum of p^k z^-k is the product of all
    1 + (p z^-1)^(2^i).
    """
    smooth, step = (1 - pole) * signal, 1
    while step < signal.shape[-1]:
        smooth, step = smooth + F.pad(smooth[..., :-step], (step, 0)) * pole**step, 2 * step
    return smooth


def soft_knee_reduction(level_db: Tensor, threshold_db: Tensor, slope: Tensor, knee_db: float) -> Tensor:
    """Static curve: dB (>= 0) that a level is turned down; slope = 1 - 1/ratio (Giannoulis et al. 2012, eq. 4)."""
    over = level_db - threshold_db
    knee = (over + knee_db / 2).clamp(0, knee_db)
    return slope * (knee.square() / (2 * knee_db) + (over - knee_db / 2).clamp(min=0))


def pole_of(time_ms: Tensor, frame_ms: float) -> Tensor:
    """Pole of a one-pole smoother whose time constant is `time_ms`, at one value per frame."""
    return torch.exp(-frame_ms / time_ms)


@dataclass(frozen=True)
class DynamicsSettings:
    """What the dynamics layer does to each item [b, 1]; levels are relative to the level of the equalised track."""

    threshold_db: Tensor
    slope: Tensor
    attack_ms: Tensor
    release_ms: Tensor
    film: Tensor  # [b, blocks, 2, channels]
    drive: Tensor  # amplitude into tanh
    drive_mix: Tensor  # 0 dry .. 1 saturated
    amount: Tensor  # of all this: 0 none .. 1


class GainNet(nn.Module):
    """Causal dilated convolutions over the envelope, steered by FiLM, that add up to +-`limit_db` to the gain.

    [b, 2, frames] -> dB [b, frames]; what the compressor cannot say: gates, transients, upward compression.
    """

    def __init__(self, channels: int, blocks: int, kernel: int, limit_db: float) -> None:
        super().__init__()
        self.kernel, self.limit_db = kernel, limit_db
        self.input = nn.Conv1d(2, channels, 1)
        self.blocks = nn.ModuleList(
            nn.Conv1d(channels, channels, kernel, dilation=4**index, bias=False) for index in range(blocks)
        )
        self.output = nn.Conv1d(channels, 1, 1)
        nn.init.zeros_(self.output.weight)
        if self.output.bias is not None:
            nn.init.zeros_(self.output.bias)

    def forward(self, envelope: Tensor, film: Tensor) -> Tensor:
        hidden = self.input(envelope)
        for index, block in enumerate(self.blocks):
            scale, shift = film[:, index, 0, :, None], film[:, index, 1, :, None]
            update = block(F.pad(hidden, ((self.kernel - 1) * 4**index, 0)))
            hidden = hidden + F.silu(update * (1 + scale) + shift)
        return dead_zone(self.limit_db * torch.tanh(self.output(hidden)[:, 0]), NOTHING_DB)


class DynamicsLayer(nn.Module):
    """Compressor, gain network and drive, steered by the hidden vector of the processor.

    `settings`: hidden [b, h], amount [b, 1] -> DynamicsSettings. `forward`: mono [b, 1, n] of level about 1 -> same
    shape. The gain moves once per `hop` samples and is interpolated; everything works on any length at once, the past
    only. With `image` [b, c, n] it is that which is turned down, all its channels alike, by what the mono track does.
    """

    COMPRESSOR = 6  # threshold, slope, attack, release, drive, drive mix

    def __init__(
        self,
        hidden: int,
        channels: int = 24,
        blocks: int = 4,
        kernel: int = 5,
        hop: int = 64,
        knee_db: float = 6.0,
        limit_db: float = 6.0,
        sample_rate: int = 44100,
    ) -> None:
        super().__init__()
        self.hop, self.knee_db = hop, knee_db
        self.frame_ms = 1000.0 * hop / sample_rate
        self.film_shape = (blocks, 2, channels)
        self.net = GainNet(channels, blocks, kernel, limit_db)
        self.head = nn.Linear(hidden, self.COMPRESSOR + blocks * 2 * channels)
        with torch.no_grad():
            self.head.weight.mul_(0.1)
            self.head.bias.zero_()
            self.head.bias[1] = -2.0  # ratio 1.05: nearly no compression at first
            self.head.bias[4] = -3.0  # drive 0.05: tanh is nearly straight at first

    def settings(self, hidden: Tensor, amount: Tensor) -> DynamicsSettings:
        """Bring the head's numbers into ranges: threshold -36..12 dB, attack 0.5..60 ms, release 15..600 ms."""
        values = self.head(hidden)
        threshold, slope, attack, release, drive, mix = values[:, : self.COMPRESSOR].split(1, dim=-1)
        return DynamicsSettings(
            threshold_db=-12 + 24 * torch.tanh(threshold),
            slope=hard_gate(slope),
            attack_ms=torch.exp(math.log(5.5) + 2.4 * torch.tanh(attack)),
            release_ms=torch.exp(math.log(95.0) + 1.85 * torch.tanh(release)),
            film=values[:, self.COMPRESSOR :].reshape(-1, *self.film_shape),
            drive=torch.exp(drive.clamp(-5, 4)),
            drive_mix=hard_gate(mix),
            amount=amount,
        )

    def gain_db(self, audio: Tensor, settings: DynamicsSettings) -> Tensor:
        """Gain per frame of `hop` samples: mono [b, 1, n] -> dB [b, ceil(n / hop)]; cheap, so for a whole song."""
        frames = F.pad(audio[:, 0], (0, -audio.shape[-1] % self.hop)).unflatten(-1, (-1, self.hop))
        peak_db = DB_PER_NEPER * torch.log(frames.abs().amax(-1) + ENVELOPE_FLOOR)
        power_db = DB_PER_NEPER / 2 * torch.log(frames.square().mean(-1) + ENVELOPE_FLOOR**2)
        reduction = soft_knee_reduction(peak_db, settings.threshold_db, settings.slope, self.knee_db)
        held = decaying_hold(reduction, pole_of(settings.release_ms, self.frame_ms))
        smooth = one_pole(held, pole_of(settings.attack_ms, self.frame_ms))
        envelope = torch.stack([peak_db, power_db], dim=1) / 20 + 1
        return settings.amount * (self.net(envelope, settings.film) - smooth)

    def forward(self, audio: Tensor, settings: DynamicsSettings, image: Tensor | None = None) -> Tensor:
        gain = torch.exp(self.gain_db(audio, settings) / DB_PER_NEPER)
        gain = between_frames(gain, self.hop)[:, None, : audio.shape[-1]]
        played = audio if image is None else image
        return saturate(played * gain, settings.drive, settings.amount * settings.drive_mix)


def between_frames(values: Tensor, hop: int) -> Tensor:
    """Straight lines between the centres of frames, constant before the first and after the last.

    [b, frames] -> [b, frames * hop]. (As F.interpolate, which takes several times as long for one channel.)
    """
    ends = F.pad(values[:, None], (1, 1), mode="replicate")[:, 0, :, None]
    share = (torch.arange(hop, device=values.device) + 0.5) / hop
    lines = torch.lerp(ends[:, :-1], ends[:, 1:], share)
    return lines.flatten(1)[:, hop // 2 : hop // 2 + values.shape[-1] * hop]


def saturate(audio: Tensor, drive: Tensor, mix: Tensor) -> Tensor:
    """tanh saturation beside the dry signal; quiet parts keep their gain. [b, 1, n], drive and mix [b, 1]."""
    drive, mix = drive[:, None], mix[:, None]
    return torch.addcmul(audio * (1 - mix), torch.tanh(drive * audio), mix / drive)
