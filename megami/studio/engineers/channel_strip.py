"""A channel strip under construction: every insert is heard before the next is set, as on a real console."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from megami.effects import Compressor, Delay, Drive, EffectChain, Gain, Pan, Reverb, Width
from megami.studio.engineers.equalising import equaliser
from megami.studio.engineers.listening import block_peaks_db, framed_level
from megami.studio.engineers.styles import MixStyle, Treatment

WORKING_LEVEL_DB = -18.0  # framed level at which a track enters its strip


@dataclass(frozen=True)
class SharedSpace:
    """The one room and the one echo of a song, into which every track sends its own share."""

    decay_s: float
    pre_delay_ms: float
    damping_hz: float
    seed: int
    echo_ms: float
    feedback: float
    ping_pong: int


@dataclass
class Strip:
    """A track's effects so far and its sound behind them; `finish` replays to the very same samples."""

    audio: np.ndarray  # [2, samples] behind the last insert
    sample_rate: int
    effects: list = field(default_factory=list)

    def insert(self, effect) -> None:
        """Appends one effect and renders the sound behind it."""
        self.effects.append(effect)
        self.audio = EffectChain((effect,)).apply(self.audio, self.sample_rate)

    def finish(self, gain_db: float) -> tuple[EffectChain, np.ndarray]:
        """The whole chain with its fader at `gain_db`, and the wet track [2, samples]."""
        fader = Gain(gain_db=gain_db)
        return EffectChain((*self.effects, fader)), EffectChain((fader,)).apply(self.audio, self.sample_rate)


def compressor(strip: Strip, squeeze_db: float, style: MixStyle, rng: np.random.Generator) -> Compressor:
    """Compressor whose threshold lies so far under the strip's loud moments that they are reduced by `squeeze_db`."""
    ratio = style.ratio * float(rng.uniform(0.9, 1.15))
    loud_db = float(np.percentile(block_peaks_db(strip.audio, strip.sample_rate), 95))
    return Compressor(
        threshold_db=float(np.clip(loud_db - squeeze_db / (1 - 1 / ratio), -50.0, -3.0)),
        ratio=ratio,
        attack_ms=float(rng.uniform(*style.attack_ms)),
        release_ms=float(rng.uniform(*style.release_ms)),
        knee_db=6.0,
        makeup_db=0.7 * squeeze_db,
    )


def varied(value: float, rng: np.random.Generator, highest: float = 1.0) -> float:
    """`value` times a random factor around one, at most `highest`."""
    return float(min(value * np.exp(rng.normal(0.0, 0.15)), highest))


def build_strip(
    dry: np.ndarray,
    sample_rate: int,
    gains_db: np.ndarray,
    treatment: Treatment,
    style: MixStyle,
    position: float,
    space: SharedSpace,
    rng: np.random.Generator,
) -> Strip:
    """Strip of one track without its fader: level, equaliser, compressor, saturation, spread, place, echo, room, width.

    `dry` is mono [1, samples], `gains_db` [5] the equaliser's gains, `position` -1..1.
    """
    strip = Strip(np.repeat(dry, 2, 0), sample_rate)
    strip.insert(Gain(gain_db=WORKING_LEVEL_DB - framed_level(dry, sample_rate)))
    strip.insert(equaliser(gains_db, rng))
    strip.insert(compressor(strip, treatment.squeeze_db * float(rng.uniform(0.8, 1.2)), style, rng))
    if treatment.drive_db > 0:
        strip.insert(Drive(drive_db=varied(treatment.drive_db, rng, 24.0), mix=float(rng.uniform(0.6, 0.9))))
    spread = treatment.spread * (1 - 0.5 * abs(position))
    if spread > 0.05:
        strip.insert(Width(width=1.0, spread=varied(spread, rng)))
    if position:
        strip.insert(Pan(position=float(position)))
    if treatment.echo > 0:
        echo = varied(treatment.echo, rng)
        strip.insert(Delay(time_ms=space.echo_ms, feedback=space.feedback, wet=echo, ping_pong=space.ping_pong))
    if treatment.send > 0:
        send = varied(treatment.send, rng)
        strip.insert(Reverb(space.decay_s, space.pre_delay_ms, space.damping_hz, wet=send, seed=space.seed))
    if style.stereo != 1.0 and (position or spread > 0.05 or treatment.send > 0):
        strip.insert(Width(width=style.stereo, spread=0.0))
    return strip
