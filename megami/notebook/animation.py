"""Animation: points and lines that move from frame to frame, drawn in the page from their coordinates."""

from __future__ import annotations

import base64
import io
import math
import zlib
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.ticker import MaxNLocator
from PIL import Image

from megami.errors import UserError
from megami.notebook.figures import Sheet, figure
from megami.notebook.palette import COLOURS, INK, ON_DARK
from megami.notebook.recordings import minus
from megami.notebook.stores import store_here
from megami.notebook.widget import Widget, build_widget

LEVELS = 4095  # coordinates are rounded to this many steps across the picture: a quarter of a pixel
NOWHERE = 32767  # a gap in a line
_FALLBACK_POINTS = 60  # of each group, where scripts do not run
Box = tuple[float, float, float, float]


def animation(
    points: Mapping[str, np.ndarray],
    title: str = "",
    *,
    description: str,
    frames: Sequence[str] | None = None,
    frame_label: str = "frame",
    labels: tuple[str, str] = ("", ""),
    lines: Mapping[str, np.ndarray] | None = None,
    background: tuple[np.ndarray, Box] | None = None,
    limits: Box | None = None,
    equal: bool = True,
    trail: int = 0,
    frames_per_second: float = 10.0,
) -> Widget:
    """Points that move, with play, pause and scrub; it never starts by itself.

    points: name -> coordinates [frames, points, 2] of a group, which has one colour. description: what there is to see,
    for those who cannot. frames: a word for each frame, for example its noise level, told after `frame_label`. labels:
    of the axes, with units. lines: name -> [frames, vertices, 2], or [vertices, 2] for one that stays; NaN breaks a
    line. background: values [rows, columns] from 0, the first row at the bottom, and their (left, right, bottom, top);
    the larger a value, the stronger the tint. limits: (left, right, bottom, top), else around everything. equal: one
    scale on both axes. trail: over how many frames each point draws its way behind it. Raises UserError for shapes that
    do not fit together.
    """
    moving = {name: np.asarray(group, dtype=np.float64) for name, group in points.items()}
    curves = {name: np.asarray(line, dtype=np.float64) for name, line in (lines or {}).items()}
    count = _frame_count(moving, curves)
    if frames is not None and len(frames) != count:
        raise UserError(f"{count} frames but {len(frames)} words for them: give one for each")
    box = limits or _around([*moving.values(), *curves.values()])
    if not (box[0] < box[1] and box[2] < box[3] and all(map(math.isfinite, box))):
        raise UserError(f"limits are (left, right, bottom, top) with left < right and bottom < top, got {box}")
    colours = _colours([*moving, *(name for name in curves if name not in moving)])
    config: dict[str, object] = {
        "title": title,
        "count": count,
        "frames": list(map(str, frames or range(1, count + 1))),
        "frameLabel": frame_label,
        "labels": labels,
        "limits": box,
        "ticks": [_ticks(*box[:2]), _ticks(*box[2:])],
        "equal": equal,
        "trail": trail,
        "framesPerSecond": frames_per_second,
        "levels": LEVELS,
        "groups": [{"name": name, "colour": colours[name], **_packed(group, box)} for name, group in moving.items()],
        "lines": [{"name": name, "colour": colours[name], **_packed(line, box)} for name, line in curves.items()],
    }
    if background is not None:
        config["background"] = _tint(*background)
    fallback = _still(moving, curves, box, count, config["frames"], frame_label, labels, equal, description, colours)
    return build_widget("animation", config, description, fallback, store_here())


def _frame_count(moving: dict[str, np.ndarray], curves: dict[str, np.ndarray]) -> int:
    """How many frames there are. Raises UserError for arrays of other shapes, and for points that are nowhere."""
    counts = set()
    for name, group in moving.items():
        if group.ndim != 3 or group.shape[2] != 2 or 0 in group.shape:
            raise UserError(f"points {name!r}: expected coordinates [frames, points, 2], got {list(group.shape)}")
        if not np.isfinite(group).all():
            raise UserError(f"points {name!r}: the coordinates hold NaN or infinite values")
        counts.add(len(group))
    for name, line in curves.items():
        if line.ndim not in (2, 3) or line.shape[-1] != 2 or 0 in line.shape:
            raise UserError(f"line {name!r}: expected [frames, vertices, 2] or [vertices, 2], got {list(line.shape)}")
        if np.isinf(line).any():
            raise UserError(f"line {name!r}: the coordinates hold infinite values")
        counts |= {len(line)} if line.ndim == 3 else set()
    if not counts:
        raise UserError("nothing moves: give points, or lines, with a first axis of frames")
    if len(counts) > 1:
        raise UserError(f"all groups and lines need the same number of frames, got {sorted(counts)}")
    return counts.pop()


def _around(arrays: list[np.ndarray], margin: float = 0.04) -> Box:
    """A box around all coordinates of all frames, with a margin."""
    every = np.concatenate([array.reshape(-1, 2) for array in arrays])
    low, high = np.nanmin(every, axis=0), np.nanmax(every, axis=0)
    room = np.where(high > low, margin * (high - low), 1.0)
    (left, bottom), (right, top) = (low - room).tolist(), (high + room).tolist()
    return left, right, bottom, top


def _colours(names: list[str]) -> dict[str, list[str]]:
    """A colour for each name, light and dark; the seventh is grey."""
    series = (*COLOURS[1:], COLOURS[0])
    chosen = [series[number % len(series)] for number in range(len(names))]
    return {name: [colour, ON_DARK[colour]] for name, colour in zip(names, chosen, strict=True)}


def _ticks(low: float, high: float) -> list[list[object]]:
    """Round numbers between two ends, as (value, word)."""
    values = [
        value for value in MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high) if low <= value <= high
    ]
    return [[float(value), minus(f"{round(value, 10):g}")] for value in values]


def _packed(coordinates: np.ndarray, box: Box) -> dict[str, object]:
    """Coordinates [frames, n, 2] as few characters: whole steps, the change from frame to frame, deflated, base64.

    NaN is `NOWHERE`. What lies far outside the box is moved nearer to it, where it cannot be seen either.
    """
    series = coordinates if coordinates.ndim == 3 else coordinates[None]
    low, high = np.array([box[0], box[2]]), np.array([box[1], box[3]])
    steps = np.round(np.clip((series - low) / (high - low), -1.5, 2.5) * LEVELS)
    whole = np.where(np.isnan(steps), NOWHERE, steps).astype(np.int16)
    changes = np.diff(whole, axis=0, prepend=np.zeros_like(whole[:1]))  # may wrap around, and so does the sum
    planes = np.frombuffer(changes.astype("<i2").tobytes(), dtype=np.uint8).reshape(-1, 2).T  # high bytes repeat
    data = zlib.compress(planes.tobytes(), 9)
    return {"frames": len(series), "size": series.shape[1], "data": base64.b64encode(data).decode()}


def _tint(values: np.ndarray, box: Box, widest: int = 192) -> dict[str, object]:
    """Values as a picture of 8 bits, the largest 255, the top row first; large ones are thinned out."""
    values = np.asarray(values, dtype=np.float64)
    if values.ndim != 2 or 0 in values.shape or not np.isfinite(values).all():
        raise UserError(f"the background is finite values [rows, columns], got {list(values.shape)}")
    picture = Image.fromarray(np.round(255 * np.clip(values / max(values.max(), 1e-12), 0, 1)).astype(np.uint8)[::-1])
    picture.thumbnail((widest, widest))
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG", optimize=True)
    return {"limits": box, "picture": f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"}


def _still(
    moving: dict[str, np.ndarray],
    curves: dict[str, np.ndarray],
    box: Box,
    count: int,
    words: object,
    frame_label: str,
    labels: tuple[str, str],
    equal: bool,
    description: str,
    colours: dict[str, list[str]],
) -> str:
    """The first and the last frame as a figure, for readers without scripts; of many points, some."""
    assert isinstance(words, list)

    def draw(sheet: Sheet) -> None:
        axes = sheet.axes(2, 1) if sheet.narrow else sheet.axes(1, 2)
        for axis, frame in zip(axes.flat, (0, count - 1), strict=True):
            for name, group in moving.items():
                some = group[frame, :: math.ceil(group.shape[1] / _FALLBACK_POINTS)]
                axis.plot(*some.T, "o", color=colours[name][0], markersize=4, markeredgewidth=0, alpha=0.7)
            for name, line in curves.items():
                axis.plot(*(line[frame] if line.ndim == 3 else line).T, color=colours[name][0] if name else INK)
            axis.set(title=f"{frame_label} {words[frame]}", xlabel=labels[0], ylabel=labels[1])
            axis.set(xlim=box[:2], ylim=box[2:], aspect="equal" if equal else "auto")

    return figure(draw, alt=f"{description} The first and the last frame.", height_px=330, narrow_height_px=620).html
