"""Tables of a page: cells as they read, headings for screen readers, nothing that breaks out."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from megami.errors import UserError
from megami.notebook import table

COLUMNS = ["system", ("level (dB)", "+.1f"), ("KAD", ".2f"), "songs"]
ROWS = [["raw sum", -12.34, None, 3], ["MEGAMI", np.float32(0.5), -0.2, 12], ["engineers", math.nan, 1.25, 4]]
WORDS = "Level and KAD of three systems."


def parsed(html: str) -> ElementTree.Element:
    return ElementTree.fromstring(html.split("<style>")[0])


def test_numbers_have_true_signs_and_nothing_is_a_dash() -> None:
    page = parsed(table(ROWS, COLUMNS, description=WORDS).html)
    cells = [[cell.text for cell in row] for row in page.iter("tr")]
    assert cells == [
        ["system", "level (dB)", "KAD", "songs"],
        ["raw sum", "\u221212.3", "\u2013", "3"],
        ["MEGAMI", "+0.5", "\u22120.20", "12"],
        ["engineers", "\u2013", "1.25", "4"],
    ]


def test_columns_of_numbers_stand_at_the_right() -> None:
    page = parsed(table(ROWS, COLUMNS, description=WORDS).html)
    for row in page.iter("tr"):
        assert [cell.get("class") for cell in row] == [None, "number", "number", "number"]


def test_screen_readers_get_headings_a_name_and_a_description() -> None:
    page = parsed(table(ROWS, COLUMNS, "Results", description=WORDS).html)
    assert (page.get("role"), page.get("tabindex"), page.get("aria-label")) == ("region", "0", "Results")
    assert [span.text for span in page.find("table/caption")] == ["Results", WORDS]
    assert {cell.get("scope") for cell in page.find("table/thead").iter("th")} == {"col"}
    assert [row[0].get("scope") for row in page.find("table/tbody")] == ["row"] * 3
    assert parsed(table(ROWS, COLUMNS, description=WORDS).html).get("aria-label") == WORDS


def test_rows_can_be_marked() -> None:
    page = parsed(table(ROWS, COLUMNS, description=WORDS, highlight=[1]).html)
    assert [row.get("class") for row in page.find("table/tbody")] == [None, "marked", None]


def test_as_text_it_stands_in_columns() -> None:
    assert repr(table(ROWS, COLUMNS, "Results", description=WORDS)).splitlines() == [
        "Results",
        "system     level (dB)    KAD  songs",
        "raw sum         \u221212.3      \u2013      3",
        "MEGAMI           +0.5  \u22120.20     12",
        "engineers           \u2013   1.25      4",
    ]


def test_cells_cannot_break_out_of_the_page() -> None:
    nasty = "</table><script>alert(1)</script>"
    shown = table([[nasty]], [nasty], nasty, description=nasty)
    assert "<script" not in shown.html and parsed(shown.html).find("table/tbody/tr/th").text == nasty


def test_what_does_not_fit_is_named() -> None:
    with pytest.raises(UserError, match="row 1 of the table has 2 cells, but there are 1 columns"):
        table([["a"], ["b", 2]], ["one"], description=WORDS)
    with pytest.raises(UserError, match="description"):
        table(ROWS, COLUMNS, description="")
    with pytest.raises(UserError, match=r"numbered from 0 to 2, got \[3\]"):
        table(ROWS, COLUMNS, description=WORDS, highlight=[3])
