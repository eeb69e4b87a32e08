"""Pages of their own, beside the book: one file with everything in it."""

from __future__ import annotations

import html
from pathlib import Path
from string import Template

from megami.notebook.bundle import asset
from megami.notebook.stores import write_whole


def write_page(path: Path, title: str, main: str) -> None:
    """Write a web page, whole or not at all. main: the HTML that it shows. Raises OSError if it cannot be written."""
    page = Template(asset("page.html")).substitute(title=html.escape(title), style=asset("page.css"), main=main)
    write_whole(path, page.encode())
