"""Where a widget's sound and scripts are kept: inside the page, or in files beside it."""

from __future__ import annotations

import base64
import html
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from megami.notebook.compress import MEDIA_TYPES, page_audio_suffix

BOOK_AUDIO_FOLDER = "MEGAMI_BOOK_AUDIO"  # set while the book is built (book/_ext/book_build.py)


class Store(Protocol):
    """Keeps what a widget needs."""

    def sound(self, identity: str, name: str, data: bytes) -> str:
        """Keep compressed sound; its address. identity: the widget's, name: the sound's within it."""

    def script(self, name: str, text: str) -> str:
        """Keep a script; the tag that loads it."""


class InlineStore:
    """Everything inside the page: sound as data: URLs, scripts as they are."""

    def sound(self, identity: str, name: str, data: bytes) -> str:
        return f"data:{MEDIA_TYPES[page_audio_suffix()]};base64,{base64.b64encode(data).decode()}"

    def script(self, name: str, text: str) -> str:
        return f"<script>\n{text}\n</script>"


@dataclass(frozen=True)
class FileStore:
    """Sound in files of a folder, which the page reaches as `url`; scripts stay inside the page."""

    folder: Path
    url: str

    def sound(self, identity: str, name: str, data: bytes) -> str:
        file = f"{name}.{page_audio_suffix()}"
        write_whole(self.folder / file, data)
        return f"{self.url}/{file}"

    def script(self, name: str, text: str) -> str:
        return InlineStore().script(name, text)


@dataclass(frozen=True)
class BookStore:
    """Sound and scripts in one folder that all widgets of all pages share: a browser loads each script once."""

    folder: Path

    def sound(self, identity: str, name: str, data: bytes) -> str:
        return FileStore(self.folder, self.folder.name).sound("", f"{identity}-{name}", data)

    def script(self, name: str, text: str) -> str:
        write_whole(self.folder / name, text.encode())
        return f'<script src="{html.escape(self.folder.name)}/{html.escape(name)}"></script>'


def store_here() -> Store:
    """The book's store while the book is built, else inside the page."""
    folder = os.environ.get(BOOK_AUDIO_FOLDER)
    return BookStore(Path(folder)) if folder else InlineStore()


def write_whole(path: Path, data: bytes) -> None:
    """All of the file or none of it: written beside, then moved into place."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        beside.write_bytes(data)
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)
