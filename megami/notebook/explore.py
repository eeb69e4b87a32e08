"""Explore: a slider or a pad over renderings made beforehand, of which one is heard and seen at a time."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from matplotlib.figure import Figure

from megami.errors import UserError
from megami.notebook.figures import PageFigure, figure, figure_style
from megami.notebook.palette import COLOURS, ON_DARK
from megami.notebook.recordings import Recordings, minus, recordings
from megami.notebook.stores import store_here
from megami.notebook.widget import Widget, build_widget

Value = float | str
Rendering = torch.Tensor | PageFigure | tuple[Figure, str]


@dataclass
class _Item:
    """One rendering: where it lies, what is heard and seen there."""

    place: tuple[Value, ...]  # a value on each axis
    name: str = ""
    audio: torch.Tensor | None = None
    picture: PageFigure | None = None


@dataclass
class _Axis:
    label: str
    unit: str
    values: list[Value] = field(default_factory=list)

    def shown(self, value: Value) -> str:
        """A value with its unit."""
        number = value if isinstance(value, str) else minus(f"{value:g}")
        return f"{number}\N{NO-BREAK SPACE}{self.unit}" if self.unit else number

    def config(self) -> dict[str, object]:
        return {"label": self.label, "values": [self.shown(value) for value in self.values]}


def explore(
    items: Sequence[tuple],
    sample_rate: int | None = None,
    title: str = "",
    *,
    description: str,
    label: str | tuple[str, str],
    unit: str | tuple[str, str] = "",
    start: int | None = None,
    match: bool = True,
    bitrate_kbps: int = 96,
    at: Sequence[tuple[float, float]] | None = None,
    at_labels: tuple[str, str] = ("", ""),
    groups: Sequence[str] | None = None,
) -> Widget:
    """Move through renderings: what is heard and seen crossfades in place, and the song goes on from where it is.

    items: (value, rendering) or (value, audio, picture) each. A rendering is audio [channels, samples] or a picture: a
    `figure`, or (matplotlib figure, alt text). All items hold the same kinds. value: a number or a word, for a slider,
    whose steps are in the order of the items; or a pair (across, up), for a pad, and then every value across comes with
    every value up. sample_rate: of the audio. description: what there is to find out, for those who cannot hear or see
    it. label, unit: of the value, or a pair of each. start: number of the first item to show, else the one in the
    middle. match: bring all sounds to one loudness. at: where each item of a slider lies on a map (across, up), which
    then stands beside the slider, and at_labels what its two directions are. groups: of which group each item is, which
    gives its dot on the map a colour. Raises UserError for items that do not fit together.
    """
    read = [_read(item) for item in items]
    axes = _axes(read, label, unit)
    for item in read:
        item.name = ", ".join(f"{axis.label} {axis.shown(value)}" for axis, value in zip(axes, item.place, strict=True))
    first = len(read) // 2 if start is None else start
    if not 0 <= first < len(read):
        raise UserError(f"start is the number of an item, 0 to {len(read) - 1}, got {start}")
    sound = _sound(read, sample_rate, match, bitrate_kbps)
    config: dict[str, object] = {
        "title": title,
        "axes": [axis.config() for axis in axes],
        "items": [[axis.values.index(value) for axis, value in zip(axes, item.place, strict=True)] for item in read],
        "start": first,
    }
    if at is not None:
        config["map"] = _map(read, at, at_labels, groups)
    store = store_here()
    fallback = []
    if sound:
        config |= {**sound.config(), "overviews": sound.overviews()}
        fallback.append(sound.audio_elements(store, sound.identity(title)))
    if read[0].picture:
        fallback += [_captioned(item) for item in read] + [figure_style()]
    return build_widget("explore", config, description, "\n".join(fallback), store)


def _read(item: tuple) -> _Item:
    value, *renderings = item
    read = _Item(tuple(value) if isinstance(value, tuple | list) else (value,))
    for rendering in renderings:
        if isinstance(rendering, PageFigure):
            read.picture = rendering
        elif isinstance(rendering, tuple) and isinstance(rendering[0], Figure):
            read.picture = figure(rendering[0], alt=rendering[1])
        elif isinstance(rendering, Figure):
            raise UserError(f"the picture at {value} needs alt text: give (figure, alt text), or use figure()")
        else:
            try:
                read.audio = torch.as_tensor(rendering)
            except (TypeError, ValueError, RuntimeError):
                kind = type(rendering).__name__
                raise UserError(f"at {value}: neither audio nor a picture, but {kind}") from None
    return read


def _axes(items: list[_Item], label: str | tuple[str, str], unit: str | tuple[str, str]) -> list[_Axis]:
    """The axes of the values, one or two. Raises UserError for items that leave gaps or differ in kind."""
    if len(items) < 2:
        raise UserError("nothing to explore: give at least two items")
    labels = (label,) if isinstance(label, str) else tuple(label)
    units = (unit,) * len(labels) if isinstance(unit, str) else tuple(unit)
    dimensions = {len(item.place) for item in items}
    if dimensions != {len(labels)} or len(labels) not in (1, 2) or len(units) != len(labels):
        raise UserError("values, label and unit must agree: single ones for a slider, pairs for a pad")
    kinds = {(item.audio is not None, item.picture is not None) for item in items}
    if len(kinds) > 1 or kinds == {(False, False)}:
        raise UserError("every item needs a sound, or a picture, or both, and all items the same")
    axes = [_Axis(*words) for words in zip(labels, units, strict=True)]
    for number, axis in enumerate(axes):
        axis.values = list(dict.fromkeys(item.place[number] for item in items))
        if len(axes) == 2 and not any(isinstance(value, str) for value in axis.values):
            axis.values.sort()
    places = {item.place for item in items}
    wanted = 1
    for axis in axes:
        wanted *= len(axis.values)
    if len(places) < len(items):
        raise UserError("two items have the same value")
    if len(places) < wanted:
        raise UserError(f"the pad has {wanted} places, but {len(places)} items: every pair of values needs one")
    return axes


def _map(
    items: list[_Item], at: Sequence[tuple[float, float]], labels: tuple[str, str], groups: Sequence[str] | None
) -> dict[str, object]:
    """Places within the unit square, one scale on both axes, with the group of each. Raises UserError if any lacks."""
    if len(items[0].place) != 1:
        raise UserError("only items of a slider can lie on a map: give each a single value")
    kinds = list(groups) if groups is not None else [""] * len(items)
    if len(at) != len(items) or len(kinds) != len(items):
        raise UserError(
            f"{len(items)} items, but {len(at)} places on the map and {len(kinds)} groups: give one for each"
        )
    places = np.asarray(at, dtype=np.float64)
    if places.shape != (len(items), 2) or not np.isfinite(places).all():
        raise UserError("a place on the map is a pair of finite numbers (across, up)")
    low, high = places.min(0), places.max(0)
    shares = 0.5 + (places - (low + high) / 2) / max(float((high - low).max()), 1e-12)
    names = list(dict.fromkeys(kinds))
    colours = [COLOURS[1 + number % (len(COLOURS) - 1)] for number in range(len(names))]
    return {
        "labels": labels,
        "places": [[round(value, 4) for value in place] for place in shares.tolist()],
        "groups": [names.index(kind) for kind in kinds],
        "names": names if groups is not None else [],
        "colours": [[colour, ON_DARK[colour]] for colour in colours],
    }


def _sound(items: list[_Item], sample_rate: int | None, match: bool, bitrate_kbps: int) -> Recordings | None:
    audios = [(item.name, item.audio) for item in items if item.audio is not None]
    if not audios:
        return None
    if sample_rate is None:
        raise UserError("items with sound need a sample_rate")
    return recordings(audios, sample_rate, match, bitrate_kbps)


def _captioned(item: _Item) -> str:
    """The picture of an item, with its value, which only readers without scripts need to be told."""
    assert item.picture is not None
    return f"<div><p>{html.escape(item.name)}</p>{item.picture.markup}</div>"
