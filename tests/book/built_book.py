"""The built book as the tests find it: its folder, its pages, a server for it, and a reader of its markup."""

from __future__ import annotations

import functools
import http.server
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HTML = Path(os.environ.get("MEGAMI_BOOK_HTML", ROOT / "_build" / "html"))
PAGES = sorted(HTML.glob("book/*.html"))
NOT_BUILT = f"no built book in {HTML}: run make book"


@dataclass
class Element:
    """One tag: its name, its attributes, and the text between it and its end."""

    tag: str
    attributes: dict[str, str]
    in_main: bool
    text: str = ""

    def get(self, name: str) -> str:
        return self.attributes.get(name, "")


@dataclass
class Page(HTMLParser):
    """All elements of a page, in order."""

    path: Path
    elements: list[Element] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self._open: list[Element] = []
        self._main = 0
        self.feed(self.path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._main += tag == "main"
        element = Element(tag, {name: value or "" for name, value in attrs}, self._main > 0)
        self.elements.append(element)
        self._open.append(element)

    def handle_endtag(self, tag: str) -> None:
        self._main -= tag == "main"
        while self._open and self._open.pop().tag != tag:
            pass

    def handle_data(self, data: str) -> None:
        for element in self._open[-8:]:
            element.text += data

    def all(self, *tags: str) -> list[Element]:
        return [element for element in self.elements if element.tag in tags]

    @property
    def ids(self) -> set[str]:
        return {element.get("id") for element in self.elements} | {element.get("name") for element in self.all("a")}


@cache
def page(path: Path) -> Page:
    """The page at a path, read once."""
    return Page(path)


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """A web server for a folder, on this machine only; its address."""
    handler = functools.partial(_Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()
