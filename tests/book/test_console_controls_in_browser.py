"""The console's controls: settings as JSON, keys, sliders, width, accessibility, frames."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from axe import grave_faults
from desk import (
    DESK_WIDGET,
    NAMES,
    TARGET,
    apply,
    desk_page,
    downloaded,
    noise,
    part,
    settings,
    status,
    wait_for,
)
from pages import SAMPLE_RATE, open_file, sandboxed, shadow_parts

from megami.notebook import console_settings

pytest.importorskip("selenium", reason="selenium is not installed: pip install megami[test]")
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys


def test_settings_travel_as_json(page: object, desk: Path) -> None:
    open_file(page, desk)
    tracks = {"drums": {"fader_db": -4.5, "pan": -0.3, "mid_hz": 640.0}, "vocal": {"mute": True, "send_db": -20.0}}
    apply(page, tracks, master_db=-2.0)
    saved = downloaded(page, ".save").decode()
    read = console_settings(saved, NAMES)
    assert read.master_db == -2.0 and read.tracks["vocal"].mute and read.tracks["drums"].mid_hz == 640.0
    part(page, ".reset").click()
    assert settings(page)["tracks"]["drums"]["fader_db"] == 0
    apply(page, read.as_json()["tracks"], -2.0)
    assert downloaded(page, ".save").decode() == saved


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("nonsense", "not JSON"),
        ("[1]", "no"),
        ('{"tracks": {"horn": {}}}', "no track called horn"),
        ('{"tracks": {"bass": {"pan": 3}}}', "pan must be a number from -1 to 1"),
        ('{"tracks": {"bass": {"volume": 3}}}', "no control volume"),
        ('{"tracks": {"bass": {"mute": 3}}}', "mute must be true or false"),
    ],
)
def test_settings_that_cannot_be_change_nothing(page: object, desk: Path, text: str, words: str) -> None:
    open_file(page, desk)
    apply(page, {"bass": {"pan": 0.5}})
    before = page.execute_script(DESK_WIDGET + "return JSON.stringify(desk.settings)")
    page.execute_script(DESK_WIDGET + "desk.$('.text').value = arguments[0]; desk.$('.apply').click();", text)
    wait_for(page, "desk.$('.status').textContent.includes('cannot be loaded')")
    assert words in status(page) and page.execute_script(DESK_WIDGET + "return JSON.stringify(desk.settings)") == before


def test_keys(page: object, desk: Path) -> None:
    open_file(page, desk)
    page.execute_script(DESK_WIDGET + "desk.panel.focus()")
    press = lambda *keys: ActionChains(page).send_keys(*keys).perform()  # noqa: E731
    press("2")
    focused = "return document.querySelector('.megami-widget').shadowRoot.activeElement.getAttribute('aria-label')"
    assert page.execute_script(focused) == "Fader, bass"
    press(Keys.ARROW_UP, Keys.ARROW_UP)
    assert settings(page)["tracks"]["bass"]["fader_db"] == 1.0
    press("m")
    assert settings(page)["tracks"]["bass"]["mute"] is True
    press("s", "3", "s")
    assert [settings(page)["tracks"][name]["solo"] for name in NAMES] == [False, True, True]
    press("2", Keys.DELETE)
    assert settings(page)["tracks"]["bass"]["fader_db"] == 0
    press(" ")
    wait_for(page, "desk.engine.playing && desk.engine.position() > 0.05")
    press(" ")
    assert not page.execute_script(DESK_WIDGET + "return desk.engine.playing")


def test_sliders_say_value_and_unit_and_a_double_click_resets(page: object, desk: Path) -> None:
    open_file(page, desk)
    apply(page, {"drums": {"pan": -0.3, "mid_hz": 2500.0, "ratio": 4.0, "low_db": -3.0, "send_db": -60.0}})
    said = {slider.get_attribute("aria-label"): slider.get_attribute("aria-valuetext") for slider in sliders(page)}
    assert said["Pan, drums"] == "30 % left" and said["Mid at, drums"] == "2.5 kHz"
    assert said["Ratio, drums"] == "4 : 1" and said["Low, drums"] == "\N{MINUS SIGN}3.0 dB"
    assert said["Reverb, drums"] == "off" and said["Pan, bass"] == "centre"
    ActionChains(page).double_click(part(page, ".strip .pan input")).perform()
    assert settings(page)["tracks"]["drums"]["pan"] == 0
    part(page, ".mute").click()
    assert part(page, ".mute").get_attribute("aria-pressed") == "true"


def sliders(driver: object) -> list:
    return shadow_parts(driver, ".knob input")


def test_turning_a_knob_does_not_click(page: object, tmp_path: Path) -> None:
    """A tone through a fader that jumps by 20 dB: no step from sample to sample is larger than the tone's own."""
    time_s = torch.arange(SAMPLE_RATE) / SAMPLE_RATE
    wave = (0.5 * torch.sin(2 * torch.pi * 200 * time_s)).expand(2, -1)
    open_file(page, desk_page(tmp_path / "tone.html", [("tone", wave)]))
    script = """
    const done = arguments[0];
    const desk = document.querySelector('.megami-widget').megamiWidget, { engine } = desk;
    const offline = new OfflineAudioContext(2, 0.8 * 44100, 44100);
    const goOn = offline.resume.bind(offline);
    offline.resume = async () => {};
    window.megamiAudioContext = offline;
    (async () => {
      await engine.play();
      offline.suspend(0.4).then(() => {
        desk.settings.strips[0].fader_db = -20;
        desk.settings.strips[0].mid_db = 12;
        desk.changed();
        goOn();
      });
      done(Array.from((await offline.startRendering()).getChannelData(0)));
    })();
    """
    sound = np.array(page.execute_async_script(script))
    steps = np.abs(np.diff(sound))
    before, at, after = (
        steps[slice(*(round(x * SAMPLE_RATE) for x in span))] for span in ((0.2, 0.39), (0.39, 0.5), (0.6, 0.75))
    )
    assert at.max() < 1.3 * before.max() and after.max() < 0.3 * before.max()


def test_a_phone_shows_one_track_at_a_time(page: object, matching: Path) -> None:
    try:
        page.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride", {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True}
        )
        open_file(page, matching)
        assert page.execute_script("return document.documentElement.scrollWidth <= window.innerWidth")
        shown = lambda: [strip.is_displayed() for strip in shadow_parts(page, ".strip")]  # noqa: E731
        assert shown() == [True, False, False]
        shadow_parts(page, ".chip")[2].click()
        assert shown() == [False, False, True] and not part(page, ".master").is_displayed()
        shadow_parts(page, ".chip")[3].click()
        assert shown() == [False, False, False] and part(page, ".master").is_displayed()
        shadow_parts(page, ".chip")[0].click()
        part(page, ".reveal").click()
        assert page.execute_script("return document.documentElement.scrollWidth <= window.innerWidth")
        for control in shadow_parts(page, "button, input, summary, select"):
            if control.is_displayed():
                assert control.size["height"] >= 24 and control.size["width"] >= 24, control.get_attribute("outerHTML")
    finally:
        page.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_many_tracks_scroll_inside_the_console_only(page: object, tmp_path: Path) -> None:
    many = [(f"track {number}", noise(number, 0.02, 0.3)) for number in range(12)]
    open_file(page, desk_page(tmp_path / "many.html", many))
    assert page.execute_script("return document.documentElement.scrollWidth <= window.innerWidth")
    assert page.execute_script(DESK_WIDGET + "const s = desk.$('.strips'); return s.scrollWidth > s.clientWidth")


@pytest.mark.parametrize("ground", ["white", "#111418"])
def test_axe_finds_nothing_serious(page: object, band: list, tmp_path: Path, ground: str) -> None:
    tracks = {"drums": {"mute": True}, "bass": {"solo": True}}
    open_file(page, desk_page(tmp_path / "axe.html", band, ground, target=TARGET, settings={"tracks": tracks}))
    part(page, ".reveal").click()
    part(page, ".help").click()
    wait_for(page, "desk.target.residual !== undefined")
    assert grave_faults(page) == []


def test_it_works_in_a_sandboxed_frame(page: object, band: list, tmp_path: Path) -> None:
    """As in Colab: scripts allowed, same origin not."""
    inside = desk_page(tmp_path / "inside.html", band).read_text(encoding="utf-8")
    open_file(page, sandboxed(tmp_path / "outside.html", inside))
    try:
        page.switch_to.frame(0)
        part(page, ".play").click()
        wait_for(page, "desk.engine.playing && desk.engine.position() > 0.1")
        part(page, ".mute").click()
        assert settings(page)["tracks"]["drums"]["mute"] is True
    finally:
        page.switch_to.default_content()
