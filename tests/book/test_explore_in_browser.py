"""Explore as a reader meets it: slider, pad, keys and touch; sound that goes on in place; pictures that do not jump."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from axe import grave_faults
from pages import SAMPLE_RATE, open_file, sandboxed, tone

from megami.notebook import PageFigure, Sheet, explore, figure

pytest.importorskip("selenium", reason="selenium is not installed: pip install megami[test]")
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

HOST = "const widget = document.querySelectorAll('.megami-widget')[arguments[0]].megamiWidget;"
SLIDER, PAD, PICTURES, MAP = range(4)


def picture(number: int) -> PageFigure:
    def draw(sheet: Sheet) -> None:
        sheet.axis().plot([0, 1], [0, number])

    return figure(draw, alt=f"A line up to {number}.", height_px=150 + 20 * number)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A slider over sounds and pictures, a pad over sounds, a slider over pictures, and a map of sounds."""
    both = [(value, tone(200 + 100 * value, 6.0), picture(value)) for value in range(5)]
    grid = [((x, y), tone(200 + 40 * x + 10 * y, 3.0)) for x in range(4) for y in range(3)]
    pictures = [(value, picture(value)) for value in range(3)]
    takes = [(f"take {number}", tone(300 + 100 * number, 3.0)) for number in range(4)]
    places = [(0.0, 0.0), (2.0, 2.0), (0.5, 1.5), (2.0, 0.2)]
    widgets = [
        explore(both, SAMPLE_RATE, "Both", description="Tones and lines.", label="height", unit="m", match=False),
        explore(grid, SAMPLE_RATE, "Pad", description="A field of tones.", label=("across", "up"), unit=("Hz", "dB")),
        explore(pictures, description="Lines.", label="number"),
        explore(takes, SAMPLE_RATE, "Map", description="Takes.", label="take", at=places, groups=list("aabb"), start=0),
    ]
    path = tmp_path_factory.mktemp("explore") / "page.html"
    path.write_text(
        "<!DOCTYPE html><html lang='en'><meta charset='utf-8'><meta name='viewport' content='width=device-width'>"
        "<title>Explore</title><style>:root { color-scheme: light dark; } body { margin: 8px; }</style>"
        f"<body><main><h1>Explore</h1>{''.join(widget.html for widget in widgets)}</main>",
        encoding="utf-8",
    )
    return path


@pytest.fixture
def phone(page: object) -> Iterator[object]:
    """The page on a phone: 390 px, touch, dark."""
    dark = {"name": "prefers-color-scheme", "value": "dark"}
    size = {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True}
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [dark]})
    page.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    page.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": True})
    yield page
    page.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": False})
    page.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def part(driver: object, selector: str, number: int) -> object:
    return parts(driver, selector, number)[0]


def parts(driver: object, selector: str, number: int) -> list:
    host = driver.find_elements(By.CSS_SELECTOR, ".megami-widget")[number]
    return host.shadow_root.find_elements(By.CSS_SELECTOR, selector)


def ask(driver: object, expression: str, number: int) -> object:
    return driver.execute_script(f"{HOST} return {expression};", number)


def wait_for(driver: object, condition: str, number: int, seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not ask(driver, f"Boolean({condition})", number):
        assert time.monotonic() < end, f"did not come about: {condition}"
        time.sleep(0.03)


def press(driver: object, *keys: str) -> None:
    ActionChains(driver).send_keys(*keys).perform()


def shown_pictures(driver: object, number: int) -> list[str]:
    """Alt text of the pictures that are visible and seen by screen readers."""
    return driver.execute_script(
        HOST
        + """return [...widget.$$(".stage .picture")].filter((picture) => picture.checkVisibility(
        { visibilityProperty: true })).map((picture) => picture.getAttribute("aria-label"))""",
        number,
    )


def wait_for_picture(driver: object, alt: str, number: int) -> None:
    end = time.monotonic() + 10
    while shown_pictures(driver, number) != [alt]:
        assert time.monotonic() < end, shown_pictures(driver, number)
        time.sleep(0.03)


def test_the_slider_changes_value_picture_and_sound(page: object, written: Path) -> None:
    open_file(page, written)
    assert part(page, ".value", SLIDER).text == "2 m"
    page.execute_script("arguments[0].focus()", part(page, ".knob input", SLIDER))
    press(page, Keys.ARROW_RIGHT)
    assert part(page, ".value", SLIDER).text == "3 m"
    assert part(page, ".knob input", SLIDER).get_attribute("aria-valuetext") == "3\u00a0m"
    assert ask(page, "widget.engine.index", SLIDER) == 3
    wait_for_picture(page, "A line up to 3.", SLIDER)
    press(page, Keys.END)
    assert part(page, ".value", SLIDER).text == "4 m"


def test_sound_goes_on_where_it_was(page: object, written: Path) -> None:
    open_file(page, written)
    part(page, ".play", SLIDER).click()
    wait_for(page, "widget.engine.playing && widget.engine.position() > 0.5", SLIDER)
    wait_for(page, "[1, 2, 3].every((near) => widget.engine.decoded[near]?.buffer)", SLIDER)
    measured = page.execute_async_script(
        HOST
        + """
        const { engine } = widget, done = arguments[1];
        const now = () => [engine.position(), engine.context.currentTime];
        const [position, time] = now();
        const input = widget.$(".knob input");
        input.value = 3;
        input.dispatchEvent(new Event("input"));
        setTimeout(() => done([now()[0] - position, now()[1] - time, engine.voice.index]), 300);
        """,
        SLIDER,
    )
    moved, should, heard = measured
    assert heard == 3
    assert (moved + 3.0) % 6.0 - 3.0 == pytest.approx(should, abs=0.05)  # it loops


def test_only_sounds_within_reach_are_loaded(page: object, written: Path) -> None:
    open_file(page, written)
    loaded = "widget.engine.decoded.map((sound, index) => (sound?.buffer ? index : -1)).filter((index) => index >= 0)"
    assert ask(page, loaded, SLIDER) == []
    part(page, ".play", SLIDER).click()
    wait_for(page, f"{loaded}.length === 3", SLIDER)
    assert ask(page, loaded, SLIDER) == [1, 2, 3]
    page.execute_script("arguments[0].focus()", part(page, ".knob input", SLIDER))
    press(page, Keys.ARROW_RIGHT)
    wait_for(page, f"{loaded}.length === 4", SLIDER)
    assert ask(page, loaded, SLIDER) == [1, 2, 3, 4]


def test_each_place_of_the_pad_has_its_own_tone(page: object, written: Path) -> None:
    """What is played at the place (3, 0) is the tone that was put there: 320 Hz."""
    open_file(page, written)
    corner = part(page, ".plane", PAD)
    side = corner.size["width"]
    offset = round(side / 2) - 20
    ActionChains(page).move_to_element_with_offset(corner, offset, offset).click().perform()  # right, bottom
    assert [value.text for value in parts(page, ".value", PAD)] == ["3 Hz", "0 dB"]
    samples = page.execute_async_script(
        HOST + "const done = arguments[1]; widget.engine.load(widget.engine.index)"
        ".then((sound) => done(Array.from(sound.getChannelData(0).slice(44100, 88200))));",
        PAD,
    )
    spectrum = torch.fft.rfft(torch.tensor(samples) * torch.hann_window(len(samples))).abs()
    assert int(spectrum.argmax()) * SAMPLE_RATE / len(samples) == pytest.approx(320, abs=2)


def test_a_dot_of_the_map_plays_its_take(page: object, written: Path) -> None:
    """Dots lie where they were put; the one nearest to the pointer is chosen, and the slider goes with it."""
    open_file(page, written)
    dots, plane = parts(page, ".dots i", MAP), part(page, ".plane", MAP)
    page.execute_script("arguments[0].scrollIntoView({block: 'center'})", plane)
    centres = [(dot.rect["x"] + dot.rect["width"] / 2, dot.rect["y"] + dot.rect["height"] / 2) for dot in dots]
    across, up = centres[1][0] - centres[0][0], centres[0][1] - centres[1][1]
    assert across == pytest.approx(up, abs=1) and across > 100  # (0, 0) to (2, 2), one scale
    assert [name.text for name in parts(page, ".groups span", MAP)] == ["a", "b"]
    colours = [dot.value_of_css_property("background-color") for dot in dots]
    assert colours[0] == colours[1] != colours[2] == colours[3]
    part(page, ".play", MAP).click()
    wait_for(page, "widget.engine.playing && widget.engine.decoded.filter((sound) => sound?.buffer).length > 2", MAP)
    ActionChains(page).move_to_element_with_offset(dots[2], 3, -3).click().perform()
    wait_for(page, "widget.engine.voice?.index === 2", MAP)
    assert part(page, ".value", MAP).text == "take 2"
    press(page, Keys.ARROW_RIGHT)
    assert ask(page, "widget.index", MAP) == 3
    assert part(page, ".knob input", MAP).get_attribute("aria-valuetext") == "take 3"


def test_the_pad_is_dragged_and_follows_the_arrow_keys(page: object, written: Path) -> None:
    open_file(page, written)
    plane = part(page, ".plane", PAD)
    half = round(plane.size["width"] / 2) - 20
    ActionChains(page).move_to_element_with_offset(plane, -half, half).click_and_hold().move_by_offset(
        2 * half, -2 * half
    ).release().perform()
    assert ask(page, "widget.place", PAD) == [3, 2]
    press(page, Keys.ARROW_LEFT, Keys.ARROW_DOWN, Keys.ARROW_DOWN)
    assert ask(page, "widget.place", PAD) == [2, 0]
    assert ask(page, "widget.$('.unseen').textContent", PAD) == "across 2\u00a0Hz, up 0\u00a0dB"
    sliders = parts(page, ".knob input", PAD)  # the same for who uses no pad
    assert [slider.accessible_name for slider in sliders] == ["across", "up"]
    assert [slider.get_attribute("aria-valuetext") for slider in sliders] == ["2\u00a0Hz", "0\u00a0dB"]
    page.execute_script("arguments[0].focus()", sliders[1])
    press(page, Keys.ARROW_UP)
    assert ask(page, "widget.place", PAD) == [2, 1]


def test_pictures_alone_have_no_transport_and_do_not_jump(page: object, written: Path) -> None:
    open_file(page, written)
    assert not part(page, ".play", PICTURES).is_displayed() and not part(page, ".lane", PICTURES).is_displayed()
    assert ask(page, "widget.engine === undefined", PICTURES)
    heights = []
    page.execute_script("arguments[0].focus()", part(page, ".panel", PICTURES))
    press(page, Keys.ARROW_LEFT)
    for number in range(3):
        wait_for_picture(page, f"A line up to {number}.", PICTURES)
        heights.append(ask(page, "widget.panel.getBoundingClientRect().height", PICTURES))
        press(page, Keys.ARROW_RIGHT)
    assert len(set(heights)) == 1
    assert ask(page, "getComputedStyle(widget.$('.stage > *')).transitionDuration !== '0s'", PICTURES)


def test_the_seek_slider_keeps_its_arrow_keys(page: object, written: Path) -> None:
    open_file(page, written)
    page.execute_script("arguments[0].focus()", part(page, ".seek", SLIDER))
    press(page, Keys.ARROW_RIGHT)
    assert ask(page, "widget.engine.position()", SLIDER) == pytest.approx(2.0)
    assert ask(page, "widget.place", SLIDER) == [2]


def test_touch_on_a_phone_in_the_dark(phone: object, written: Path) -> None:
    open_file(phone, written)
    assert "night" in part(phone, ".panel", PAD).get_attribute("class")
    assert phone.execute_script("return document.documentElement.scrollWidth <= window.innerWidth")
    small = """return [...document.querySelectorAll('.megami-widget')].flatMap((host) =>
        host.megamiWidget.$$('button, input')).filter((part) => part.getClientRects().length)
        .map((part) => part.getBoundingClientRect().height)"""
    assert min(phone.execute_script(small)) >= 24
    plane = part(phone, ".plane", PAD)
    phone.execute_script("arguments[0].scrollIntoView({block: 'center'})", plane)
    box = ask(phone, "widget.$('.plane').getBoundingClientRect().toJSON()", PAD)
    points = [(box["left"] + 22, box["top"] + 22), (box["right"] - 22, box["top"] + 22)]
    for kind, place in (("touchStart", points[:1]), ("touchMove", points[1:]), ("touchEnd", [])):
        touches = [{"x": x, "y": y} for x, y in place]
        phone.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})
        if kind != "touchEnd":
            wait_for(phone, f"widget.place.join() === '{'0,2' if kind == 'touchStart' else '3,2'}'", PAD)


def test_it_works_in_a_frame_without_an_origin(page: object, written: Path, tmp_path: Path) -> None:
    """As notebooks in the cloud show outputs: scripts are allowed, everything of the page's origin is not."""
    open_file(page, sandboxed(tmp_path / "frame.html", written.read_text(encoding="utf-8")))
    page.switch_to.frame(0)
    part(page, ".play", SLIDER).click()
    wait_for(page, "widget.engine.playing && widget.engine.position() > 0.1", SLIDER)
    page.execute_script("arguments[0].focus()", part(page, ".knob input", SLIDER))
    press(page, Keys.ARROW_LEFT)
    wait_for(page, "widget.engine.voice?.index === 1", SLIDER)


def test_sound_in_files_beside_a_page_on_disk(page: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There a script may not read them: plain <audio> elements play, and the place is kept all the same."""
    monkeypatch.setenv("MEGAMI_BOOK_AUDIO", str(tmp_path / "_audio"))
    items = [(value, tone(200 + 100 * value, 6.0)) for value in range(3)]
    widget = explore(items, SAMPLE_RATE, description="Tones.", label="height")
    path = tmp_path / "page.html"
    path.write_text(f"<!DOCTYPE html><meta charset='utf-8'><body>{widget.html}", encoding="utf-8")
    assert len(list((tmp_path / "_audio").glob("*.mp3"))) == 3 and path.stat().st_size < 20_000
    open_file(page, path)
    assert not part(page, ".stage", 0).is_displayed()
    part(page, ".play", 0).click()
    wait_for(page, "widget.engine.playing && widget.engine.position() > 0.5", 0)
    press(page, Keys.ARROW_RIGHT)
    wait_for(page, "widget.engine.index === 2 && widget.engine.position() > 0.5", 0)
    wait_for(page, "!widget.engine.elements[2].paused && widget.engine.elements[1].paused", 0)


def test_axe_finds_nothing_serious(page: object, written: Path) -> None:
    open_file(page, written)
    assert grave_faults(page) == []
