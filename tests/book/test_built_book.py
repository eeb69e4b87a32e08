"""The built book, where there is one: `make book` first, or MEGAMI_BOOK_HTML names the folder; else skipped."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path
from urllib.parse import unquote, urlparse

import pytest
from conftest import open_file

ROOT = Path(__file__).resolve().parents[2]
HTML = Path(os.environ.get("MEGAMI_BOOK_HTML", ROOT / "_build" / "html"))
PAGES = sorted(HTML.glob("book/*.html"))
LARGEST_PAGE = 2_000_000  # bytes, sound not counted

pytestmark = pytest.mark.skipif(not PAGES, reason=f"no built book in {HTML}: run make book")


@pytest.fixture(params=PAGES, ids=lambda path: path.stem)
def built(request: pytest.FixtureRequest) -> Path:
    return request.param


def attributes(text: str, tag: str, name: str) -> list[str]:
    return re.findall(rf"<{tag}\b[^>]*?\s{name}=\"([^\"]*)\"", text)


def sources(text: str) -> list[str]:
    return [source for tag in ("img", "audio", "script", "iframe", "source") for source in attributes(text, tag, "src")]


def test_every_file_that_a_page_names_exists(built: Path) -> None:
    text = built.read_text(encoding="utf-8")
    named = sources(text) + attributes(text, "link", "href")
    for source in named:
        if not source.startswith(("data:", "#", "http")):
            assert (built.parent / unquote(urlparse(source).path)).exists(), source


def test_pages_load_nothing_from_elsewhere(built: Path) -> None:
    text = built.read_text(encoding="utf-8")
    loaded = sources(text)
    loaded += re.findall(r"<link\b[^>]*rel=\"(?:stylesheet|preload|icon)\"[^>]*href=\"([^\"]*)\"", text)
    assert [source for source in loaded if source.startswith(("http:", "https:", "//"))] == []


def test_pages_are_light_and_pictures_have_alt_text(built: Path) -> None:
    text = built.read_text(encoding="utf-8")
    pictures = [built.parent / source for source in attributes(text, "img", "src") if not source.startswith("data:")]
    assert built.stat().st_size + sum(picture.stat().st_size for picture in pictures) < LARGEST_PAGE
    main = text.split("<main", 1)[-1].split("</main>", 1)[0]
    for picture in re.findall(r"<img\b[^>]*>", main):
        alt = re.search(r'alt="([^"]*)"', picture)
        assert alt and alt[1].strip() and "_build" not in alt[1], picture


def test_sound_waits_until_it_is_wanted(built: Path) -> None:
    text = re.sub(r"<script\b.*?</script>", "", built.read_text(encoding="utf-8"), flags=re.S)
    for player in re.findall(r"<audio\b[^>]*>", text):
        assert 'preload="none"' in player and 'src="_audio/' in player and "aria-label=" in player


def test_the_page_opens_without_script_errors_and_its_players_play(browser: object, built: Path) -> None:
    browser.get_log("browser")
    open_file(browser, built)
    hosts = browser.find_elements("css selector", ".megami-widget")
    assert len(hosts) == built.read_text(encoding="utf-8").count('class="megami-widget"')
    for host in hosts[:2]:
        browser.execute_script("arguments[0].scrollIntoView()", host)
        play = host.shadow_root.find_element("css selector", ".play")
        browser.execute_script("arguments[0].focus()", play)
        play.send_keys("\ue007")  # enter
        end = time.monotonic() + 30
        while browser.execute_script("return arguments[0].megamiWidget.engine.position()", host) < 0.2:
            assert time.monotonic() < end, "the song does not move"
            time.sleep(0.05)
        browser.execute_script("arguments[0].megamiWidget.transport.pause()", host)
    uncaught = [entry["message"] for entry in browser.get_log("browser") if "Uncaught" in entry["message"]]
    assert not uncaught, uncaught
