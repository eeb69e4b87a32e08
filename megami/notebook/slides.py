"""Slides of a chapter, cut out of its built page: which cells they are made of, and what of each cell they show.

A cell becomes a slide by its metadata, `"slideshow": {"slide_type": "slide"}`. This is the form that JupyterLab sets
with a click, and that RISE and nbconvert read. Tags would do as well, but a cell could have two that contradict each
other, and the builder makes a style of every tag. Beside the type may stand, since pages are longer than slides:

- `text`: what the slide says, in Markdown with formulas, in place of the cell's own text or above its output;
- `keep`: which blocks of the cell it shows (`FORMS`); of a cell of code, `code` adds the code to the output;
- `under`: of which heading in the cell, if it holds several.

What a slide leaves out of a cell of text goes into the speaker's notes. The page book/contributing-a-chapter says how
to choose.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache

from bs4 import BeautifulSoup, Tag
from markdown_it import MarkdownIt
from mdit_py_plugins.dollarmath import dollarmath_plugin
from nbformat import NotebookNode

from megami.errors import UserError
from megami.notebook.built_page import FORMS, BuiltCell, cut_page

TYPES = ("slide", "subslide", "fragment", "notes")
_OTHER_TYPES = ("skip", "-", "")  # what JupyterLab writes for cells that are on no slide
_KEYS = {"slide_type", "text", "keep", "under"}
_HEADING = re.compile(r"\A#{1,4} +(.+)\n*")


@dataclass(frozen=True)
class Part:
    """What the metadata of one cell ask for."""

    cell: str  # its id
    type: str
    is_code: bool
    text: str = ""
    keep: tuple[str, ...] = ()
    under: str = ""


@dataclass
class Slide:
    """One slide as HTML. Those with `below` stand under the one before when all are seen at once."""

    heading: str
    body: str
    below: bool = False
    notes: str = ""


@dataclass
class Deck:
    """The slides of one chapter. title: HTML."""

    name: str
    title: str
    slides: list[Slide]


def read_parts(notebook: NotebookNode, name: str) -> list[Part]:
    """The cells that go onto slides, in order. Raises UserError, with the cell, if metadata cannot be understood."""
    parts: list[Part] = []
    for cell in notebook.cells:
        asked = cell.metadata.get("slideshow", {})
        if asked.get("slide_type", "") in _OTHER_TYPES:
            continue
        where = f"{name}, cell {cell.get('id')}"
        part = Part(
            cell=cell.get("id", ""),
            type=asked["slide_type"],
            is_code=cell.cell_type == "code",
            text=asked.get("text", ""),
            keep=tuple(asked.get("keep", ())),
            under=asked.get("under", ""),
        )
        _check(part, asked, where, first=not parts)
        parts.append(part)
    return parts


def _check(part: Part, asked: NotebookNode, where: str, first: bool) -> None:
    """Raises UserError if a cell asks for what there is not."""
    if part.type not in TYPES:
        raise UserError(f"{where}: the slide type {part.type!r} is none of {', '.join(TYPES)}")
    if unknown := set(asked) - _KEYS:
        raise UserError(f"{where}: slideshow knows {', '.join(sorted(_KEYS))}, not {', '.join(sorted(unknown))}")
    if unknown := set(part.keep) - set(FORMS):
        raise UserError(f"{where}: keep knows {', '.join(FORMS)}, not {', '.join(sorted(unknown))}")
    if first and part.type in ("fragment", "notes"):
        raise UserError(f"{where}: {part.type} belongs to a slide, and there is none before it")


def make_deck(notebook: NotebookNode, page: str, name: str, decks: Collection[str] = ()) -> Deck:
    """The slides of a chapter, from its notebook and its built page.

    name: the chapter's. decks: the names of the chapters that have slides, to which links may lead. Raises UserError if
    the page is older than the notebook, or if a cell asks for what there is not.
    """
    parts = read_parts(notebook, name)
    cells = cut_page(page, name, notebook.cells[0].get("id", "") if notebook.cells else "")
    slides: list[Slide] = []
    for part in parts:
        if part.cell not in cells:
            raise UserError(f"{name}: the built page does not have the cell {part.cell}: run make book")
        cell = cells[part.cell]
        if part.type == "notes":
            slides[-1].notes += _notes(cell, decks)
            continue
        heading, body = _content(part, cell, name, decks)
        if part.type == "fragment":
            slides[-1].body += f'<div class="fragment">{body}</div>'
        else:
            slides.append(Slide(heading, body, below=part.type == "subslide"))
        if not part.is_code and (part.text or part.keep):
            slides[-1].notes += _notes(cell, decks)
    title = next(iter(cells.values())).heading
    return Deck(name, title, slides)


def _content(part: Part, cell: BuiltCell, name: str, decks: Collection[str]) -> tuple[str, str]:
    """Heading and body of what one cell puts onto a slide."""
    heading, text = cell.heading, part.text
    if part.under:
        cell = cell.under(part.under)
        heading = cell.heading
    if own := _HEADING.match(text):
        heading, text = _markdown().renderInline(own[1]), text[own.end() :]
    shown: Sequence[Tag] = ()
    if part.is_code:
        shown = [*(cell.code() if "code" in part.keep else ()), *cell.outputs()]
    elif part.keep or not text:
        shown = cell.chosen(part.keep)
    if not shown and not text.strip():
        raise UserError(f"{name}: nothing of the cell {part.cell} would be on its slide; did the cell run in the book?")
    words = f'<div class="words">{_markdown().render(text)}</div>' if text.strip() else ""
    return heading, words + _fit_for_slide(shown, "media" if part.is_code else "words", decks)


def _notes(cell: BuiltCell, decks: Collection[str]) -> str:
    """A cell for the speaker's eyes."""
    return _fit_for_slide(cell.chosen(()), "said", decks)


def _fit_for_slide(blocks: Sequence[Tag], kind: str, decks: Collection[str]) -> str:
    """Blocks of a page in a box of a kind, without what leads nowhere on slides: places to jump to, links inside."""
    if not blocks:
        return ""
    soup = BeautifulSoup(f'<div class="{kind}">{"".join(map(str, blocks))}</div>', "html.parser")
    for link in soup.select("a.headerlink"):
        link.decompose()
    for link in soup.select("a"):
        target = str(link.get("href", "")).partition("#")[0]
        if target.removesuffix(".html") in decks:
            link["href"] = target
        elif not target.startswith(("http://", "https://")):
            link.unwrap()
    for element in soup.select("[id]") if kind != "media" else ():
        del element["id"]
    return str(soup)


@cache
def _markdown() -> MarkdownIt:
    """Markdown with tables, and formulas between dollars in the form that MathJax looks for."""
    reader = MarkdownIt("commonmark", {"html": False}).enable("table")
    return reader.use(dollarmath_plugin, renderer=_formula)


def _formula(source: str, options: dict) -> str:
    left, right = (r"\[", r"\]") if options["display_mode"] else (r"\(", r"\)")
    escaped = source.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return f"{left}{escaped}{right}"
