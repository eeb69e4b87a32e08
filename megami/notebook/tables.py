"""Tables of a page: readable on a phone, by a screen reader, and on light and dark pages."""

from __future__ import annotations

import html
import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from numbers import Real

from megami.errors import UserError
from megami.notebook.bundle import asset
from megami.notebook.palette import palette_css
from megami.notebook.recordings import minus

NOTHING = "\N{EN DASH}"


@dataclass(frozen=True)
class Table:
    """A table as HTML: notebooks show it by themselves; as text it reads in a terminal."""

    title: str
    description: str
    headings: tuple[str, ...]
    cells: tuple[tuple[str, ...], ...]  # as they are shown
    numeric: tuple[bool, ...]  # for each column
    highlight: frozenset[int]  # rows

    @property
    def html(self) -> str:
        """The table with its style sheet."""
        kinds = [' class="number"' if number else "" for number in self.numeric]
        head = "".join(
            f'<th scope="col"{kind}>{html.escape(heading)}</th>'
            for kind, heading in zip(kinds, self.headings, strict=True)
        )
        body = "".join(self._row(number, row, kinds) for number, row in enumerate(self.cells))
        title = f"<span>{html.escape(self.title)}</span>" if self.title else ""
        description = f'<span class="unseen">{html.escape(self.description)}</span>'
        name = html.escape(self.title or self.description)
        return (
            f'<div class="megami-table megami-colours" role="region" tabindex="0" aria-label="{name}">'
            f"<table><caption>{title}{description}</caption><thead><tr>{head}</tr></thead>"
            f"<tbody>{body}</tbody></table></div>\n<style>{palette_css()}\n{asset('table.css').strip()}</style>"
        )

    def _row(self, number: int, row: tuple[str, ...], kinds: list[str]) -> str:
        first, *others = (html.escape(cell) for cell in row)
        cells = "".join(f"<td{kind}>{cell}</td>" for kind, cell in zip(kinds[1:], others, strict=True))
        marked = ' class="marked"' if number in self.highlight else ""
        return f'<tr{marked}><th scope="row"{kinds[0]}>{first}</th>{cells}</tr>'

    def _repr_html_(self) -> str:
        return self.html

    def __repr__(self) -> str:
        lines = [self.headings, *self.cells]
        widths = [max(len(line[column]) for line in lines) for column in range(len(self.headings))]

        def aligned(line: tuple[str, ...]) -> str:
            columns = zip(line, widths, self.numeric, strict=True)
            cells = (cell.rjust(width) if number else cell.ljust(width) for cell, width, number in columns)
            return "  ".join(cells).rstrip()

        return "\n".join([*filter(None, [self.title]), *map(aligned, lines)])


def table(
    rows: Sequence[Sequence[object]],
    columns: Sequence[str | tuple[str, str]],
    title: str = "",
    *,
    description: str,
    highlight: Collection[int] = (),
) -> Table:
    """A table for a page; the first cell of a row is its heading.

    rows: cells each; numbers stand at the right, None and NaN are shown as a dash. columns: a heading with its unit, or
    (heading, format of numbers), for example ("level (dB)", "+.1f"). description: what the table shows, for those who
    hear it. highlight: numbers of rows to mark. Raises UserError if rows and columns do not fit, or a description is
    missing.
    """
    if not description.strip():
        raise UserError("a table needs a description: say in a sentence what it shows")
    headings, formats = zip(*(column if isinstance(column, tuple) else (column, "") for column in columns), strict=True)
    for number, row in enumerate(rows):
        if len(row) != len(headings):
            raise UserError(f"row {number} of the table has {len(row)} cells, but there are {len(headings)} columns")
    if not all(0 <= number < len(rows) for number in highlight):
        raise UserError(f"rows to mark are numbered from 0 to {len(rows) - 1}, got {sorted(highlight)}")
    cells = tuple(tuple(map(_shown, row, formats)) for row in rows)
    numeric = tuple(_is_numeric([row[column] for row in rows]) for column in range(len(headings)))
    return Table(title, description, headings, cells, numeric, frozenset(highlight))


def _shown(value: object, form: str) -> str:
    if value is None or (isinstance(value, Real) and math.isnan(value)):
        return NOTHING
    if isinstance(value, Real) and not isinstance(value, bool):
        return minus(format(value, form))
    return str(value)


def _is_numeric(values: list[object]) -> bool:
    """Do all cells hold numbers, or nothing?"""
    known = [value for value in values if value is not None]
    return bool(known) and all(isinstance(value, Real) and not isinstance(value, bool) for value in known)
