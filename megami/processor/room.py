"""Echo and reverberation as one stereo kernel, set in the units of the effects: seconds, decibels, feedback.

A tail that follows the law of rooms (each band dies away at its own rate, faster above the damping frequency), from 0.1
to 5 s, and echoes at any time from 50 to 700 ms. Both are linear, so it does not matter which comes first.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from megami.audio import db_to_gain
from megami.audio.echo_tone import echo_tone
from megami.processor.filters import convolve, convolve_in_blocks, decay_window, hard_gate, remove_dc
from megami.processor.space import DECAY_NEPERS, decaying, noise_bands, sum_of_bands
from megami.processor.space_head import SpaceKnobs, likeliest_time

BAND_RANGE_HZ = (90.0, 14000.0)
ECHO_TONE_S = 0.02
TAIL_SHARE = 0.75  # of a room's energy; the rest are first reflections, which are early taps here
SURE, UNSURE = 0.45, 0.3
"""Echoes sound whole if this share of the evidence is for one time, and not at all below the lower one."""
QUIETEST_ECHO_DB = -50.0  # repeats below this, over the first, are left out


@dataclass(frozen=True)
class Trims:
    """What the network adds to the law of rooms: [b, bands] in dB and as a share, and [b] each."""

    level_db: Tensor
    log_decay: Tensor
    onset_s: Tensor
    likeness: Tensor  # 0..1, of right to left
    balance: Tensor  # log amplitude of left over right, halved


class RoomTail(nn.Module):
    """Reverberation: fixed noise whose bands die away by the law of rooms. Knobs, hidden [b, h] -> [b, 2, samples].

    Where no item is to have any and nothing is learned, what comes back is one sample of silence.

    60 dB time of a band: decay / (1 + Hz / damping), times a learned share of at most a third; level: that of a room
    whose noise is white at first, so a band is louder the longer it sounds (Moorer 1979), plus a learned trim.
    """

    noise: Tensor
    time_s: Tensor
    hz: Tensor
    width: Tensor
    dc_window: Tensor

    def __init__(self, hidden: int, seconds: float, bands: int = 8, sample_rate: int = 44100, seed: int = 20) -> None:
        super().__init__()
        self.bands, self.samples = bands, int(seconds * sample_rate)
        self.head = nn.Linear(hidden, 2 * bands + 3)
        with torch.no_grad():
            self.head.weight.mul_(0.1)
            self.head.bias.zero_()
            self.head.bias[-2] = -2.0
        low, high = (math.log10(f) for f in BAND_RANGE_HZ)
        hz = torch.logspace(low, high, bands)
        fade = torch.ones(self.samples)
        fade[-self.samples // 10 :] = torch.cos(torch.linspace(0, math.pi / 2, self.samples // 10)).square()
        self.register_buffer("noise", noise_bands(self.samples, bands, sample_rate, seed) * fade, persistent=False)
        self.register_buffer("time_s", torch.arange(self.samples) / sample_rate, persistent=False)
        self.register_buffer("hz", hz, persistent=False)
        # Share of all frequencies that each band's noise has: its power lies so much denser than white noise's.
        self.register_buffer("width", hz * math.log(hz[1] / hz[0]) / (sample_rate / 2), persistent=False)
        self.register_buffer("dc_window", decay_window(4096, sample_rate=sample_rate), persistent=False)

    def forward(self, knobs: SpaceKnobs, hidden: Tensor, samples: int | None = None) -> Tensor:
        samples = min(samples or self.samples, self.samples)
        gate = hard_gate(knobs.reverb)
        if not torch.is_grad_enabled() and not bool(gate.any()):
            return gate.new_zeros(len(gate), 2, 1)
        trims = self._trims(hidden)
        decay = knobs.log_decay.exp()[:, None] / (1 + self.hz / knobs.log_damping.exp()[:, None])
        decay = (decay * trims.log_decay.exp()).clamp_min(0.03)
        louder = 10 * torch.log10(TAIL_SHARE * self.width * decay / decay.mean(-1, keepdim=True))
        level = db_to_gain(knobs.reverb_db[:, None] + louder + trims.level_db)
        envelopes = level[..., None] * self._shape(decay, trims.onset_s, samples)
        left, right = sum_of_bands(envelopes, self.noise[..., :samples])
        share = trims.likeness[:, None]
        right = share * left + (1 - share.square() + 1e-6).sqrt() * right
        tilt = trims.balance[:, None].exp()
        tail = torch.stack([left * tilt, right / tilt], dim=1) * gate[:, None, None]
        return remove_dc(tail, self.dc_window[:samples])

    def _trims(self, hidden: Tensor) -> Trims:
        level, decay, rest = self.head(hidden).split([self.bands, self.bands, 3], dim=-1)
        onset, likeness, balance = rest.unbind(-1)
        return Trims(
            12 * torch.tanh(level / 2),
            0.3 * torch.tanh(decay),
            torch.exp(math.log(0.008) + 2 * torch.tanh(onset)),  # 1 to 59 ms
            torch.sigmoid(likeness),
            0.7 * torch.tanh(balance),
        )

    def _shape(self, decay: Tensor, onset_s: Tensor, samples: int) -> Tensor:
        """Envelopes [b, bands, samples] of unit energy: a rise, then 60 dB in `decay` s [b, bands]."""
        rise = torch.sigmoid((self.time_s[:samples] / onset_s[:, None] - 1) * 8)[:, None]
        rate = 1 / (self.time_s[1] - self.time_s[0])
        nepers = DECAY_NEPERS / decay
        later = torch.exp(nepers * onset_s[:, None])[..., None]  # the decay begins at the onset
        shape = (decaying(nepers / rate, samples) * later).clamp_max(1) * rise
        # The whole energy, also of what lies beyond the last sample: how much does not depend on how long is looked.
        energy = rate * (decay / (2 * DECAY_NEPERS) + 0.1 * onset_s[:, None])
        return shape * torch.rsqrt(energy + 1.0)[..., None]


SIDES = ((1.0, 0.0), (0.0, 1.0))  # on which an echo of the mid falls: the first left, the second right, ...


@dataclass(frozen=True)
class Echoes:
    """Echoes one after the other, each [b, echoes]; ping_pong [b]: how much they change sides, 0 to 1."""

    first: Tensor  # sample at or before the echo
    part: Tensor  # of a sample that it lies after that
    gain: Tensor  # 0 for those that are not heard
    ping_pong: Tensor


class EchoTaps(nn.Module):
    """Echoes of a stereo kernel: knobs, share [b, 1], kernel [b, 2, n] -> what they add to it [b, 2, samples].

    Each is `feedback` times the one before. With ping-pong those of the mid fall left, right, left, ...; without, each
    channel echoes on its own side. An echo that is not wanted, or whose time is not known, is exactly none; where no
    item is to have any and nothing is learned, what comes back is one sample of silence. The time has no gradient of
    the sound: it is taught (`time_error`).
    """

    tone: Tensor

    def __init__(self, seconds: float, sample_rate: int = 44100) -> None:
        super().__init__()
        self.samples, self.sample_rate = int(seconds * sample_rate), sample_rate
        tone = echo_tone(int(ECHO_TONE_S * sample_rate), sample_rate)
        self.register_buffer("tone", torch.from_numpy(tone).float(), persistent=False)

    def forward(self, knobs: SpaceKnobs, share: Tensor, kernel: Tensor, samples: int | None = None) -> Tensor:
        samples = min(samples or self.samples, self.samples)
        echoes = self._echoes(knobs, share[:, 0], samples)
        learning = torch.is_grad_enabled()
        if not learning and not bool(echoes.gain.any()):
            return kernel.new_zeros(len(kernel), 2, 1)
        longer = nn.functional.pad(kernel, (0, max(0, samples - kernel.shape[-1])))[..., :samples]
        toned = convolve_in_blocks(longer, self.tone.expand(1, 1, -1), 2**18)
        return self._by_trains(echoes, toned) if learning else self._by_delays(echoes, toned)

    def _echoes(self, knobs: SpaceKnobs, share: Tensor, samples: int) -> Echoes:
        """Every echo that is heard within so many samples."""
        time_s, certainty = likeliest_time(knobs.time)
        time_s = time_s.detach()
        known = ((certainty.detach() - UNSURE) / (SURE - UNSURE)).clamp(0, 1)
        level = share * hard_gate(knobs.echo) * known * db_to_gain(knobs.echo_db)
        count = samples // max(1, int(0.05 * self.sample_rate))
        number = torch.arange(count, device=level.device)
        place = (number + 1) * time_s[:, None] * self.sample_rate  # [b, count]
        relative = knobs.feedback[:, None].pow(number)
        audible = (relative > 10 ** (QUIETEST_ECHO_DB / 20)) & (place < samples - 1)
        gains = level[:, None] * relative * audible
        first = place.floor().clamp_max(samples - 2)
        return Echoes(first.long(), (place - first).clamp(0, 1), gains, hard_gate(knobs.ping_pong))

    def _by_trains(self, echoes: Echoes, toned: Tensor) -> Tensor:
        """All echoes of a batch as two filters, through which gradients flow: of toned kernels [b, 2, samples]."""
        odd, even = (self._train(echoes, turn, toned.shape[-1]) for turn in (0, 1))
        own = convolve(toned, (odd + even)[:, None])
        crossed = convolve(toned.mean(1, keepdim=True), torch.stack([odd, even], dim=1))
        return torch.lerp(own, crossed, echoes.ping_pong[:, None, None])

    def _train(self, echoes: Echoes, turn: int, samples: int) -> Tensor:
        """The first, third, ... echoes (turn 0), or the others, as impulses [b, samples]."""
        own = echoes.gain * (torch.arange(echoes.gain.shape[-1], device=echoes.gain.device) % 2 == turn)
        train = own.new_zeros(len(own), samples)
        train = train.scatter_add(1, echoes.first, own * (1 - echoes.part))
        return train.scatter_add(1, echoes.first + 1, own * echoes.part)

    def _by_delays(self, echoes: Echoes, toned: Tensor) -> Tensor:
        """The same, echo by echo: the few that are heard take a fraction of the time of the filters."""
        total = torch.zeros_like(toned)
        for item, sound, ping_pong in zip(range(len(toned)), toned, echoes.ping_pong, strict=True):
            mid = sound.mean(0, keepdim=True)
            sides = [(1 - ping_pong) * sound + ping_pong * mid * mid.new_tensor(side)[:, None] for side in SIDES]
            for number in echoes.gain[item].nonzero()[:, 0].tolist():
                first, gain, part = (
                    int(echoes.first[item, number]),
                    echoes.gain[item, number],
                    echoes.part[item, number],
                )
                for place, share in ((first, gain * (1 - part)), (first + 1, gain * part)):
                    total[item, :, place:].add_(sides[number % 2][:, : toned.shape[-1] - place], alpha=float(share))
        return total
