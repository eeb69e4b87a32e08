"""Slides from cells: which cells, what of them, and what is refused."""

from __future__ import annotations

import json

import pytest
from bs4 import BeautifulSoup

pytest.importorskip("nbformat", reason="the book's tools are not installed: pip install megami[book]")
import nbformat

from megami.errors import UserError
from megami.notebook.built_page import cut_page
from megami.notebook.deck import deck_page, index_page
from megami.notebook.slides import Deck, make_deck, read_parts

OPENING = (
    "<h1>Loud &amp; soft<a class='headerlink' href='#loud'>#</a></h1><p>Long prose.</p>"
    "<div class='admonition'>Goals</div>"
)
SOUND = (
    "<div class='cell'><details><div class='cell_input'><div class='highlight'>play()</div></div></details>"
    "<div class='cell_output'><div class='output stderr'>A warning</div><div class='output stream'>printed</div>"
    "<div class='output text_html'><svg viewBox='0 0 1 1'><clipPath id='a'></clipPath></svg></div></div></div>"
)
FORMULA = (
    "<section id='why'><h2>Why <em>not</em></h2><p id='x'>First.</p><p>Second, see <a href='#eq'>(1)</a>, "
    "<a href='other.html#a'>another chapter</a>, <a href='third.html'>a third</a>, <a href='https://example.org'>more</a>.</p>"
    "<div class='math' id='eq'>\\[a < b\\]</div>"
)
END = (
    "</section><section><h2>To remember</h2><ul><li>One.</li></ul></section>"
    "<section><h2>Reading</h2><ul><li>A book.</li></ul>"
)
PAGE = (
    "<html><article class='bd-article'><section>"
    f"{OPENING}<!-- cell sound -->{SOUND}<!-- cell formula -->{FORMULA}<!-- cell end -->{END}</section></section>"
    "<!-- by the theme --></article><article>Not the page.</article></html>"
)


def notebook(**slideshow: dict) -> nbformat.NotebookNode:
    """The chapter of PAGE; slideshow: the metadata of some of its cells."""
    kinds = {"opening": "markdown", "sound": "code", "formula": "markdown", "end": "markdown"}
    cells = []
    for cell, kind in kinds.items():
        made = {"cell_type": kind, "id": cell, "source": "", "metadata": {}}
        if cell in slideshow:
            made["metadata"]["slideshow"] = slideshow[cell]
        cells.append(made | ({"outputs": [], "execution_count": None} if kind == "code" else {}))
    text = json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
    return nbformat.reads(text, as_version=4)


def deck(decks: tuple[str, ...] = (), **slideshow: dict) -> Deck:
    return make_deck(notebook(**slideshow), PAGE, "loud", decks)


def test_a_page_falls_into_its_cells_whatever_sections_they_cross() -> None:
    cells = cut_page(PAGE, "loud", "opening")
    assert [*cells] == ["opening", "sound", "formula", "end"]
    assert [block.name for block in cells["end"].blocks] == ["h2", "ul", "h2", "ul"]
    assert "Goals" in str(cells["opening"].blocks) and "Not the page" not in str(cells["end"].blocks)


def test_a_page_built_without_marks_is_refused() -> None:
    with pytest.raises(UserError, match="make book"):
        cut_page("<article class='bd-article'><p>Text</p></article>", "loud", "opening")
    with pytest.raises(UserError, match="make book"):
        cut_page("<p>Text</p>", "loud", "opening")


def test_a_slide_of_code_shows_the_output_and_neither_code_nor_warnings() -> None:
    (slide,) = deck(sound={"slide_type": "slide"}).slides
    assert "viewbox" in slide.body.lower() and 'id="a"' in slide.body  # a picture needs its own names
    assert all(words not in slide.body for words in ("play()", "A warning", "printed"))
    (slide,) = deck(sound={"slide_type": "slide", "keep": ["code"]}).slides
    assert slide.body.index("play()") < slide.body.lower().index("viewbox")


def test_what_a_cell_prints_is_shown_where_there_is_nothing_else() -> None:
    page = PAGE.replace("output text_html", "output stderr")
    (slide,) = make_deck(notebook(sound={"slide_type": "slide"}), page, "loud").slides
    assert "printed" in slide.body and "svg" not in slide.body


def test_the_heading_is_that_of_the_section_unless_the_slide_has_its_own() -> None:
    first, second = deck(sound={"slide_type": "slide"}, formula={"slide_type": "slide"}).slides
    assert first.heading == "Loud &amp; soft" and second.heading == "Why <em>not</em>"
    (slide,) = deck(sound={"slide_type": "slide", "text": "## Listen to *this*\n\nNow."}).slides
    assert slide.heading == "Listen to <em>this</em>" and "<p>Now.</p>" in slide.body and "##" not in slide.body


def test_text_stands_in_place_of_prose_which_goes_to_the_speaker() -> None:
    (slide,) = deck(formula={"slide_type": "slide", "text": "For $x < 1$:", "keep": ["formulas"]}).slides
    assert r"\(x &lt; 1\)" in slide.body and "a &lt; b" in slide.body
    assert "Second" not in slide.body and "Second" in slide.notes


def test_chosen_blocks_alone() -> None:
    (slide,) = deck(formula={"slide_type": "slide", "keep": ["paragraph"]}).slides
    assert "First." in slide.body and "Second" not in slide.body
    (slide,) = deck(end={"slide_type": "slide", "keep": ["lists"], "under": "To remember"}).slides
    assert slide.heading == "To remember" and "One." in slide.body and "A book." not in slide.body


def test_links_that_lead_nowhere_on_slides_become_words() -> None:
    (slide,) = deck(("other",), formula={"slide_type": "slide"}).slides
    links = [link["href"] for link in BeautifulSoup(slide.body, "html.parser").select("a")]
    assert links == ["other.html", "https://example.org"] and "a third" in slide.body and "id=" not in slide.body


def test_fragments_and_notes_join_the_slide_before() -> None:
    first, below = deck(
        opening={"slide_type": "slide", "keep": ["admonitions"]},
        sound={"slide_type": "fragment"},
        formula={"slide_type": "notes"},
        end={"slide_type": "subslide"},
    ).slides
    assert 'class="fragment"' in first.body and not first.below
    assert "Second" in first.notes and below.below


def test_slides_below_share_a_column_on_the_page() -> None:
    made = deck(opening={"slide_type": "slide"}, sound={"slide_type": "subslide"}, end={"slide_type": "slide"})
    page = BeautifulSoup(deck_page(made), "html.parser")
    columns = page.select(".slides > section")
    assert [len(column.select("section")) for column in columns] == [0, 2, 0]
    assert page.title.text.startswith("Loud & soft")
    assert "loud.html" in index_page([made]) and "4 slides" in index_page([made])


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"slide_type": "slid"}, "slid"),
        ({"slide_type": "slide", "keep": ["formula"]}, "formula"),
        ({"slide_type": "slide", "words": "Hello"}, "words"),
        ({"slide_type": "fragment"}, "none before"),
    ],
)
def test_metadata_that_cannot_be_meant_are_named_with_their_cell(asked: dict, said: str) -> None:
    with pytest.raises(UserError, match=said) as refused:
        read_parts(notebook(sound=asked), "loud")
    assert "loud, cell sound" in str(refused.value)


def test_a_slide_without_anything_on_it_is_refused() -> None:
    with pytest.raises(UserError, match="nothing of the cell end"):
        deck(end={"slide_type": "slide", "under": "No such heading"})


def test_a_page_older_than_its_chapter_is_refused() -> None:
    old = PAGE.replace("<!-- cell end -->", "")
    with pytest.raises(UserError, match="make book"):
        make_deck(notebook(end={"slide_type": "slide"}), old, "loud")


def test_cells_that_jupyterlab_marks_as_skipped_are_on_no_slide() -> None:
    assert not read_parts(notebook(opening={"slide_type": "skip"}, sound={"slide_type": "-"}), "loud")
