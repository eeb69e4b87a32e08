"""Live: knobs that Python answers, with the sound before and after; where no kernel runs, a widget without one."""

from __future__ import annotations

import math
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from megami.effects import Effect
from megami.errors import UserError
from megami.notebook.explore import explore
from megami.notebook.player import build_player
from megami.notebook.recordings import recordings
from megami.notebook.stores import BookStore, InlineStore, store_here
from megami.notebook.widget import Widget

Render = Callable[..., torch.Tensor]


@dataclass(frozen=True)
class Knob:
    """A setting to turn: its name as an argument, its limits, where it stands at first, and its unit."""

    name: str
    low: float
    high: float
    value: float
    unit: str = ""
    log: bool = False  # equal steps are equal ratios
    whole: bool = False

    def __post_init__(self) -> None:
        if not self.low < self.high or not self.low <= self.value <= self.high:
            raise UserError(f"knob {self.name!r}: {self.value:g} should lie between {self.low:g} and {self.high:g}")
        if self.log and self.low <= 0:
            raise UserError(f"knob {self.name!r}: a logarithmic scale begins above zero, not at {self.low:g}")

    def values(self, count: int) -> list[float]:
        """Values from the lowest to the highest, equally spaced on the knob's scale."""
        if self.log:
            points = [self.low * (self.high / self.low) ** (step / (count - 1)) for step in range(count)]
        else:
            points = [self.low + (self.high - self.low) * step / (count - 1) for step in range(count)]
        return [float(round(point)) for point in points] if self.whole else points

    def words(self, value: float) -> str:
        """A value as it is shown."""
        return f"{value:.3g} {self.unit}".strip()


class Live:
    """Knobs over a function that renders sound: live in a notebook with a kernel, precomputed elsewhere."""

    def __init__(
        self,
        audio: torch.Tensor,
        sample_rate: int,
        render: Render,
        knobs: Sequence[Knob],
        title: str,
        description: str,
        kernel_free: Widget,
    ) -> None:
        self.audio, self.sample_rate, self.render, self.knobs = audio, sample_rate, render, tuple(knobs)
        self.title, self.description, self.kernel_free = title, description, kernel_free
        self._group = secrets.token_hex(5)
        self._box: Any = None

    def sound(self, settings: Mapping[str, float]) -> Widget:
        """A player of the sound before and after, with these settings."""
        after = self.render(self.audio, **settings)
        caption = ", ".join(f"{knob.name} {knob.words(settings[knob.name])}" for knob in self.knobs)
        heard = recordings([("Before", self.audio), ("After", after)], self.sample_rate)
        return build_player(heard, "", ["", caption], True, InlineStore(), group=self._group)

    def widgets(self) -> Any:
        """The ipywidgets box, made once: a slider for each knob, the player below. Raises ImportError without them."""
        if self._box is None:
            import ipywidgets

            sliders = [_slider(ipywidgets, knob) for knob in self.knobs]
            output, message = ipywidgets.Output(), ipywidgets.Label()

            def update(_: object = None) -> None:
                settings = {knob.name: slider.value for knob, slider in zip(self.knobs, sliders, strict=True)}
                try:
                    found = self.sound(settings)
                except UserError as error:  # a setting that does not fit the others
                    message.value = str(error)
                    return
                message.value = ""
                data = {"text/html": found.html, "text/plain": repr(found)}
                output.outputs = ({"output_type": "display_data", "data": data, "metadata": {}},)

            for slider in sliders:
                slider.observe(update, names="value")
            update()
            heading = [ipywidgets.Label(self.title)] if self.title else []
            self._box = ipywidgets.VBox([*heading, *sliders, message, output])
        return self._box

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, object]:
        """Live where Python can answer; the page of a book, and viewers without a kernel, get the other one."""
        return live_or_still(self.widgets, self.kernel_free.html, repr(self))

    def __repr__(self) -> str:
        return f"<live: {self.description}>"


def live_or_still(widgets: Callable[[], Any], still_html: str, text: str) -> dict[str, object]:
    """What a notebook shows: live widgets where Python can answer, else `still_html`; `text` where there is no HTML.

    The page of a book has no kernel, and without ipywidgets there is nothing live.
    """
    still: dict[str, object] = {"text/html": still_html, "text/plain": text}
    if isinstance(store_here(), BookStore):
        return still
    try:
        bundle = widgets()._repr_mimebundle_()
    except ImportError:
        return still
    data = bundle[0] if isinstance(bundle, tuple) else bundle
    return {**still, **{kind: value for kind, value in data.items() if kind != "text/plain"}}


def live(
    audio: torch.Tensor,
    sample_rate: int,
    render: Render,
    knobs: Sequence[Knob],
    title: str = "",
    *,
    description: str,
    steps: int = 5,
) -> Live:
    """Turn knobs and hear what a function makes of a recording, in a notebook with a kernel.

    audio: [channels, samples]. render(audio, **settings) gives audio of the same shape; settings are named after the
    knobs. Before and after are played equally loud. Where no kernel answers (the built book, a viewer), the first knob
    becomes a slider over `steps` precomputed renderings, the others stay where they are at first. description: what is
    to be heard, for screen readers. Raises UserError without a knob or a description.
    """
    if not knobs:
        raise UserError("live needs at least one knob")
    if steps < 2:
        raise UserError(f"{steps} renderings make no slider: give at least two")
    first, rest = knobs[0], {knob.name: knob.value for knob in knobs[1:]}
    rendered = [(float(f"{value:.3g}"), render(audio, **{first.name: value, **rest})) for value in first.values(steps)]
    still = explore(rendered, sample_rate, title, description=description, label=first.name, unit=first.unit)
    return Live(audio, sample_rate, render, knobs, title, description, still)


def live_effect(
    audio: torch.Tensor,
    sample_rate: int,
    effect: type[Effect],
    title: str = "",
    *,
    knobs: Mapping[str, float],
    description: str,
    steps: int = 5,
) -> Live:
    """Turn the knobs of an audio effect (`megami.effects`) and hear it.

    audio: [1 or 2 channels, samples]. knobs: the settings to turn, and where they stand at first; the effect's other
    settings keep their defaults. Limits, scales and units are the effect's own. The rest as in `live`. Raises
    UserError for a setting that the effect does not have.
    """
    unknown = sorted(set(knobs) - set(effect.RANGES))
    if unknown:
        raise UserError(f"{effect.__name__} has no {unknown[0]!r}; it has {', '.join(effect.RANGES)}")
    turned = []
    for name, value in knobs.items():
        limits = effect.RANGES[name]
        turned.append(Knob(name, limits.low, limits.high, value, limits.unit, limits.log, limits.whole))

    def render(dry: torch.Tensor, **settings: float) -> torch.Tensor:
        stereo = dry.expand(2, -1).numpy()  # effects are stereo
        return torch.from_numpy(effect(**settings).apply(stereo, sample_rate))

    return live(audio, sample_rate, render, turned, title, description=description, steps=steps)


def _slider(ipywidgets: Any, knob: Knob) -> Any:
    """The slider of a knob; it answers when it is let go, since rendering takes a moment."""
    named = {
        "description": f"{knob.name} ({knob.unit})" if knob.unit else knob.name,
        "continuous_update": False,
        "style": {"description_width": "11em"},
        "layout": {"width": "min(32em, 95%)"},
    }
    if knob.whole:
        return ipywidgets.IntSlider(value=int(knob.value), min=int(knob.low), max=int(knob.high), **named)
    if knob.log:
        low, high = math.log10(knob.low), math.log10(knob.high)  # its limits are exponents
        scale = {"base": 10, "min": low, "max": high, "step": (high - low) / 200}
        return ipywidgets.FloatLogSlider(value=knob.value, readout_format=".3g", **scale, **named)
    scale = {"min": knob.low, "max": knob.high, "step": (knob.high - knob.low) / 200}
    return ipywidgets.FloatSlider(value=knob.value, readout_format=".3g", **scale, **named)
