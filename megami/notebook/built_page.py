"""A page of the built book, cut at its cells: which part of the page each cell of the chapter became.

The builder puts a comment where each cell begins (book/_ext/cell_marks.py). A page is a tree of sections, and a cell
may begin in the middle of one and end in another, so the sections are laid flat first: what is left is a row of blocks.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from bs4 import BeautifulSoup, Comment, PageElement, Tag

from megami.errors import UserError

_MARK = re.compile(r"^ cell (\S+) $")
_HEADINGS = "h1, h2, h3, h4"
_FORMS = {
    "paragraph": "p",
    "formulas": "div.math",
    "lists": "ul, ol, dl",
    "tables": "table, div.table-wrapper, div.pst-scrollable-table-container",
    "pictures": "figure, img, svg, div.picture",
    "admonitions": "div.admonition",
    "code": "div[class*=highlight]",
}
FORMS = tuple(_FORMS)
"""The kinds of blocks that can be chosen from a cell of text. `paragraph` is the first one only."""


@dataclass
class BuiltCell:
    """What one cell became: its blocks in order, and the heading above them (the HTML inside it)."""

    heading: str = ""
    blocks: list[Tag] = field(default_factory=list)

    def under(self, words: str) -> BuiltCell:
        """The part of the cell under one of its headings, up to the next; empty if there is none of these words."""
        part, inside = BuiltCell(), False
        for block in self.blocks:
            if block.css.match(_HEADINGS):
                inside = _plain(block) == words
                part.heading = inner_html(block) if inside else part.heading
            elif inside:
                part.blocks.append(block)
        return part

    def chosen(self, forms: Sequence[str]) -> list[Tag]:
        """The blocks of some forms, in the order of the page; all but headings if no form is named."""
        if not forms:
            return [block for block in self.blocks if not block.css.match(_HEADINGS)]
        found = [(block, form) for block in self.blocks for form in forms if block.css.match(_FORMS[form])]
        paragraphs = [block for block, form in found if form == "paragraph"]
        return [block for block, form in found if form != "paragraph" or block is paragraphs[0]]

    def outputs(self) -> list[Tag]:
        """What a cell of code shows. What it prints counts only where there is nothing else; warnings never do."""
        boxes = [box for block in self.blocks for box in block.select("div.cell_output > *")]
        made = [box for box in boxes if not box.css.match(".stream, .stderr")]
        return made or [box for box in boxes if not box.css.match(".stderr")]

    def code(self) -> list[Tag]:
        """The code of a cell of code."""
        return [box for block in self.blocks for box in block.select("div.cell_input")][:1]


def cut_page(page: str, name: str, first: str) -> dict[str, BuiltCell]:
    """The cells of a built page by their ids, in order.

    name: what the page is called in messages. first: the id of the chapter's first cell, which has no mark. Raises
    UserError if the page has no text, or no marks in it.
    """
    article = BeautifulSoup(page, "html.parser").select_one("article.bd-article")
    if article is None:
        raise UserError(f"{name} is no page of the built book: run make book")
    cell = BuiltCell()
    cells = {first: cell}
    heading = ""
    for element in _flat(article):
        if isinstance(element, Comment):
            if mark := _MARK.match(element):
                cell = cells[mark[1]] = BuiltCell(heading)
        elif isinstance(element, Tag):
            if element.css.match(_HEADINGS):
                heading = inner_html(element)
                cell.heading = cell.heading if cell.blocks else heading
            cell.blocks.append(element)
    if len(cells) == 1:
        raise UserError(f"{name} does not say where its cells begin: build the book again (make book)")
    return cells


def inner_html(element: Tag) -> str:
    """What stands in an element, without the link of a heading to itself."""
    return _without_own_link(element).decode_contents().strip()


def _plain(element: Tag) -> str:
    return _without_own_link(element).get_text().strip()


def _without_own_link(element: Tag) -> Tag:
    whole = copy.copy(element)
    for link in whole.select("a.headerlink"):
        link.decompose()
    return whole


def _flat(parent: Tag) -> Iterator[PageElement]:
    for child in parent.children:
        if isinstance(child, Tag) and child.name == "section":
            yield from _flat(child)
        else:
            yield child
