"""The published random effect chain: reverb by impulse responses, Haas, gain, panner, compressor, equaliser.

The adaptor and the effect processor learn from dry clips that such chains treat, each effect with a probability, in an
order drawn anew. These effects stand beside those of `megami.effects`, whose chains stay as they are: they have other
forms and ranges. Source: the training code of MEGAMI, whose numbers are the defaults. Chapter "Growing up".
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.signal import oaconvolve

from megami.audio import SAMPLE_RATE, db_to_gain
from megami.corpus.recordings.responses import ROOMS, Responses
from megami.effects import Effect, Equaliser, Range
from megami.effects.compressor import FLOOR, reduction_db

ADAPTOR_PROBABILITY, PROCESSOR_PROBABILITY = 0.5, 0.8
SPEED_OF_SOUND = 343.0  # m/s
LAWS = ("linear", "constant power", "-4.5 dB")
MODES = ("amplitude", "delay", "both")


def shift(channel: np.ndarray, samples: int, circular: bool) -> np.ndarray:
    """Delay a channel [n] by so many samples (advance it, if negative).

    Circular, as published: what leaves at one end comes in at the other. Else silence comes in.
    """
    rolled = np.roll(channel, samples)
    if not circular and samples > 0:
        rolled[:samples] = 0
    elif not circular and samples < 0:
        rolled[samples:] = 0
    return rolled


@dataclass(frozen=True)
class Haas(Effect):
    """Add to one channel a copy of itself some milliseconds later, or earlier: y = x + feedback x[n - delay].

    channel 0 is left, 1 right. The published delay says ms and counts seconds (up to 0.04): 40 ms is what it does.
    """

    delay_ms: float = 10.0
    feedback: float = 0.5
    channel: int = 0
    circular: int = 0

    RANGES: ClassVar[dict[str, Range]] = {
        "delay_ms": Range(-100.0, 100.0, "ms", draw_low=-40.0, draw_high=40.0),
        "feedback": Range(0.0, 1.0, "", draw_low=0.33, draw_high=0.66),
        "channel": Range(0, 1, "", whole=True),
        "circular": Range(0, 1, "", whole=True, draw_high=0),
    }

    def _process(self, audio: np.ndarray, sample_rate: int) -> np.ndarray:
        out = audio.copy()
        samples = int(self.delay_ms * sample_rate / 1000.0)
        out[self.channel] += np.float32(self.feedback) * shift(audio[self.channel], samples, bool(self.circular))
        return out


@dataclass(frozen=True)
class Polarity(Effect):
    """Turn both channels up or down by gain_db, and upside down where `inverted` is 1."""

    gain_db: float = 0.0
    inverted: int = 0

    RANGES: ClassVar[dict[str, Range]] = {
        "gain_db": Range(-60.0, 60.0, "dB", draw_low=-6.0, draw_high=6.0),
        "inverted": Range(0, 1, "", whole=True),
    }

    def _process(self, audio: np.ndarray, sample_rate: int) -> np.ndarray:
        return audio * np.float32(db_to_gain(self.gain_db) * (-1.0 if self.inverted else 1.0))


def pan_factors(position: float, law: int) -> tuple[float, float]:
    """Factors of left and right for a position from 0 (left) to 1 (right) by one of LAWS.

    linear: 1 - p and p. constant power: cos and sin of p pi / 2. -4.5 dB: the geometric means of both. In the middle
    they are -6, -3 and -4.5 dB; nothing makes up for that, as published.
    """
    linear = (1.0 - position, position)
    power = (math.cos(position * math.pi / 2), math.sin(position * math.pi / 2))
    return (linear, power, (math.sqrt(linear[0] * power[0]), math.sqrt(linear[1] * power[1])))[law]


@dataclass(frozen=True)
class AmplitudeDelayPanner(Effect):
    """Place a track by level, by delay, or by both; position 0 is left, 1 right, 0.5 the middle.

    law: number of one of LAWS; mode: of one of MODES. distance_m: between the ears, which the sound crosses in the
    largest delay; the near channel is so many samples early as the far one is late.
    """

    position: float = 0.5
    law: int = 0
    mode: int = 0
    distance_m: float = 0.2
    circular: int = 0

    RANGES: ClassVar[dict[str, Range]] = {
        "position": Range(0.0, 1.0, "", draw_low=0.1, draw_high=0.9),
        "law": Range(0, 2, "", whole=True),
        "mode": Range(0, 2, "", whole=True),
        "distance_m": Range(0.0, 10.0, "m", draw_low=0.0, draw_high=2.0),
        "circular": Range(0, 1, "", whole=True, draw_high=0),
    }

    def _process(self, audio: np.ndarray, sample_rate: int) -> np.ndarray:
        out = audio.copy()
        if MODES[self.mode] != "amplitude":
            half = int(self.distance_m / SPEED_OF_SOUND * sample_rate * abs(self.position - 0.5))
            late_left = half if self.position > 0.5 else -half
            for channel, samples in ((0, late_left), (1, -late_left)):
                out[channel] = shift(out[channel], samples, bool(self.circular))
        if MODES[self.mode] != "delay":
            out *= np.array(pan_factors(self.position, self.law), dtype=np.float32)[:, None]
        return out


def branching_ballistics(reduction: np.ndarray, attack_samples: float, release_samples: float) -> np.ndarray:
    """Smooth a gain reduction [samples] in dB: one pole, that of the attack while it grows, else that of the release.

    y[n] = a y[n-1] + (1 - a) x[n], a = e^(-1 / attack) where x[n] > y[n-1], else e^(-1 / release) (Giannoulis, Massberg
    and Reiss 2012, eq. 15).
    """
    attack, release = 1.0 - math.exp(-1.0 / attack_samples), 1.0 - math.exp(-1.0 / release_samples)
    value, out = 0.0, []
    for wanted in reduction.tolist():
        difference = wanted - value
        value += difference * (attack if difference > 0.0 else release)
        out.append(value)
    return np.array(out, dtype=np.float32)


@dataclass(frozen=True)
class HardKneeCompressor(Effect):
    """Compress each channel by itself, sample by sample, with a hard knee and one-pole smoothing of the reduction.

    The effect room's `Compressor` keeps the stereo image still and holds peaks; this is the published form.
    """

    threshold_db: float = -20.0
    ratio: float = 4.0
    attack_ms: float = 10.0
    release_ms: float = 75.0
    makeup_db: float = 0.0

    RANGES: ClassVar[dict[str, Range]] = {
        "threshold_db": Range(-80.0, 0.0, "dB", draw_low=-40.0, draw_high=0.0),
        "ratio": Range(1.0, 20.0, "", draw_low=2.0, draw_high=10.0),
        "attack_ms": Range(0.01, 200.0, "ms", draw_low=0.03, draw_high=30.0),
        "release_ms": Range(1.0, 2000.0, "ms", draw_low=50.0, draw_high=100.0),
        "makeup_db": Range(-24.0, 24.0, "dB", draw_low=-3.0, draw_high=6.0),
    }

    def _process(self, audio: np.ndarray, sample_rate: int) -> np.ndarray:
        alike = bool((audio[0] == audio[1]).all())
        treated = [self._channel(channel, sample_rate) for channel in (audio[:1] if alike else audio)]
        return np.stack(treated * 2 if alike else treated)

    def _channel(self, channel: np.ndarray, sample_rate: int) -> np.ndarray:
        level_db = 20.0 * np.log10(np.maximum(np.abs(channel), np.float32(FLOOR)))
        wanted = reduction_db(level_db, self.threshold_db, self.ratio, 0.0)
        per_ms = sample_rate / 1000.0
        reduction = branching_ballistics(wanted, self.attack_ms * per_ms, self.release_ms * per_ms)
        return channel * db_to_gain(np.float32(self.makeup_db) - reduction)


TAIL_FADE_S = 0.02


@dataclass(frozen=True)
class ImpulseResponseReverb(Effect):
    """Put a track into a room by its impulse response: y = (1 - wet) x + wet (x * r), aligned with the direct sound.

    responses: where it is from, with `number` among them. decay: the share of the response after its peak that is
    kept, followed by a fade of 100 dB in 20 ms. A positive pre_delay_ms makes the reverb EARLY by so much, as
    published: what comes out begins as much after the response's peak.
    """

    responses: Responses = ROOMS
    number: int = 0
    wet: float = 0.3
    decay: float = 1.0
    pre_delay_ms: int = 0

    RANGES: ClassVar[dict[str, Range]] = {
        "number": Range(0, 2**31 - 1, "", whole=True),
        "wet": Range(0.0, 1.0, "", draw_low=0.1, draw_high=1.0),
        "decay": Range(0.0, 1.0, "", draw_low=0.1, draw_high=1.0),
        "pre_delay_ms": Range(-1000, 1000, "ms", whole=True, draw_low=-100, draw_high=99),
    }

    def __post_init__(self) -> None:
        for name, limits in self.RANGES.items():
            if not limits.accepts(getattr(self, name)):
                raise ValueError(f"{name} {getattr(self, name)!r} is not from {limits.low:g} to {limits.high:g}")

    def _process(self, audio: np.ndarray, sample_rate: int) -> np.ndarray:
        response = self.responses.load(self.number % len(self.responses), sample_rate)
        peak = int(np.abs(response).max(axis=0).argmax())
        response = shortened(response, peak, self.decay, sample_rate)
        begin = min(max(peak + round(self.pre_delay_ms * sample_rate / 1000), 0), response.shape[-1] - 1)
        wet = oaconvolve(audio, response, axes=-1)[:, begin : begin + audio.shape[-1]]
        out = np.float32(1.0 - self.wet) * audio
        out[:, : wet.shape[-1]] += np.float32(self.wet) * wet
        return out


def shortened(response: np.ndarray, peak: int, decay: float, sample_rate: int) -> np.ndarray:
    """Keep a share of a response [2, n] after its peak, then fade it by 100 dB in 20 ms."""
    kept = peak + 1 + int(decay * (response.shape[-1] - peak - 1))
    end = min(response.shape[-1], kept + int(TAIL_FADE_S * sample_rate))
    out = response[:, :end].copy()
    out[:, kept:] *= 0.1 ** (5.0 * np.arange(1, end - kept + 1, dtype=np.float32) / max(1, end - kept))
    return out


def published_equaliser(rng: np.random.Generator) -> Equaliser:
    """Draw an equaliser from the published ranges, all uniform."""
    draw = rng.uniform
    bands: dict[str, float] = {"low_gain_db": draw(-15, 15), "low_hz": draw(30, 200)}
    for number, (low, high) in enumerate(((200, 1000), (1000, 3000), (3000, 8000)), start=1):
        bands |= {f"peak{number}_gain_db": draw(-15, 15), f"peak{number}_hz": draw(low, high)}
        bands[f"peak{number}_q"] = draw(0.1, 2)
    return Equaliser(**bands, high_gain_db=draw(-15, 15), high_hz=draw(5000, 10000))


@dataclass(frozen=True)
class PublishedChain:
    """Draws chains: each of the six effects with `probability`, parameters anew, in random order.

    responses: the rooms of the reverb. circular: shift in a circle, as published, where the end of a clip is heard at
    its beginning.
    """

    probability: float = PROCESSOR_PROBABILITY
    responses: Responses = ROOMS
    circular: bool = False

    def draw(self, rng: np.random.Generator) -> tuple[Effect, ...]:
        """Draw the effects of one clip, in the order in which they are applied; there may be none."""
        makers: tuple[Callable[[np.random.Generator], Effect], ...] = (
            self._reverb, self._haas, Polarity.random, self._panner, HardKneeCompressor.random, published_equaliser,
        )  # fmt: skip
        chosen = [make for make in makers if rng.random() < self.probability]
        return tuple(chosen[place](rng) for place in rng.permutation(len(chosen)))

    def apply(self, audio: np.ndarray, rng: np.random.Generator, sample_rate: int = SAMPLE_RATE) -> np.ndarray:
        """Treat a mono clip [1, n], doubled to stereo, or a stereo clip by a drawn chain: float32 [2, n]."""
        wet = np.array(np.broadcast_to(audio, (2, audio.shape[-1])), dtype=np.float32, order="C")
        for effect in self.draw(rng):
            wet = effect.apply(wet, sample_rate)
        return wet

    def _reverb(self, rng: np.random.Generator) -> ImpulseResponseReverb:
        drawn = {name: ImpulseResponseReverb.RANGES[name].draw(rng) for name in ("wet", "decay")}
        number, pre_delay = int(rng.integers(len(self.responses))), int(rng.integers(-100, 100))
        return ImpulseResponseReverb(self.responses, number, drawn["wet"], drawn["decay"], pre_delay)

    def _haas(self, rng: np.random.Generator) -> Haas:
        drawn = Haas.random(rng)
        return Haas(drawn.delay_ms, drawn.feedback, drawn.channel, int(self.circular))

    def _panner(self, rng: np.random.Generator) -> AmplitudeDelayPanner:
        drawn = AmplitudeDelayPanner.random(rng)
        return AmplitudeDelayPanner(drawn.position, drawn.law, drawn.mode, drawn.distance_m, int(self.circular))
