"""Animation as a reader meets it: it waits, plays, steps and scrubs; what is drawn moves and follows the theme."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from axe import grave_faults
from pages import open_file, sandboxed

from megami.notebook import animation

pytest.importorskip("selenium", reason="selenium is not installed: pip install megami[test]")
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.select import Select

FRAMES = 21
HOST = "const widget = document.querySelector('.megami-widget').megamiWidget;"


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A point that goes from the lower left to the upper right corner, beside a line that stays."""
    way = np.linspace(0, 10, FRAMES)
    point = np.stack([way, way], axis=-1)[:, None]
    still = np.array([[0.0, 5.0], [10.0, 5.0]])
    widget = animation(
        {"point": point}, "A way", description="A point goes up a slope.", frames=[f"{value:.1f}" for value in way],
        frame_label="time", labels=("x (dB)", "y (dB)"), lines={"middle": still}, trail=5,
        background=(np.eye(8), (0, 10, 0, 10)), limits=(-1, 11, -1, 11), frames_per_second=20,
    )  # fmt: skip
    path = tmp_path_factory.mktemp("animation") / "page.html"
    path.write_text(
        "<!DOCTYPE html><html lang='en'><meta charset='utf-8'><meta name='viewport' content='width=device-width'>"
        "<title>Animation</title><style>:root { color-scheme: light dark; } body { margin: 8px; }</style>"
        f"<body><main><h1>Animation</h1>{widget.html}</main>",
        encoding="utf-8",
    )
    return path


@pytest.fixture
def opened(page: object, written: Path) -> object:
    open_file(page, written)
    wait_until_ready(page)
    return page


@pytest.fixture
def phone(page: object, written: Path) -> Iterator[object]:
    """On a phone, in the dark, with reduced motion."""
    features = [("prefers-color-scheme", "dark"), ("prefers-reduced-motion", "reduce")]
    media = {"features": [{"name": name, "value": value} for name, value in features]}
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
    size = {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True}
    page.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    open_file(page, written)
    wait_until_ready(page)
    yield page
    page.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def wait_until_ready(driver: object) -> None:
    driver.execute_async_script(HOST + "widget.ready.then(arguments[0]);")


def part(driver: object, selector: str) -> object:
    return driver.find_element(By.CSS_SELECTOR, ".megami-widget").shadow_root.find_element(By.CSS_SELECTOR, selector)


def ask(driver: object, expression: str) -> object:
    return driver.execute_script(f"{HOST} return {expression};")


def press(driver: object, *keys: str) -> None:
    ActionChains(driver).send_keys(*keys).perform()


def wait_for(driver: object, condition: str, seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not ask(driver, f"Boolean({condition})"):
        assert time.monotonic() < end, f"did not come about: {condition}"
        time.sleep(0.02)


# The middle of the pixels of the point, in the data's own units, read from the canvas.
WHERE = (
    HOST
    + """
const canvas = widget.$(".scene");
const { width, height } = canvas;
const pixels = canvas.getContext("2d").getImageData(0, 0, width, height).data;
const dark = widget.panel.classList.contains("night") ? 1 : 0;
const hex = widget.config.groups[0].colour[dark];
const wanted = [1, 3, 5].map((start) => parseInt(hex.slice(start, start + 2), 16));
let [count, across, down] = [0, 0, 0];
for (let n = 0; n < pixels.length; n += 4) {
  if (wanted.some((value, channel) => Math.abs(pixels[n + channel] - value) > 3) || pixels[n + 3] < 250) continue;
  count += 1;
  across += (n / 4) % width;
  down += Math.floor(n / 4 / width);
}
return [count, across / count / width, 1 - down / count / height];
"""
)


def test_it_waits_and_plays_to_the_end_when_asked(opened: object) -> None:
    time.sleep(0.4)
    assert ask(opened, "[widget.playing, widget.at]") == [False, 0]
    part(opened, ".play").click()
    assert part(opened, ".play").get_attribute("aria-label") == "Pause"
    wait_for(opened, "widget.at > 3")
    wait_for(opened, "!widget.playing")
    assert ask(opened, "widget.at") == FRAMES - 1 and part(opened, ".word").text == "10.0"
    part(opened, ".play").click()  # from the start again
    wait_for(opened, "widget.playing && widget.at < 15")


def test_what_is_drawn_moves_with_the_frame(opened: object) -> None:
    places = []
    for frame in (0, 10, 20):
        opened.execute_script(f"{HOST} widget.seek({frame});")
        places.append(opened.execute_script(WHERE))
    assert all(count > 20 for count, _, _ in places)
    (_, x0, y0), (_, x1, y1), (_, x2, y2) = places
    assert x1 - x0 == pytest.approx(x2 - x1, abs=0.01) and y1 - y0 == pytest.approx(y2 - y1, abs=0.01)
    assert x2 - x0 > 0.3 and y2 - y0 > 0.5


def test_keys_play_step_and_go_to_the_ends(opened: object) -> None:
    opened.execute_script("arguments[0].focus()", part(opened, ".panel"))
    press(opened, Keys.ARROW_RIGHT, Keys.ARROW_RIGHT, Keys.ARROW_LEFT)
    assert ask(opened, "widget.at") == 1
    assert ask(opened, "widget.$('.unseen').textContent") == "time 0.5"
    press(opened, Keys.END)
    assert ask(opened, "widget.at") == FRAMES - 1
    press(opened, Keys.HOME, " ")
    wait_for(opened, "widget.playing && widget.at > 0.5")
    press(opened, " ")
    assert ask(opened, "[widget.playing, Number.isInteger(widget.at)]") == [False, True]


def test_the_slider_scrubs_and_tells_the_frame(opened: object) -> None:
    seek = part(opened, ".seek")
    ActionChains(opened).move_to_element(seek).click().perform()
    assert ask(opened, "widget.at") == FRAMES // 2
    assert (seek.accessible_name, seek.get_attribute("aria-valuetext")) == ("time", "time 5.0")
    press(opened, Keys.ARROW_RIGHT)
    assert seek.get_attribute("aria-valuetext") == "time 5.5"
    for selector, at in ((".on", 12), (".back", 11)):
        part(opened, selector).click()
        assert ask(opened, "widget.at") == at


def test_it_loops_when_asked_and_the_speed_is_chosen(opened: object) -> None:
    part(opened, ".loop").click()
    assert part(opened, ".loop").get_attribute("aria-pressed") == "true"
    Select(part(opened, ".speed")).select_by_value("4")
    opened.execute_script(f"{HOST} widget.seek({FRAMES - 3});")
    part(opened, ".play").click()
    wait_for(opened, f"widget.playing && widget.at < {FRAMES - 5}")


# How far it comes in a second, by the clock that drives it.
PACE = (
    HOST
    + """
const done = arguments[1];
widget.speed = arguments[0];
widget.seek(0);
widget.play();
requestAnimationFrame((first) => requestAnimationFrame(function wait(now) {
  if (now - first < 300) return requestAnimationFrame(wait);
  done((1000 * widget.at) / (widget.last - first));
  widget.pause();
}));
"""
)


@pytest.mark.parametrize("speed", [0.5, 2])
def test_the_speed_is_that_of_the_frames_per_second(opened: object, speed: float) -> None:
    pace = opened.execute_async_script(PACE, speed)
    assert pace == pytest.approx(20 * speed, rel=0.4)


def test_it_stops_when_it_is_scrolled_away(opened: object) -> None:
    part(opened, ".loop").click()
    part(opened, ".play").click()
    wait_for(opened, "widget.playing && widget.at > 0.5")
    opened.execute_script("document.body.style.paddingBottom = '3000px'; scrollTo(0, 2500);")
    wait_for(opened, "!widget.playing")


def test_on_a_phone_in_the_dark_with_reduced_motion(phone: object) -> None:
    assert "night" in part(phone, ".panel").get_attribute("class")
    assert phone.execute_script("return document.documentElement.scrollWidth <= window.innerWidth")
    sizes = ask(phone, "widget.$$('button, select, input').map((part) => part.getBoundingClientRect().height)")
    assert min(sizes) >= 24
    count, x, y = phone.execute_script(WHERE)  # drawn in the dark mode's colour
    assert count > 20
    phone.execute_script(f"{HOST} widget.at = 0.4; widget.draw();")  # as in the middle of playing
    assert phone.execute_script(WHERE) == [count, x, y]  # whole frames only


def test_the_tint_and_the_line_are_drawn(opened: object) -> None:
    """Everything but the axes vanishes with them."""
    inked = (
        "widget.$('.scene').getContext('2d').getImageData(0, 0, widget.$('.scene').width, widget.$('.scene').height)"
    )
    inked += ".data.filter((value, n) => n % 4 === 3 && value > 0).length"
    whole = ask(opened, inked)
    opened.execute_script(f"{HOST} widget.background = null; widget.draw();")
    without_tint = ask(opened, inked)
    opened.execute_script(f"{HOST} widget.lines = []; widget.config.lines = []; widget.draw();")
    without_line = ask(opened, inked)
    assert whole > without_tint + 1000 and without_tint > without_line + 100


def test_it_works_in_a_frame_without_an_origin(page: object, written: Path, tmp_path: Path) -> None:
    open_file(page, sandboxed(tmp_path / "frame.html", written.read_text(encoding="utf-8")))
    page.switch_to.frame(0)
    wait_until_ready(page)
    part(page, ".play").click()
    wait_for(page, "widget.playing && widget.at > 1")
    assert page.execute_script(WHERE)[0] > 20


def test_axe_finds_nothing_serious(opened: object) -> None:
    assert part(opened, ".scene").accessible_name == "A point goes up a slope."
    assert grave_faults(opened) == []
