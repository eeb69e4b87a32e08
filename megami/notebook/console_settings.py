"""Settings of the console: what its controls are, and reading and checking the JSON that it exports."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from megami.errors import UserError

OFF_DB = -60.0  # a fader or a send at the bottom of its way lets nothing through


@dataclass(frozen=True)
class Control:
    """A slider: its key in the JSON, its name, range, step and start value; off: at the bottom nothing passes."""

    key: str
    label: str
    unit: str
    low: float
    high: float
    start: float
    step: float
    off: bool = False


CONTROLS = (
    Control("high_db", "High", "dB", -15, 15, 0, 0.5),
    Control("mid_db", "Mid", "dB", -15, 15, 0, 0.5),
    Control("mid_hz", "Mid at", "Hz", 200, 8000, 1000, 1),
    Control("low_db", "Low", "dB", -15, 15, 0, 0.5),
    Control("threshold_db", "Threshold", "dB", -60, 0, 0, 1),
    Control("ratio", "Ratio", ":1", 1, 20, 2, 0.5),
    Control("makeup_db", "Make-up", "dB", 0, 24, 0, 0.5),
    Control("send_db", "Reverb", "dB", OFF_DB, 0, OFF_DB, 1, off=True),
    Control("pan", "Pan", "", -1, 1, 0, 0.05),
    Control("fader_db", "Fader", "dB", OFF_DB, 12, 0, 0.5, off=True),
)
MASTER_CONTROL = Control("master_db", "Master", "dB", OFF_DB, 12, 0, 0.5, off=True)
_START = {control.key: float(control.start) for control in CONTROLS}


@dataclass(frozen=True)
class StripSettings:
    """Settings of one track. Those of the class itself change nothing (for sound below full scale).

    fader_db: -60 is off. pan: -1 (left) to 1 (right). mute, solo: as on a desk. low_db, mid_db, mid_hz, high_db: the
    equaliser. threshold_db, ratio, makeup_db: the compressor. send_db: to the reverb, -60 is off.
    """

    fader_db: float = _START["fader_db"]
    pan: float = _START["pan"]
    mute: bool = False
    solo: bool = False
    low_db: float = _START["low_db"]
    mid_db: float = _START["mid_db"]
    mid_hz: float = _START["mid_hz"]
    high_db: float = _START["high_db"]
    threshold_db: float = _START["threshold_db"]
    ratio: float = _START["ratio"]
    makeup_db: float = _START["makeup_db"]
    send_db: float = _START["send_db"]


@dataclass(frozen=True)
class ConsoleSettings:
    """Settings of a whole console: those of each track by its name, and the master fader in dB (-60 is off)."""

    tracks: dict[str, StripSettings] = field(default_factory=dict)
    master_db: float = float(MASTER_CONTROL.start)

    def as_json(self) -> dict[str, Any]:
        """What the console exports: {"tracks": {name: {"fader_db": ..., "pan": ..., ...}}, "master_db": ...}."""
        return {"tracks": {name: asdict(strip) for name, strip in self.tracks.items()}, "master_db": self.master_db}


def console_settings(
    source: str | Path | Mapping[str, Any], track_names: Sequence[str] | None = None
) -> ConsoleSettings:
    """Read settings that a console exported, and check them.

    source: the path of a JSON file, JSON text, or a dict of the same form:
    {"tracks": {"bass": {"fader_db": -3, "pan": 0.2}}, "master_db": 0}. What is left out keeps its start value (see
    `StripSettings` for the keys, their units and meaning). track_names: the tracks that there are; None allows any.
    Raises UserError for what is no JSON, unknown tracks and keys, and values that are out of range.
    """
    data = source if isinstance(source, Mapping) else _parsed(source)
    unknown = set(data) - {"tracks", "master_db"}
    tracks = data.get("tracks")
    if unknown or not isinstance(tracks, Mapping):
        raise UserError('settings of a console have the form {"tracks": {NAME: {"fader_db": 0, ...}}, "master_db": 0}')
    for name in tracks:
        if track_names is not None and name not in track_names:
            raise UserError(f"settings for a track {name!r}, but the tracks are {', '.join(track_names)}")
    master_db = _number("the master fader", MASTER_CONTROL, data.get("master_db", MASTER_CONTROL.start))
    return ConsoleSettings({str(name): _strip(str(name), strip) for name, strip in tracks.items()}, master_db)


def _parsed(source: str | Path) -> Mapping[str, Any]:
    """JSON text, or the content of a JSON file."""
    text = str(source)
    try:
        if not text.lstrip().startswith("{"):
            text = Path(source).read_text(encoding="utf-8")
        data = json.loads(text)
    except OSError as error:
        raise UserError(f"cannot read the settings {source}: {error.strerror or error}") from None
    except ValueError as error:
        raise UserError(f"settings of a console are JSON, but this is not: {error}") from None
    if not isinstance(data, dict):
        raise UserError(f"settings of a console are a JSON object, not {type(data).__name__}")
    return data


def _strip(name: str, values: object) -> StripSettings:
    """Check the settings of one track."""
    if isinstance(values, StripSettings):
        values = asdict(values)
    if not isinstance(values, Mapping):
        raise UserError(f"settings of track {name!r} must be a dict of numbers, not {type(values).__name__}")
    known = [one.name for one in fields(StripSettings)]
    for key in values:
        if key not in known:
            raise UserError(
                f"track {name!r} has a setting {key!r}, which a console does not: it has {', '.join(known)}"
            )
    for key in ("mute", "solo"):
        if not isinstance(values.get(key, False), bool):
            raise UserError(f"track {name!r}: {key} is true or false, not {values[key]!r}")
    numbers = {
        control.key: _number(f"track {name!r}: {control.key}", control, values[control.key])
        for control in CONTROLS
        if control.key in values
    }
    return StripSettings(**numbers, mute=values.get("mute", False), solo=values.get("solo", False))


def _number(what: str, control: Control, value: object) -> float:
    """Check one number against the range of its control."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise UserError(f"{what} is a number, not {value!r}")
    if not control.low <= value <= control.high:
        raise UserError(f"{what} is {value:g}, but must lie between {control.low:g} and {control.high:g}")
    return float(value)
