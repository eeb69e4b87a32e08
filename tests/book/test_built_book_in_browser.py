"""Every page of the built book in a real Chromium: scripts, requests, sounds, widgets, width on a phone."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from built_book import HTML, NOT_BUILT, PAGES, served

pytestmark = pytest.mark.skipif(not PAGES, reason=NOT_BUILT)

PHONE_PX, DESK_PX = 390, 1280
WIDGETS = "[data-megami-widget]"
WIDGET = "const widget = arguments[0].megamiWidget;"
UNFOLD = "for (const cell of document.querySelectorAll('details')) cell.open = true;"  # solutions have players too
# The theme scrolls smoothly: at once is when a click can follow.
SHOW = "arguments[0].scrollIntoView({ block: 'center', behavior: 'instant' });"
# Scrolls through the whole page, so that what waits to be seen is loaded too.
SCROLL = """
const done = arguments[0], step = innerHeight;
let y = 0;
(function further() {
  scrollTo(0, y);
  y += step;
  if (y < document.documentElement.scrollHeight) requestAnimationFrame(further);
  else { scrollTo(0, 0); setTimeout(done, 300); }
})();
"""
# Decodes each sound of the page as the player does: its length in seconds and its peak.
DECODE = """
const done = arguments[0];
const context = new OfflineAudioContext(2, 44100, 44100);
const files = [...new Set([...document.querySelectorAll('audio')].map((audio) => audio.src))];
(async () => {
  const heard = [];
  for (const file of files) {
    try {
      const sound = await context.decodeAudioData(await (await fetch(file)).arrayBuffer());
      const some = sound.getChannelData(0).filter((_, at) => at % 97 == 0);
      heard.push([file, sound.duration, Math.max(...some.map(Math.abs))]);
    } catch (error) { heard.push([file, 0, 0]); }
  }
  done(heard);
})();
"""
TOO_WIDE = """
return [...document.querySelectorAll('main *')].filter((element) => {
  const box = element.getBoundingClientRect();
  if (!box.width || box.right <= innerWidth + 1) return false;
  for (let at = element; at; at = at.parentElement) {
    if (['auto', 'scroll', 'hidden'].includes(getComputedStyle(at).overflowX) && at !== document.body) return false;
  }
  return true;
}).map((element) => `${element.tagName}.${element.className}`).slice(0, 5);
"""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Where the book is served."""
    with served(HTML) as url:
        yield url


@pytest.fixture(params=PAGES, ids=lambda path: path.stem)
def opened(request: pytest.FixtureRequest, browser: object, address: str) -> Iterator[object]:
    """The browser, with a page of the book open and an empty console before it."""
    path: Path = request.param
    browser.set_window_size(DESK_PX, 900)
    browser.set_script_timeout(120)
    browser.get("about:blank")
    browser.get_log("browser")
    browser.get(f"{address}/{path.relative_to(HTML).as_posix()}")
    yield browser
    browser.get("about:blank")  # else a player goes on, and takes a processor from all other tests
    browser.set_window_size(DESK_PX, 900)


def wait_until(condition: Callable[[], bool], what: str, seconds: float = 60) -> None:
    """Machines that run tests may be busy."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.05)


def test_no_error_and_no_request_leaves_the_machine(opened: object, address: str) -> None:
    opened.execute_async_script(SCROLL)
    resources = opened.execute_script("return performance.getEntriesByType('resource').map((entry) => entry.name)")
    assert len(resources) > 5
    assert [name for name in resources if not name.startswith((f"{address}/", "data:", "blob:"))] == []
    errors = [entry["message"] for entry in opened.get_log("browser") if entry["level"] == "SEVERE"]
    assert not errors, errors


def test_formulas_are_set(opened: object) -> None:
    formulas = opened.find_elements("css selector", "main .math")
    if not formulas:
        pytest.skip("a page without formulas")
    wait_until(
        lambda: len(opened.find_elements("css selector", "main .math mjx-container")) >= len(formulas),
        "formulas are still as they were typed",
    )
    assert not opened.find_elements("css selector", "mjx-merror"), "a formula has an error"


def test_every_sound_can_be_decoded(opened: object) -> None:
    for file, seconds, peak in opened.execute_async_script(DECODE):
        assert seconds > 0.5 and peak > 0.001, f"{file}: {seconds:.2f} s, peak {peak:.4f}"


def test_every_widget_answers_to_a_click_and_to_space(opened: object) -> None:
    opened.execute_script(UNFOLD)
    hosts = opened.find_elements("css selector", WIDGETS)
    if not hosts:
        pytest.skip("a page without widgets")
    for host in hosts:
        assert opened.execute_script(f"{WIDGET} return Boolean(widget && arguments[0].shadowRoot)", host)
        buttons = host.shadow_root.find_elements("css selector", ".play:not(.silent .play)")
        if not buttons:  # a quiz, a picture to move: there must be something to operate
            assert host.shadow_root.find_elements("css selector", "button, input, select, [tabindex='0']")
            continue
        for press in (lambda play: play.click(), lambda play: play.send_keys(" ")):
            _press(opened, buttons[0], True, press)
            _press(opened, buttons[0], False, press)


def _press(driver: object, button: object, playing: bool, press: Callable[[object], None]) -> None:
    """Press play or pause, and see that the button says so."""
    driver.execute_script(SHOW + "arguments[0].focus({ preventScroll: true });", button)
    press(button)
    wait_until(
        lambda: button.get_attribute("aria-pressed") == str(playing).lower(),
        f"does not {'play' if playing else 'pause'}",
    )


def test_every_player_moves_on(opened: object) -> None:
    opened.execute_script(UNFOLD)
    for host in opened.find_elements("css selector", WIDGETS):
        if not opened.execute_script(f"{WIDGET} return Boolean(widget.engine?.position)", host):
            continue
        play = host.shadow_root.find_element("css selector", ".play")
        opened.execute_script(SHOW, play)
        play.click()
        where = f"{WIDGET} return widget.engine.position()"
        wait_until(lambda: opened.execute_script(where, host) > 0.2, "the song does not move")  # noqa: B023
        play.click()


def test_a_phone_shows_the_page_without_scrolling_sideways(opened: object) -> None:
    opened.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": PHONE_PX, "height": 844, "deviceScaleFactor": 1, "mobile": False},
    )
    try:
        opened.execute_script(UNFOLD)
        time.sleep(0.3)
        width, inner = opened.execute_script("return [document.documentElement.scrollWidth, innerWidth]")
        assert inner == PHONE_PX
        assert width <= PHONE_PX, opened.execute_script(TOO_WIDE)
        assert opened.execute_script(TOO_WIDE) == []
    finally:
        opened.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
