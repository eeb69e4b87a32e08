"""What was done to each track of a mix, in the terms of a mix engineer: plain numbers with units."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from megami.session.bands import Band

Source = Literal["read", "estimated", "silent"]
DIGITS = 3


@dataclass(frozen=True)
class EqualiserSettings:
    """Up to six bands in series, and how far they are from the curve that was heard (median, in dB)."""

    bands: tuple[Band, ...]
    median_error_db: float


@dataclass(frozen=True)
class CompressorSettings:
    """A compressor: threshold in dB of full scale at its input, soft knee of 6 dB, and how well it follows.

    makeup_db: what it takes from the loud parts, given back. median_error_db: between its gain and the one that was
    heard.
    """

    threshold_db: float
    ratio: float
    attack_ms: float
    release_ms: float
    makeup_db: float
    median_error_db: float


@dataclass(frozen=True)
class DriveSettings:
    """Saturation by tanh: gain in dB into it, and the share of the saturated signal, 0..1."""

    gain_db: float
    mix: float


@dataclass(frozen=True)
class ReverbSettings:
    """A send to a reverb: its level over the direct sound in dB, and the time in which it dies away by 60 dB."""

    send_db: float
    decay_s: float


@dataclass(frozen=True)
class EchoSettings:
    """A send to an echo: time between repeats, level of the first over the direct sound, share that each keeps."""

    time_ms: float
    send_db: float
    feedback: float


@dataclass(frozen=True)
class TrackSettings:
    """The settings of one track, from the dry stem to its place in the mix.

    source: "read" from the knobs of the structured processor, "estimated" by comparing what went in with what came out
    (the TCN has no knobs), or "silent" (left out of the mix; nothing else counts then). gain_db: the fader, after all
    else. pan: -1 left to 1 right, a balance that turns the far channel down and leaves the near one. width: energy of
    the side over that of the mid, 0 for mono. A part that was not used, or (where estimated) cannot be known, is None;
    the latter are named in `unknown`.
    """

    name: str
    source: Source
    gain_db: float = 0.0
    pan: float = 0.0
    width: float = 0.0
    equaliser: EqualiserSettings | None = None
    compressor: CompressorSettings | None = None
    drive: DriveSettings | None = None
    reverb: ReverbSettings | None = None
    echo: EchoSettings | None = None
    unknown: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The same as plain numbers, strings, lists and dicts, rounded for reading; JSON can hold it."""
        words: dict[str, Any] = rounded(asdict(self))
        return words


def rounded(value: Any) -> Any:
    """Numbers to three digits after the point, in whatever dicts and lists they stand."""
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(item) for item in value]
    return round(value, DIGITS) if isinstance(value, float) else value
