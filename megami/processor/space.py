"""Stereo and space as a layer: a few gated early taps and a gated tail of shaped noise, as one stereo kernel."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from megami.audio import db_to_gain
from megami.processor.filters import decay_window, fast_length, hard_gate, remove_dc

TAP_RANGE_MS = (3.0, 18.0)
DECAY_NEPERS = math.log(1000.0)  # 60 dB, the definition of reverberation time (ISO 3382)
STEP = 512  # samples of a coarse step of an exponential


def tap_positions(taps: int, sample_rate: int) -> Tensor:
    """Delays in samples [taps], spread over 3..18 ms at slightly uneven distances, so that their combs do not agree."""
    even = np.linspace(*TAP_RANGE_MS, taps)
    uneven = even + 0.3 * (even[1] - even[0]) * np.sin(np.arange(taps) * 2.4)
    uneven = np.clip(uneven, *TAP_RANGE_MS)
    return torch.from_numpy(np.round(uneven * sample_rate / 1000.0).astype(np.int64))


def noise_bands(samples: int, bands: int, sample_rate: int, seed: int) -> Tensor:
    """Two independent noises in `bands` octave-like bands of unit variance: [2, bands, samples], always the same."""
    size = fast_length(samples)
    noise = np.random.default_rng(seed).standard_normal((2, size))
    spectrum = np.fft.rfft(noise, axis=-1)
    hz = np.fft.rfftfreq(size, 1.0 / sample_rate)
    centres = np.geomspace(90.0, 14000.0, bands)
    place = np.log(np.maximum(hz, 1.0) / centres[0]) / np.log(centres[1] / centres[0])
    # Triangles that sum to one; the outer bands fall off as well, so nothing is left at 0 Hz.
    weights = np.maximum(0.0, 1.0 - np.abs(place[None] - np.arange(bands)[:, None]))
    split = np.fft.irfft(spectrum[:, None] * weights[None], n=size, axis=-1)[..., :samples]
    split /= np.sqrt((split**2).mean(-1, keepdims=True))
    return torch.from_numpy(split.astype(np.float32))


def decaying(nepers: Tensor, samples: int) -> Tensor:
    """e^(-nepers n) for n from 0 on: decays per sample [...] -> [..., samples].

    As products of coarse and fine steps, which takes a seventh of the time of that many exponentials.
    """
    fine, coarse = (torch.arange(count, device=nepers.device) for count in (STEP, -(-samples // STEP)))
    rows, columns = (torch.exp(-nepers[..., None] * step) for step in (coarse * STEP, fine))
    return (rows[..., None] * columns[..., None, :]).flatten(-2)[..., :samples]


def sum_of_bands(envelopes: Tensor, noise: Tensor) -> Tensor:
    """Noise under envelopes, over all bands: [b, bands, n], [2, bands, n] -> [2, b, n].

    Band by band: as one product (einsum) it takes seven times as long.
    """
    total = envelopes.new_zeros(2, len(envelopes), envelopes.shape[-1])
    for envelope, band in zip(envelopes.unbind(1), noise.unbind(1), strict=True):
        total = torch.addcmul(total, envelope, band[:, None])
    return total


class EarlyTaps(nn.Module):
    """Gains of delayed copies, left and right apart: Haas, pseudo-stereo, first reflections.

    [b, h], share [b, 1] of all taps -> [b, 2, last + 1]. The first sample of the kernel is the direct sound, gain 1;
    each channel's taps share a gate.
    """

    positions: Tensor

    def __init__(self, hidden: int, taps: int = 16, sample_rate: int = 44100) -> None:
        super().__init__()
        self.taps = taps
        self.head = nn.Linear(hidden, 2 * taps + 2)
        with torch.no_grad():
            self.head.weight.mul_(0.1)
            self.head.bias.zero_()
            self.head.bias[2 * taps :] = -1.0
        self.register_buffer("positions", tap_positions(taps, sample_rate), persistent=False)
        self.length = int(self.positions.max()) + 1

    def forward(self, hidden: Tensor, share: Tensor) -> Tensor:
        values = self.head(hidden)
        gate = share * hard_gate(values[:, 2 * self.taps :])
        gains = torch.tanh(values[:, : 2 * self.taps].unflatten(-1, (2, self.taps))) * gate[..., None]
        kernel = gains.new_zeros(len(gains), 2, self.length)
        kernel[..., self.positions] = gains
        kernel[..., 0] = 1
        return kernel


class NoiseTail(nn.Module):
    """Reverberation: fixed noise whose bands die away at their own rates. [b, h] -> kernel [b, 2, samples].

    Predicted per item: level and decay of each band, a gate, an onset time (pre-delay), the likeness of left and right
    and their difference in level. A longer decay does not change a band's energy. A later onset does: it leaves out
    what would have sounded before it, about 60 dB * onset / decay, which is 0.05 dB to 32 dB (at the latest onset,
    59 ms, with the shortest decay, 0.11 s). The weights of the first edition were trained with that.
    """

    noise: Tensor
    time_s: Tensor
    dc_window: Tensor

    EXTRA = 4  # gate, onset, likeness, balance

    def __init__(
        self, hidden: int, seconds: float = 0.95, bands: int = 8, sample_rate: int = 44100, seed: int = 20
    ) -> None:
        super().__init__()
        self.bands, self.samples = bands, int(seconds * sample_rate)
        self.head = nn.Linear(hidden, 2 * bands + self.EXTRA)
        with torch.no_grad():
            self.head.weight.mul_(0.1)
            self.head.bias.zero_()
            self.head.bias[:bands] = -0.5
            self.head.bias[2 * bands] = -2.0
            self.head.bias[2 * bands + 1] = -0.5
            self.head.bias[2 * bands + 2] = -2.0
        noise = noise_bands(self.samples, bands, sample_rate, seed)
        fade = torch.ones(self.samples)
        fade[-self.samples // 5 :] = torch.cos(torch.linspace(0, math.pi / 2, self.samples // 5)).square()
        self.register_buffer("noise", noise * fade, persistent=False)
        self.register_buffer("time_s", torch.arange(self.samples) / sample_rate, persistent=False)
        self.register_buffer("dc_window", decay_window(4096, sample_rate=sample_rate), persistent=False)

    def envelopes(self, level: Tensor, decay: Tensor, onset: Tensor) -> Tensor:
        """Amplitude of each band over time [b, bands, samples] for levels in dB, 60 dB times and onsets in s."""
        rate = 1 / (self.time_s[1] - self.time_s[0])
        shape = decaying(DECAY_NEPERS / (decay * rate), self.samples)
        rise = torch.sigmoid((self.time_s / onset[..., None] - 1) * 8)
        # Energy of the decay alone, from every 64th sample: keeps "how much" apart from "how long". The onset is not in
        # it, so that a late onset makes a short decay weaker, as a later start makes any sound that dies away.
        energy = shape[..., ::64].square().sum(-1) * 64
        amplitude = db_to_gain(level) * torch.rsqrt(energy + 1.0)
        return amplitude[..., None] * shape * rise[:, None]

    def forward(self, hidden: Tensor) -> Tensor:
        values = self.head(hidden)
        level, decay, rest = values.split([self.bands, self.bands, self.EXTRA], dim=-1)
        gate, onset, likeness, balance = rest.unbind(-1)
        envelopes = self.envelopes(
            -24 + 34 * torch.tanh(level),
            torch.exp(math.log(0.55) + 1.6 * torch.tanh(decay)),
            torch.exp(math.log(0.012) + 1.6 * torch.tanh(onset)),
        )
        left, right = sum_of_bands(envelopes, self.noise)
        share = torch.sigmoid(likeness)[:, None]
        right = share * left + (1 - share.square() + 1e-6).sqrt() * right
        tilt = torch.exp(0.7 * torch.tanh(balance))[:, None]
        tail = torch.stack([left * tilt, right / tilt], dim=1) * hard_gate(gate)[:, None, None]
        return remove_dc(tail, self.dc_window)


def join_kernels(direct: Tensor, tail: Tensor) -> Tensor:
    """Add kernels of different lengths: [b, 2, k1], [b, 2, k2] -> [b, 2, max]."""
    length = max(direct.shape[-1], tail.shape[-1])
    return F.pad(direct, (0, length - direct.shape[-1])) + F.pad(tail, (0, length - tail.shape[-1]))
