"""The mixing desk: an application in a notebook, over a `DeskSession`."""

from __future__ import annotations

import html
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from megami.errors import UserError, as_one_line
from megami.notebook.bundle import asset
from megami.notebook.desk_controls import CONTROL_WIDTH, NAME_WIDTH, TrimRows, WantedRows, button, slider
from megami.notebook.desk_files import SESSION_FORMATS, sample_names
from megami.notebook.desk_session import DeskSession
from megami.notebook.desk_work import Job, Work
from megami.notebook.live import live_or_still
from megami.notebook.player import build_player
from megami.notebook.recordings import recordings
from megami.notebook.stores import InlineStore

WIDE, USUAL = {"description_width": NAME_WIDTH}, {"width": CONTROL_WIDTH}
BUSY = "megami-desk-busy"  # class of a desk where work is under way
STILL = (
    "<p><em>The mixing desk answers where Python runs: open this chapter on Colab or with <code>make lab</code>, or "
    "run <code>make desk</code>.</em></p>"
)


class Desk:
    """The face of a `DeskSession`: shown by a notebook; long work runs beside it, and every end is one line."""

    def __init__(self, session: DeskSession) -> None:
        self.session = session
        self.work = Work(self._ended, self._moved)
        self._group, self._heard = secrets.token_hex(5), ""
        self._box: Any = None
        self._wanted: WantedRows | None = None
        self._trims: TrimRows | None = None
        self._quiet = False

    def widgets(self) -> Any:
        """The ipywidgets box, made once; a song that was on the desk comes back. Raises ImportError without them."""
        if self._box is None:
            self._build()
            if self.session.state.song:
                self._begin(self.session.restore)
        return self._box

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> Mapping[str, object]:
        """Live where Python can answer; elsewhere a line that says where it can."""
        return live_or_still(self.widgets, STILL, repr(self))

    def __repr__(self) -> str:
        return f"<mixing desk in {self.session.folder}>"

    # ---- building ----

    def _build(self) -> None:
        import ipywidgets as w

        self.status = w.HTML("Load a song to begin.").add_class("megami-desk-status")
        self.notes = w.HTML("").add_class("megami-desk-notes")
        self.progress = w.FloatProgress(min=0.0, max=1.0, description="", style=WIDE, layout=USUAL)
        cancel = self._button("Cancel", "x", "End what is under way", self._cancel)
        self.buttons: dict[str, Any] = {"x": cancel}
        self.player, keys = w.Output(), w.Output()
        keys.outputs = (_shown(f"<script>{asset('desk-keys.js')}</script>", ""),)
        self.wanted_box, self.trims_box = w.VBox([]), w.VBox([])
        parts = [
            self._heading("Song"),
            self._song_row(w),
            w.HBox([self.progress, cancel], layout={"flex_flow": "row wrap"}),
            self.status,
            self.notes,
            self.player,
            self._heading("The next take: what is kept, and what is wished for, in dB"),
            self.wanted_box,
            self._draw_row(w),
            self._heading("The chosen take: amount, trims (faders in dB, pans from left to right), files"),
            self._take_row(w),
            self.trims_box,
            self._out_row(w),
            keys,
        ]
        self._box = w.VBox(parts).add_class("megami-desk")
        self._fill()

    def _heading(self, words: str) -> Any:
        import ipywidgets

        return ipywidgets.HTML(f"<h3>{words}</h3>")

    def _button(self, text: str, key: str, tip: str, act: Callable[[], object], style: str = "") -> Any:
        return button(text, key, tip, lambda: self._guard(act), style)

    def _row(self, w: Any, *controls: Any) -> Any:
        for control in controls:
            if isinstance(control, w.Button):
                self.buttons[control.description[-2]] = control
        return w.Box(controls, layout={"display": "flex", "flex_flow": "row wrap", "width": "100%"})

    def _song_row(self, w: Any) -> Any:
        here = sample_names()
        self.sample = w.Dropdown(options=["", *here], description="sample", style=WIDE, layout=USUAL)
        self.sample.tooltip = "A song that comes with the book"
        self.place = w.Text(
            self.session.state.song, description="stems", placeholder="path of a folder of stems", style=WIDE
        )
        self.place.continuous_update = False  # half a path is a path, too
        self.place.tooltip = "Where the dry tracks of a song are, or the name of a sample song"
        self.place.layout.width = "30em"
        self.sample.observe(self._name_sample, names="value")
        self.files = w.FileUpload(multiple=True, description="Upload stems", tooltip="Stems from this computer")
        self.files.observe(lambda change: self._guard(lambda: self._upload(change["new"])), names="value")
        load = self._button("Load", "l", "Put this song on the desk", self._load, "primary")
        return self._row(w, self.sample, self.place, load, self.files)

    def _draw_row(self, w: Any) -> Any:
        self.record = w.Text(
            self.session.state.reference, description="references", placeholder="a.wav; b.wav:2; folder of wet stems"
        )
        self.record.continuous_update = False
        self.record.style, self.record.layout.width = WIDE, "30em"
        self.record.tooltip = (
            "Records whose tone and width the next takes should have, each with a weight if you like, and a folder of "
            "another song's wet stems, to treat tracks alike; semicolons between; empty: none"
        )
        self.record.continuous_update = False
        self.record.observe(lambda change: self._guard(lambda: self.session.follow(change["new"])), names="value")
        self.count = w.IntSlider(value=1, min=1, max=4, description="takes", style=WIDE, layout=USUAL)
        self.count.tooltip = "How many takes are drawn at once"
        self.trust = w.Checkbox(self.session.state.names_trusted, description="trust the names of tracks", indent=False)
        self.trust.tooltip = "Hear tracks as what they are called, not as what they sound like"
        self.trust.layout.width = "auto"
        self.trust.observe(lambda change: self._guard(lambda: self.session.trust_names(change["new"])), names="value")
        return self._row(
            w,
            self.record,
            self.trust,
            self.count,
            self._button("Draw", "d", "Draw takes", self._draw, "primary"),
            self._button("Want nothing", "n", "Keep no track, wish for nothing", self._want_nothing),
        )

    def _take_row(self, w: Any) -> Any:
        self.chosen = w.Dropdown(options=[""], description="take", style=WIDE, layout=USUAL)
        self.chosen.tooltip = "The take that trims, amounts and files are about"
        self.chosen.observe(lambda change: self._guard(lambda: self._choose(change["new"])), names="value")
        self.amount = slider("amount", "How much of what the take does", 1.0, 0.05, least=0.0, value=0.6)
        return self._row(
            w,
            self.chosen,
            self._button("Keep all of it", "k", "Keep every track of this take", self._keep_all),
            self._button("Drop it", "r", "Forget this take", self._drop),
            self.amount,
            self._button("Take this amount", "a", "Another take that does only so much", self._take_amount),
        )

    def _out_row(self, w: Any) -> Any:
        self.form = w.Dropdown(options=SESSION_FORMATS, description="session as", style=WIDE, layout=USUAL)
        self.form.tooltip = "dawproject: Bitwig, Studio One, Cubase; rpp: REAPER"
        return self._row(
            w,
            self._button("Hear the trims", "t", "Sum the trimmed tracks and master them", self._hear),
            self.form,
            self._button("Export", "e", "Write mix, stems, settings and session", self._export, "success"),
            w.Label(f"into {self.session.folder.resolve()}"),
        )

    # ---- what the controls do ----

    def _name_sample(self, change: Mapping[str, str]) -> None:
        self.place.value = change["new"] or self.place.value

    def _load(self) -> None:
        place = self.place.value.strip()
        self._begin(lambda progress: self.session.load(place, progress))

    def _upload(self, chosen: Any) -> None:
        if isinstance(chosen, Mapping):  # as ipywidgets 7 has it, which Colab comes with
            chosen = [{"name": name, **one} for name, one in chosen.items()]
        if files := {one["name"]: bytes(one["content"]) for one in chosen}:
            self._begin(lambda progress: self.session.upload(files, progress))

    def _draw(self) -> None:
        count = self.count.value
        self._begin(lambda progress: self.session.draw(count, progress))

    def _choose(self, take: str | None) -> None:
        if take and not self._quiet:
            self.session.choose(take)
            if self._trims:
                self._trims.show()

    def _keep_all(self) -> None:
        take = self.session.take(self.session.state.chosen)
        for name, z in zip(take.plan.names, take.plan.embeddings, strict=True):
            if z.any():
                self.session.keep(name, take.name)
        self._fill()
        self._say(f"all of {take.name} is kept in the next take, but for what is wished")

    def _want_nothing(self) -> None:
        for name in list(self.session.state.keep):
            self.session.keep(name, None)
        for name, wishes in list(self.session.state.wishes.items()):
            for measure in list(wishes):
                self.session.wish(name, measure, 0.0)
        self._fill()
        self._say("the next take is free")

    def _drop(self) -> None:
        take = self.session.state.chosen
        self._begin(lambda progress: self.session.drop(take))

    def _take_amount(self) -> None:
        take, amount = self.session.state.chosen, self.amount.value
        self._begin(lambda progress: self.session.take_amount(take, amount, progress))

    def _hear(self) -> None:
        take = self.session.state.chosen
        self._begin(lambda progress: self.session.hear(take, progress))

    def _export(self) -> None:
        take, form = self.session.state.chosen, self.form.value
        self._begin(lambda progress: self.session.export(take, form, progress))

    # ---- long work, and what is said ----

    def _cancel(self) -> None:
        if self.work.busy:
            self._say("ending what is under way ...")
            self.work.cancel()
        else:
            self._say("nothing is under way")

    def _begin(self, job: Job) -> None:
        if self.work.busy:
            self._say("something is under way: wait for it, or cancel it", True)
            return
        self.session.notes = []
        self._busy(True)  # before it begins, because it may have ended by the next line
        self._say("at work ...")
        self.work.start(job)

    def _moved(self, stage: str, share: float) -> None:
        self.progress.description, self.progress.value = stage, share

    def _ended(self, line: str, failed: bool) -> None:
        """Called when work is over, in its thread: the player is made, then the controls answer again."""
        try:
            self._fill()
            self._play()
        except Exception as error:
            line, failed = _words(error), True
        self._say(line, failed)
        self._busy(False)

    def _busy(self, busy: bool) -> None:
        """Show whether work is under way. No button is disabled: it would lose the focus, and its key with it."""
        (self._box.add_class if busy else self._box.remove_class)(BUSY)
        self.progress.description, self.progress.value = "", 0.0

    def _guard(self, act: Callable[[], object]) -> None:
        try:
            act()
        except Exception as error:
            self._say(_words(error), True)

    def _say(self, line: str, failed: bool = False) -> None:
        words = html.escape(line)
        self.status.value = f"<b>Not done:</b> {words}" if failed else words
        notes = [*(self.session.song.warnings if self.session.song else ()), *self.session.notes]
        self.notes.value = "<br>".join(html.escape(as_one_line(note)) for note in dict.fromkeys(notes))

    def _fill(self) -> None:
        """Let all controls stand as the session has it; rows are made anew for another song."""
        song, state = self.session.song, self.session.state
        names = song.names if song else ()
        if self._wanted is None or tuple(self._wanted.keeps) != names:
            self._wanted = WantedRows(self.session, names, self._guard)
            self._trims = TrimRows(self.session, names, self._guard)
            self.wanted_box.children = [self._wanted.box] if names else []
            self.trims_box.children = [self._trims.box] if names else []
        self._quiet = True
        self.chosen.options = list(state.takes) or [""]
        self.chosen.value = state.chosen
        self._quiet = False
        self._wanted.show()
        if self._trims:
            self._trims.show()
        self.place.value, self.record.value = state.song or self.place.value, state.reference
        self.trust.value = state.names_trusted

    def _play(self) -> None:
        """Put a player of all takes on the desk, if there is something else to hear than before."""
        if self.session.song is None:
            return
        items, captions = self.session.heard()
        heard = repr([(name, id(audio)) for name, audio in items[1:]] + captions + [id(self.session.song)])
        if heard != self._heard:
            self.progress.description = "player"
            sound = recordings(items, self.session.rate)
            found = build_player(sound, "", captions, True, InlineStore(), group=self._group)
            self.player.outputs = (_shown(found.html, repr(found)),)
            self._heard = heard


def mixing_desk(folder: str | Path = "desk", weights: str | Path | None = None, seconds: float | None = None) -> Desk:
    """A mixing desk in a notebook: load stems, draw takes, compare them blind, direct the next, trim, export.

    Everything is written into `folder`: desk.json, from which the desk comes back as it was in another kernel, and what
    is exported, each time into a new folder. weights: those of "small" unless another preset or a folder is named.
    seconds: only the loudest passage of a song, for trying out. Where no kernel answers, a line says so. Raises
    UserError for a desk.json that is no desk's. The chapter on the whole system shows it.
    """
    return Desk(DeskSession(folder, weights, seconds))


def _shown(page: str, text: str) -> dict[str, object]:
    """HTML as the output of a cell."""
    return {"output_type": "display_data", "data": {"text/html": page, "text/plain": text}, "metadata": {}}


def _words(error: Exception) -> str:
    if isinstance(error, UserError):
        return as_one_line(str(error))
    return as_one_line(f"this should not happen, please report it: {type(error).__name__}: {error}")
