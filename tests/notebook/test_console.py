"""The console's Python side: settings are checked, and what is put into a page is what was asked for."""

from __future__ import annotations

import html
import json
import re
import sys

import pytest
import torch

from megami.audio import true_peak_db
from megami.errors import UserError
from megami.notebook import ConsoleSettings, StripSettings, console, console_settings
from megami.notebook.bundle import widget_script
from megami.notebook.console import DESK, HEADROOM_DBTP
from megami.notebook.console_settings import CONTROLS

RATE = 44100
SAYS = "Three stems to mix"


def stems(gain: float = 0.2) -> list[tuple[str, torch.Tensor]]:
    noise = torch.randn(3, 2, RATE, generator=torch.Generator().manual_seed(3)).clamp(-3, 3)
    return [(name, gain * noise[number]) for number, name in enumerate(("drums", "bass", "vocal"))]


def config(page: str) -> dict:
    return json.loads(html.unescape(re.search(r'data-config="([^"]+)"', page)[1]))


def test_settings_come_back_as_they_went() -> None:
    one = ConsoleSettings({"bass": StripSettings(fader_db=-3.5, pan=0.25, solo=True, mid_hz=640.0)}, master_db=-1.0)
    assert console_settings(one.as_json()) == one
    assert console_settings(json.dumps(one.as_json())) == one
    assert console_settings({"tracks": {}}) == ConsoleSettings()


def test_settings_are_read_from_a_file(tmp_path) -> None:
    path = tmp_path / "console.json"
    path.write_text('{"tracks": {"bass": {"pan": -1}}}', encoding="utf-8")
    assert console_settings(path).tracks["bass"] == StripSettings(pan=-1.0)
    assert console_settings(str(path), ["bass"]) == console_settings(path)
    with pytest.raises(UserError, match=r"cannot read the settings .*nowhere\.json"):
        console_settings(tmp_path / "nowhere.json")


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ("{", "not"),
        ({"bass": {"pan": 0}}, "have the form"),
        ({"tracks": [1]}, "have the form"),
        ({"tracks": {"bass": 3}}, "must be a dict"),
        ({"tracks": {"bass": {"volume": 1}}}, "'volume'.*it has fader_db"),
        ({"tracks": {"bass": {"pan": 2}}}, "'bass': pan is 2, but must lie between -1 and 1"),
        ({"tracks": {"bass": {"pan": True}}}, "is a number, not True"),
        ({"tracks": {"bass": {"low_db": float("nan")}}}, "is a number, not nan"),
        ({"tracks": {"bass": {"mute": 1}}}, "mute is true or false, not 1"),
        ({"tracks": {}, "master_db": 40}, "master fader is 40"),
        ({"tracks": {"horn": {}}}, "'horn', but the tracks are drums, bass"),
    ],
)
def test_settings_that_cannot_be_are_refused_in_one_line(wrong, words) -> None:
    with pytest.raises(UserError, match=words) as raised:
        console_settings(wrong, ["drums", "bass"])
    assert "\n" not in str(raised.value)


def test_the_page_knows_every_control_its_settings_and_its_target() -> None:
    target = {"tracks": {"bass": {"fader_db": -6}}}
    page = console(
        stems(), RATE, "Desk", description=SAYS, target=target, settings={"tracks": {"drums": {"mute": True}}}
    )
    told = config(page.html)
    assert told["names"] == ["drums", "bass", "vocal"] and told["desk"] == DESK
    assert [control["key"] for control in told["controls"]] == [control.key for control in CONTROLS]
    assert {control["key"] for control in told["controls"]} | {"mute", "solo"} == set(vars(StripSettings()))
    assert told["settings"]["tracks"] == {"drums": vars(StripSettings(mute=True))}
    assert console_settings(told["target"]) == console_settings(target)
    assert page.html.count("<audio ") == 3 and 'aria-label="vocal"' in page.html


def test_a_finished_mix_is_a_further_recording() -> None:
    page = console(stems(), RATE, description=SAYS, target_mix=stems()[0][1]).html
    assert page.count("<audio ") == 4 and config(page)["target"] is None and len(config(page)["names"]) == 3


def test_the_plain_sum_has_headroom_and_stems_keep_their_balance() -> None:
    from megami.notebook.console import _with_headroom
    from megami.notebook.recordings import recordings

    one = stems()[0][1]
    items = [("a", one), ("b", one), ("c", 0.5 * one)]
    sound = _with_headroom(recordings(items, RATE, match=False), 3)
    total = torch.stack(sound.audios).sum(0)
    assert true_peak_db(total, RATE) == pytest.approx(HEADROOM_DBTP, abs=0.01)
    assert torch.allclose(sound.audios[2], 0.5 * sound.audios[0])


def test_what_cannot_be_mixed_is_said_in_one_line() -> None:
    with pytest.raises(UserError, match="two stems are called 'drums'"):
        console([*stems(), stems()[0]], RATE, description=SAYS)
    with pytest.raises(UserError, match="description"):
        console(stems(), RATE, description="")
    with pytest.raises(UserError, match="nothing to play"):
        console([], RATE, description=SAYS)
    with pytest.raises(UserError, match="'horn'"):
        console(stems(), RATE, description=SAYS, target={"tracks": {"horn": {}}})


def test_too_much_sound_for_a_browser_is_refused(monkeypatch) -> None:
    monkeypatch.setattr(sys.modules["megami.notebook.console"], "LARGEST_DECODED_BYTES", 3 * RATE * 8 / 2)
    with pytest.raises(UserError, match=r"3 stems of 1 s are too much .* at most 0\.5 s"):
        console(stems(), RATE, description=SAYS)


def test_names_cannot_break_out_of_the_page() -> None:
    name = """</script><img src=x onerror=alert(1)> "quoted" 'n' & co"""
    text = console([(name, stems()[0][1])], RATE, title=name, description=name).html
    assert "<img" not in text.replace("&lt;img", "") and text.count("</script>") == 2
    assert config(text)["names"] == [name]


def test_a_script_of_several_files_is_whole() -> None:
    text = widget_script("console").text
    assert "// include" not in text
    for words in ("class Console extends Widget", "class Desk ", "function kWeighting(", "class DeskEngine"):
        assert text.count(words) == 1, words
