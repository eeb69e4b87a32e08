"""Every page of the built book, as it lies on disk: files, links, citations, weight, alt text; no browser needed."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote, urlparse

import pytest
from built_book import HTML, NOT_BUILT, PAGES, ROOT, page

LARGEST_PAGE = 2_000_000  # bytes, sound not counted

pytestmark = pytest.mark.skipif(not PAGES, reason=NOT_BUILT)


@pytest.fixture(params=PAGES, ids=lambda path: path.stem)
def built(request: pytest.FixtureRequest) -> Path:
    return request.param


def loaded_files(path: Path) -> list[str]:
    """What a browser loads of its own accord when it opens a page."""
    sources = [element.get("src") for element in page(path).all("img", "audio", "script", "iframe", "source", "video")]
    for link in page(path).all("link"):
        if set(link.get("rel").split()) & {"stylesheet", "preload", "icon", "shortcut", "modulepreload", "prefetch"}:
            sources.append(link.get("href"))
    return [source for source in sources if source and not source.startswith("data:")]


def local(path: Path, address: str) -> Path:
    """The file that an address on a page names."""
    return (path.parent / unquote(urlparse(address).path)).resolve()


def test_every_file_that_a_page_names_exists(built: Path) -> None:
    for source in loaded_files(built):
        assert local(built, source).is_file(), source


def test_pages_load_nothing_from_elsewhere(built: Path) -> None:
    assert [source for source in loaded_files(built) if source.startswith(("http:", "https:", "//"))] == []


def test_style_sheets_load_nothing_from_elsewhere() -> None:
    for sheet in HTML.glob("_static/**/*.css"):
        found = re.findall(r"(?:url\(|@import)\s*[\"']?((?:https?:)?//[^\"')]+)", sheet.read_text(encoding="utf-8"))
        assert not found, f"{sheet.relative_to(HTML)}: {found}"


def test_pages_are_light(built: Path) -> None:
    pictures = [local(built, element.get("src")) for element in page(built).all("img")]
    assert built.stat().st_size + sum(path.stat().st_size for path in set(pictures) if path.is_file()) < LARGEST_PAGE


def test_sound_files_weigh_nothing_until_they_are_wanted(built: Path) -> None:
    for audio in page(built).all("audio"):
        assert audio.get("preload") == "none" and audio.get("src").startswith("_audio/") and audio.get("aria-label")
        assert local(built, audio.get("src")).stat().st_size > 1000


def test_pictures_have_alt_text(built: Path) -> None:
    for picture in page(built).all("img"):
        if picture.in_main:
            alt = picture.get("alt").strip()
            assert alt and "_build" not in alt and not alt.endswith((".png", ".svg")), picture.attributes
    for drawing in page(built).all("svg"):
        if drawing.in_main and drawing.get("role") == "img":
            assert drawing.get("aria-labelledby") or drawing.get("aria-label"), drawing.attributes


def test_links_inside_the_book_lead_somewhere(built: Path) -> None:
    broken = []
    for link in page(built).all("a"):
        address = urlparse(link.get("href"))
        if address.scheme or address.netloc or not (address.path or address.fragment):
            continue
        target = local(built, address.path) if address.path else built
        anchored = not address.fragment or target.suffix != ".html"
        if not target.is_file() or not (anchored or unquote(address.fragment) in page(target).ids):
            broken.append(link.get("href"))
    assert not broken, broken


def test_links_to_the_repository_name_files_that_are_there(built: Path) -> None:
    for link in page(built).all("a"):
        found = re.match(r"https://github\.com/megami-mixing/megami/(?:blob|tree)/main/([^#?]*)", link.get("href"))
        if found and link.in_main:
            assert (ROOT / unquote(found[1])).exists(), link.get("href")


def test_citations_are_resolved(built: Path) -> None:
    text = built.read_text(encoding="utf-8")
    assert "{cite}" not in text and "[?]" not in text
    entries = page(HTML / "book" / "intro.html").ids
    for link in page(built).all("a"):
        if "reference" in link.get("class") and "#id" not in link.get("href") and "footcite" not in link.get("class"):
            continue
        if "bibtex" in link.get("class"):
            assert urlparse(link.get("href")).fragment in entries


def test_markup_was_understood(built: Path) -> None:
    """No directive or role is left in the text as it was typed, and nothing failed while the page was executed."""
    text = "".join(element.text for element in page(built).all("p", "li", "dd", "td", "h1", "h2", "h3"))
    if built.stem != "contributing-a-chapter":  # which shows how they are typed
        assert not re.search(r"\{(cite|term|ref|doc|py:\w+|eval-rst)\}", text)
    assert "Traceback (most recent call last)" not in text


def test_what_is_folded_is_named_as_it_is_seen(built: Path) -> None:
    for label in page(built).all("summary"):
        if label.in_main:
            assert label.text.strip() and label.get("aria-label") in ("", label.text.strip())
