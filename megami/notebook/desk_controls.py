"""The controls of a mixing desk: made alike, each with a label, buttons with a key."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from megami.mixing.trim import Trim
from megami.mixing.wishes import WHOLE_MIX
from megami.notebook.desk_session import DeskSession

NAME_WIDTH, CONTROL_WIDTH = "6.5em", "18em"
ANEW = "draw anew"
WISHES = {  # measure: what a positive value asks for
    "level": "louder against the others",
    "pan": "more to the right",
    "width": "wider",
    "brightness": "more above 735 Hz against below",
}
MIX_WISHES = ("width", "brightness")
MOST_WISH_DB, MOST_TRIM_DB = 12.0, 12.0
Guard = Callable[[Callable[[], object]], None]
"""Calls what it is given, and turns what goes wrong into a line on the desk."""


def button(text: str, key: str, tip: str, act: Callable[[], object], style: str = "") -> Any:
    """A button that its key presses as well."""
    import ipywidgets

    made = ipywidgets.Button(
        description=f"{text} ({key})", tooltip=tip, button_style=style, layout={"width": "auto", "min_width": "8em"}
    )
    made.add_class("megami-desk-key").add_class(f"megami-desk-key-{key}")
    made.on_click(lambda _: act())
    return made


def slider(label: str, tip: str, most: float, step: float, least: float | None = None, value: float = 0.0) -> Any:
    """A slider from -most (or `least`) to most that answers when it is let go."""
    import ipywidgets

    return ipywidgets.FloatSlider(
        value=value,
        min=-most if least is None else least,
        max=most,
        step=step,
        description=label,
        tooltip=tip,
        continuous_update=False,
        readout_format="+.1f" if least is None else ".2f",
        style={"description_width": NAME_WIDTH},
        layout={"width": CONTROL_WIDTH},
    )


def row(name: str, controls: Sequence[Any]) -> Any:
    """The controls of one track under its name, as many beside each other as there is room for."""
    import ipywidgets

    heading = ipywidgets.Label(name, style={"font_weight": "bold"})
    flow = ipywidgets.Box(controls, layout={"display": "flex", "flex_flow": "row wrap", "width": "100%"})
    return ipywidgets.VBox([heading, flow], layout={"margin": "0 1em 0.5em 0", "max_width": "100%"})


class WantedRows:
    """For each track of a song, and for the mix: what is to be kept, and what is wished for."""

    def __init__(self, session: DeskSession, names: Sequence[str], guard: Guard) -> None:
        import ipywidgets

        self._session, self._quiet = session, False
        self.keeps: dict[str, Any] = {}
        self.wishes: dict[tuple[str, str], Any] = {}
        rows = []
        for name in names:
            keep = self.keeps[name] = ipywidgets.Dropdown(
                options=[ANEW],
                description="keep it from",
                tooltip=f"The take that {name} is kept from when the next is drawn",
                style={"description_width": NAME_WIDTH},
                layout={"width": CONTROL_WIDTH},
            )
            keep.observe(lambda change, name=name: guard(lambda: self._keep(name, change["new"])), names="value")
            rows.append(row(name, [keep, *(self._wish(name, measure, guard) for measure in WISHES)]))
        whole = [self._wish(WHOLE_MIX, measure, guard) for measure in MIX_WISHES]
        self.box = ipywidgets.VBox([*rows, row("the whole mix", whole)])
        self.show()

    def show(self) -> None:
        """Let all controls stand as the session has it."""
        state, self._quiet = self._session.state, True
        for name, keep in self.keeps.items():
            keep.options = [ANEW, *state.takes]
            keep.value = state.keep.get(name, ANEW)
        for (name, measure), wish in self.wishes.items():
            wish.value = state.wishes.get(name, {}).get(measure, 0.0)
        self._quiet = False

    def _wish(self, name: str, measure: str, guard: Guard) -> Any:
        tip = f"{WISHES[measure]}, in dB from the take without this wish; 0: no wish"
        made = self.wishes[name, measure] = slider(measure, tip, MOST_WISH_DB, 0.5)

        def changed(change: dict[str, Any]) -> None:
            if not self._quiet:
                guard(lambda: self._session.wish(name, measure, change["new"]))

        made.observe(changed, names="value")
        return made

    def _keep(self, name: str, take: str | None) -> None:
        if not self._quiet and take is not None:
            self._session.keep(name, None if take == ANEW else take)


class TrimRows:
    """For each track: a fader and a pan that are moved after the mix was made."""

    def __init__(self, session: DeskSession, names: Sequence[str], guard: Guard) -> None:
        import ipywidgets

        self._session, self._quiet, self._guard = session, False, guard
        self.controls: dict[str, tuple[Any, Any]] = {}
        rows = []
        for name in names:
            fader = slider("fader", f"Turns {name} up or down in this take", MOST_TRIM_DB, 0.5)
            pan = slider("pan", f"Pans {name} from where it is: -1 left, 1 right", 1.0, 0.05)
            pan.readout_format = "+.2f"
            self.controls[name] = (fader, pan)
            for control in (fader, pan):
                control.observe(lambda _, name=name: self._changed(name), names="value")
            rows.append(row(name, [fader, pan]))
        self.box = ipywidgets.Box(rows, layout={"display": "flex", "flex_flow": "row wrap", "width": "100%"})
        self.show()

    def show(self) -> None:
        """Let all controls stand as the chosen take has it."""
        take, self._quiet = self._session.state.takes.get(self._session.state.chosen), True
        for name, (fader, pan) in self.controls.items():
            trim = take.trims.get(name, Trim()) if take else Trim()
            fader.value, pan.value = trim.gain_db, trim.pan
        self._quiet = False

    def _changed(self, name: str) -> None:
        if not self._quiet:
            fader, pan = self.controls[name]
            self._guard(lambda: self._session.trim(self._session.state.chosen, name, fader.value, pan.value))
