"""Slides in a real Chromium: all of a deck fits, plays and answers, by keyboard, in both modes, on paper and phone.

A tiny book is built and cut into slides, so that nothing has to be executed. If the whole book is built, every slide of
every chapter is looked at as well.
"""

from __future__ import annotations

import base64
import io
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe import grave_faults
from built_book import HTML, NOT_BUILT, PAGES, ROOT, served

pytest.importorskip("selenium", reason="selenium is not installed: pip install megami[test]")
pytest.importorskip("sphinx_revealjs", reason="the book's tools are not installed: pip install megami[book]")
from reader import PHONE
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys
from tiny_book import NAME, TEXT, build_tiny_book

SCREEN = {"width": 1280, "height": 720, "deviceScaleFactor": 1, "mobile": False}
LEAST_ZOOM = 0.6  # of players and pictures: what is smaller cannot be read in a room
NOW = "const slide = Reveal.getCurrentSlide(), body = slide.querySelector('.body');"
# What sticks out of the slide: out of its box, or any element in it out of the screen. A console may scroll.
STICKS_OUT = (
    NOW
    + """
const sides = [];
if (body.matches('.scrolls') && body.querySelector('[data-megami-widget=console]')) return [];
if (body.scrollHeight > body.clientHeight + 1) sides.push(`${body.scrollHeight - body.clientHeight} px below`);
if (body.scrollWidth > body.clientWidth + 1) sides.push(`${body.scrollWidth - body.clientWidth} px to the right`);
for (const printed of body.querySelectorAll('.media pre'))
  if (printed.scrollWidth > printed.clientWidth + 1) sides.push('printed lines');
for (const element of body.querySelectorAll('.megami-widget, figure, table, pre, mjx-container, li, p')) {
  const box = element.getBoundingClientRect();
  if (box.width && (box.right > innerWidth + 1 || box.bottom > innerHeight + 1)) sides.push(element.tagName);
}
return sides;
"""
)
SMALLEST = NOW + "return Math.min(...[...body.querySelectorAll('.media')].map((part) => Number(part.style.zoom)), 1);"
WIDGET = "const widget = Reveal.getCurrentSlide().querySelector('.megami-widget').megamiWidget;"


def make(folder: Path, built: Path, *options: object) -> subprocess.CompletedProcess:
    command = [sys.executable, ROOT / "scripts" / "make_slides.py", folder, "--html", built, *options]
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the tiny book's slides."""
    folder = tmp_path_factory.mktemp("tiny")
    built = build_tiny_book(folder)
    parts = "parts: [{chapters: [{file: book/tiny}]}]\n"  # as the book's own list has them
    (folder / "book" / "_toc.yml").write_text(parts, encoding="utf-8")
    done = make(folder / "slides", built, "--book", folder / "book")
    assert done.returncode == 0, done.stderr
    return folder / "slides"


@pytest.fixture
def address(tiny: Path) -> Iterator[str]:
    """A server for them: axe reads style sheets, which it may not on pages from disk."""
    with served(tiny) as found:
        yield found


@pytest.fixture
def screen(page: object) -> Iterator[object]:
    """A screen of 1280 x 720."""
    page.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", SCREEN)
    yield page
    page.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": False})
    page.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def open_deck(driver: object, path: Path, after: str = "") -> object:
    driver.get(path.resolve().as_uri() + after)
    driver.execute_script("localStorage.clear()")
    driver.refresh()
    wait_for(driver, "return Reveal.isReady() && document.readyState == 'complete'")
    driver.execute_async_script("MathJax.startup.promise.then(() => setTimeout(arguments[0], 100));")
    return driver


def wait_for(driver: object, script: str, seconds: float = 30) -> None:
    """Wait until a script gives something true; machines that run tests may be busy."""
    end = time.monotonic() + seconds
    while not driver.execute_script(script):
        assert time.monotonic() < end, f"did not come about: {script}"
        time.sleep(0.05)


def press(driver: object, *keys: str) -> None:
    ActionChains(driver).send_keys(*keys).perform()


def place(driver: object) -> str:
    """The heading of the slide that is shown."""
    return driver.execute_script(NOW + "return body.querySelector('h1, h2').textContent.trim();")


def settle(driver: object) -> None:
    """Two frames, after which sizes are what they will be."""
    driver.execute_async_script(
        "requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(arguments[0], 50)));"
    )


def all_slides(driver: object) -> Iterator[str]:
    """Goes through the deck with the space bar, and stops at each slide when all of it is shown."""
    while True:
        settle(driver)
        if driver.execute_script("return !Reveal.availableFragments().next;"):
            yield place(driver)
            if driver.execute_script("return Reveal.isLastSlide();"):
                return
        press(driver, Keys.SPACE)


def asked_of_elsewhere(driver: object) -> list[str]:
    """Addresses that the page asked for and that are not files beside it."""
    names = driver.execute_script("return performance.getEntriesByType('resource').map((entry) => entry.name);")
    return [name for name in names if not name.startswith(("file:", "data:", "blob:"))]


def to_player(driver: object) -> None:
    press(driver, Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    settle(driver)


def test_every_slide_fits_and_nothing_is_asked_of_elsewhere(screen: object, tiny: Path) -> None:
    open_deck(screen, tiny / f"{NAME}.html")
    seen = []
    for heading in all_slides(screen):
        seen.append(heading)
        assert not screen.execute_script(STICKS_OUT), heading
        assert screen.execute_script(SMALLEST) >= 1, heading
    assert seen == ["A tiny chapter"] * 3 + ["What it means"] * 2 + ["What to remember"]
    assert not asked_of_elsewhere(screen)


def test_a_slide_says_what_its_cell_asks_for_and_the_speaker_gets_the_rest(screen: object, tiny: Path) -> None:
    open_deck(screen, tiny / f"{NAME}.html", "#/3")
    shown = screen.execute_script(NOW + "return body.innerText;")
    assert "With" in shown and TEXT not in shown and "(1)" in shown
    assert screen.execute_script(NOW + "return body.querySelectorAll('mjx-container').length;") == 2
    notes = screen.execute_script("return Reveal.getSlideNotes();")
    assert TEXT in notes and "<msqrt" in notes  # the speaker's window has no MathJax, but knows MathML
    press(screen, Keys.ARROW_DOWN)
    assert "Say that it is easy." in screen.execute_script("return Reveal.getSlideNotes();")


def test_a_slide_is_a_slide_in_the_small_frame_of_the_speakers_window(screen: object, tiny: Path) -> None:
    """The window shows decks in frames, which are narrower than a phone."""
    open_deck(screen, tiny / f"{NAME}.html", "?receiver#/3")
    screen.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {**SCREEN, "width": 480, "height": 270})
    screen.refresh()
    wait_for(screen, "return window.Reveal?.isReady() && document.readyState == 'complete';")
    settle(screen)
    assert place(screen) == "What it means" and not screen.execute_script(STICKS_OUT)


def test_the_player_plays_and_is_silent_once_its_slide_is_left(screen: object, tiny: Path) -> None:
    to_player(open_deck(screen, tiny / f"{NAME}.html"))
    screen.execute_script(WIDGET + "widget.$('.play').click();")
    wait_for(screen, WIDGET + "return widget.engine.position() > 0.05;")
    player = screen.execute_script("return Reveal.getCurrentSlide().querySelector('.megami-widget');")
    press(screen, Keys.PAGE_DOWN)
    settle(screen)
    assert place(screen) == "What it means"
    assert not screen.execute_script("return arguments[0].megamiWidget.engine.playing;", player)


def test_arrows_are_the_players_while_it_has_the_focus_and_escape_gives_them_back(screen: object, tiny: Path) -> None:
    to_player(open_deck(screen, tiny / f"{NAME}.html"))
    screen.execute_script(WIDGET + "widget.panel.focus();")
    press(screen, "2", Keys.ARROW_RIGHT)
    assert screen.execute_script("return Reveal.getIndices().h;") == 2
    wait_for(screen, WIDGET + "return widget.engine.position() > 1;")  # two seconds on, or as far as there is
    press(screen, Keys.ESCAPE, Keys.ARROW_RIGHT)
    assert screen.execute_script("return Reveal.getIndices().h;") == 3


def test_a_click_in_the_middle_of_an_enlarged_player_is_in_the_middle_of_the_sound(screen: object, tiny: Path) -> None:
    to_player(open_deck(screen, tiny / f"{NAME}.html"))
    zoom = float(screen.execute_script("return Reveal.getCurrentSlide().querySelector('.media').style.zoom;"))
    assert zoom > 1
    x, y = screen.execute_script(
        WIDGET + "const box = widget.$('canvas').getBoundingClientRect();"
        "return [box.left + box.width / 2, box.top + box.height / 2];"
    )
    for kind in ("mousePressed", "mouseReleased"):
        event = {"type": kind, "x": x, "y": y, "button": "left", "clickCount": 1}
        screen.execute_cdp_cmd("Input.dispatchMouseEvent", event)
    wait_for(screen, WIDGET + "return Math.abs(widget.engine.position() - widget.engine.duration / 2) < 0.05;")


def test_a_quiz_answers_and_the_slide_still_fits(screen: object, tiny: Path) -> None:
    open_deck(screen, tiny / f"{NAME}.html", "#/3/1")
    settle(screen)
    screen.execute_script(WIDGET + "widget.$$('input')[0].click(); widget.$('.check').click();")
    wait_for(screen, WIDGET + "return widget.$('.feedback').textContent.includes('Yes, A.');")
    settle(screen)
    assert not screen.execute_script(STICKS_OUT)


def test_the_arrow_to_the_right_passes_over_no_slide(screen: object, tiny: Path) -> None:
    open_deck(screen, tiny / f"{NAME}.html", "#/3")
    press(screen, Keys.ARROW_RIGHT)
    assert screen.execute_script("return [Reveal.getIndices().h, Reveal.getIndices().v];") == [3, 1]


def test_choosing_an_answer_with_arrows_does_not_leave_the_slide(screen: object, tiny: Path) -> None:
    open_deck(screen, tiny / f"{NAME}.html", "#/3/1")
    screen.execute_script(WIDGET + "widget.$$('input')[0].focus();")
    press(screen, Keys.SPACE, Keys.ARROW_DOWN)
    assert screen.execute_script(WIDGET + "return widget.$$('input')[1].checked;")
    assert screen.execute_script("return [Reveal.getIndices().h, Reveal.getIndices().v];") == [3, 1]


def test_t_changes_between_light_and_dark_and_widgets_follow(screen: object, tiny: Path) -> None:
    to_player(open_deck(screen, tiny / f"{NAME}.html"))
    ground = "return getComputedStyle(document.body).backgroundColor;"
    theme = "return Reveal.getCurrentSlide().querySelector('.megami-widget').dataset.megamiTheme;"
    before, of_player = screen.execute_script(ground), screen.execute_script(theme)
    press(screen, "t")
    wait_for(screen, theme.replace(";", "") + f" != '{of_player}';")
    assert screen.execute_script(ground) != before
    screen.refresh()
    assert screen.execute_script(ground) != before


def test_paper_has_a_page_for_each_slide(screen: object, tiny: Path) -> None:
    open_deck(screen, tiny / f"{NAME}.html", "?print-pdf")
    wait_for(screen, "return document.querySelectorAll('.pdf-page').length == 6;")
    time.sleep(0.5)
    out = screen.execute_script(
        "const bodies = [...document.querySelectorAll('.body')];"
        "return bodies.filter((body) => body.scrollHeight > body.clientHeight + 1).length;"
    )
    printed = screen.execute_cdp_cmd("Page.printToPDF", {"preferCSSPageSize": True, "printBackground": True})
    pages = re.findall(rb"/Type\s*/Page\b", io.BytesIO(base64.b64decode(printed["data"])).getvalue())
    assert not out and len(pages) == 6


def test_on_a_phone_a_deck_is_a_page_to_scroll(screen: object, address: str) -> None:
    screen.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", PHONE)
    screen.get(f"{address}/{NAME}.html")
    assert screen.execute_script("return document.documentElement.scrollWidth <= innerWidth;")
    size = "return parseFloat(getComputedStyle(document.querySelector('.words')).fontSize);"
    assert screen.execute_script(size) >= 16 and TEXT not in screen.execute_script("return document.body.innerText;")
    shown = "return [...document.querySelectorAll('.body')].every((body) => body.getBoundingClientRect().height > 20);"
    assert screen.execute_script(shown) and not grave_faults(screen)


def test_the_first_page_leads_to_the_decks(screen: object, address: str) -> None:
    screen.get(f"{address}/index.html")
    assert not grave_faults(screen)
    screen.find_element("css selector", ".cards a").click()
    wait_for(screen, "return window.Reveal?.isReady();")
    assert place(screen) == "A tiny chapter"


@pytest.fixture(scope="module")
def decks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The slides of the whole book."""
    if not PAGES:
        pytest.skip(NOT_BUILT)
    folder = tmp_path_factory.mktemp("slides")
    done = make(folder, HTML)
    assert done.returncode == 0, done.stderr
    return folder


def with_slides() -> list[str]:
    """The chapters of the book that have slides."""
    return [path.stem for path in sorted(ROOT.glob("book/*.ipynb")) if '"slide_type"' in path.read_text("utf-8")]


@pytest.mark.parametrize("name", with_slides())
def test_every_slide_of_the_book_fits_and_can_be_read(screen: object, decks: Path, name: str) -> None:
    open_deck(screen, decks / f"{name}.html")
    headings = []
    for heading in all_slides(screen):
        headings.append(heading)
        out, smallest = screen.execute_script(STICKS_OUT), screen.execute_script(SMALLEST)
        assert not out, f"slide {len(headings)}, {heading}: {out}"
        assert smallest >= LEAST_ZOOM, f"slide {len(headings)}, {heading}: shrunk to {smallest}"
    assert len(headings) >= 12 and not asked_of_elsewhere(screen)
