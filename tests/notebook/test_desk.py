"""The controls of the mixing desk, without a browser: what they do, and what they say when it cannot be done."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest
import torch

from megami.audio import write_audio
from megami.notebook import Desk, DeskSession, mixing_desk
from megami.notebook.desk import BUSY
from megami.notebook.stores import BOOK_AUDIO_FOLDER
from megami.progress import Progress

ipywidgets = pytest.importorskip("ipywidgets", reason="ipywidgets is not installed: pip install megami[desk]")
RATE = 44100


@pytest.fixture
def desk(tmp_path, tiny_weights, dry_tracks) -> Desk:
    """A desk with a song of two tracks and one take."""
    for name, track in zip(("vocal", "bass"), dry_tracks(2, 1.0).values(), strict=True):
        write_audio(tmp_path / "song" / f"{name}.wav", torch.from_numpy(track)[None], RATE)
    found = Desk(DeskSession(tmp_path / "desk", tiny_weights, steps=2, device="cpu"))
    found.widgets()
    found.place.value = str(tmp_path / "song")
    press(found, "l")
    press(found, "d")
    return found


def press(desk: Desk, key: str) -> str:
    """Press a button and wait for the end of what it starts; what the desk says then."""
    desk.buttons[key].click()
    assert desk.work.wait(60)
    return desk.status.value


def controls(box: object) -> list:
    """All controls inside a box."""
    inside = [one for child in getattr(box, "children", ()) for one in controls(child)]
    kinds = (ipywidgets.Button, ipywidgets.Dropdown, ipywidgets.Text, ipywidgets.FloatSlider, ipywidgets.IntSlider)
    return [box] if isinstance(box, kinds) else inside


def titles(desk: Desk) -> list[str]:
    """What the player on the desk holds."""
    return desk.player.outputs[0]["data"]["text/plain"].split(": ")[-1].rstrip(">").split(", ")


def test_controls_say_what_is_wanted_of_the_next_take(desk) -> None:
    assert titles(desk) == ["Dry sum", "Take 1"] and desk.chosen.value == "Take 1"
    press(desk, "k")
    desk._wanted.wishes["vocal", "level"].value = 2.0
    assert desk.session.state.keep == {"vocal": "Take 1", "bass": "Take 1"}
    assert press(desk, "d") == "drawn: Take 2 (all kept from Take 1; vocal level +2 dB)"
    assert titles(desk) == ["Dry sum", "Take 1", "Take 2"]
    assert press(desk, "n") == "the next take is free" and desk._wanted.wishes["vocal", "level"].value == 0
    assert not desk.session.state.keep and not desk.session.state.wishes


def test_trims_belong_to_the_chosen_take(desk) -> None:
    press(desk, "d")
    fader, pan = desk._trims.controls["bass"]
    fader.value, pan.value = -3.0, 0.5
    assert press(desk, "t") == "Take 2 is heard as it is trimmed"
    desk.chosen.value = "Take 1"
    assert (fader.value, pan.value) == (0.0, 0.0) and not desk.session.state.takes["Take 1"].trims
    desk.chosen.value = "Take 2"
    assert (fader.value, pan.value) == (-3.0, 0.5)
    assert press(desk, "a") == "made: Take 3 (60 % of Take 2)" and fader.value == -3.0
    assert press(desk, "r") == "Take 3 is gone" and titles(desk) == ["Dry sum", "Take 1", "Take 2"]
    assert "is in" in press(desk, "e")
    words = json.loads((desk.session.folder / "take-2" / "settings.json").read_text())
    assert words["trims"] == {"bass": {"gain_db": -3.0, "pan": 0.5}}


def test_what_cannot_be_done_is_one_line_and_the_desk_goes_on(desk, tmp_path, monkeypatch) -> None:
    desk.place.value = str(tmp_path / "nowhere")
    line = press(desk, "l")
    assert line.startswith("<b>Not done:</b>") and "nowhere" in line and "\n" not in line
    desk.record.value = "no such record.wav"
    assert "no such record.wav is no file" in desk.status.value
    monkeypatch.setattr(DeskSession, "draw", lambda *_: [][0])
    assert "please report it: IndexError" in press(desk, "d") and "Traceback" not in desk.status.value

    def refused(*_: object) -> str:
        raise PermissionError(13, "Permission denied", "/locked")

    monkeypatch.setattr(DeskSession, "draw", refused)
    assert "/locked: Permission denied" in press(desk, "d") and "report" not in desk.status.value
    monkeypatch.undo()
    assert press(desk, "d") == "drawn: Take 2"
    assert press(desk, "x") == "nothing is under way"


@pytest.mark.parametrize("version", [7, 8])
def test_uploaded_stems_are_put_on_the_desk(desk, tmp_path, version) -> None:
    files = {path.name: path.read_bytes() for path in (tmp_path / "song").iterdir()}
    chosen = {name: {"content": data} for name, data in files.items()}
    if version == 8:
        chosen = tuple({"name": name, "content": memoryview(data)} for name, data in files.items())
    desk._upload(chosen)  # what the control holds in that version of ipywidgets
    assert desk.work.wait(60) and desk.status.value.startswith("uploaded: 2 tracks")
    assert titles(desk) == ["Dry sum"] and "the takes of song are kept in desk-song.json" in desk.status.value


def test_a_desk_at_work_answers_and_loses_neither_the_work_nor_the_keys(desk, monkeypatch) -> None:
    begun, may_end = threading.Event(), threading.Event()

    def slow(session: DeskSession, count: int, progress: Progress) -> str:
        begun.set()
        assert may_end.wait(60)
        progress("mix 1", 1, 2)
        return "drawn"

    monkeypatch.setattr(DeskSession, "draw", slow)
    desk.buttons["d"].click()
    assert begun.wait(60) and BUSY in desk.widgets()._dom_classes
    desk.buttons["r"].click()
    assert "something is under way" in desk.status.value and list(desk.session.state.takes) == ["Take 1"]
    assert not any(one.disabled for one in desk.buttons.values())  # a disabled button loses the focus
    desk.buttons["x"].click()
    may_end.set()
    assert desk.work.wait(60) and desk.status.value.startswith("cancelled")
    assert BUSY not in desk.widgets()._dom_classes


def test_every_control_has_a_label_and_every_button_a_key_of_its_own(desk) -> None:
    found = controls(desk.widgets())
    assert len(found) > 20 and all(one.description and one.tooltip for one in found)
    keys = [one.description[-2] for one in found if isinstance(one, ipywidgets.Button)]
    assert sorted(keys) == sorted(set(keys)) == sorted(desk.buttons)


def test_where_no_kernel_answers_a_line_says_where_one_does(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv(BOOK_AUDIO_FOLDER, str(tmp_path / "audio"))
    shown = mixing_desk(tmp_path / "desk")._repr_mimebundle_()
    assert set(shown) == {"text/html", "text/plain"} and "make desk" in str(shown["text/html"])
    assert not Path(tmp_path / "desk").exists()
