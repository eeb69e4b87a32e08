"""What `make stats` counts, on a small chapter and a page as the book builds it."""

from __future__ import annotations

import html
import json

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook


@pytest.fixture
def stats(load_script):
    return load_script("book_stats")


def widget(kind: str, **settings: object) -> str:
    config = html.escape(json.dumps({"kind": kind, **settings}))
    return f'<div class="megami-widget" data-megami-widget="{kind}" data-config="{config}"></div>'


def test_a_chapter_is_counted(stats, tmp_path):
    text = "# Two words\n\nThree $x = y$ more [words](https://doi.org/10)\n\n```\nnot these\n```"
    cells = [new_markdown_cell(text), new_code_cell("many words of code")]
    nbformat.write(new_notebook(cells=cells), tmp_path / "one.ipynb")
    sounds = '<audio src="_audio/a-01.mp3"></audio><audio src="_audio/a-02.mp3"></audio><a href="_audio/a-01.mp3">'
    widgets = widget("player") + widget("explore") + widget("quiz", questions=[{}, {}, {}])
    figure = '<div class="output text_html"><figure class="megami-figure megami-colours"></figure></div>'
    page = f"<nav>{figure}</nav><article>{sounds}{widgets}{figure}</article>"
    (tmp_path / "one.html").write_text(page, encoding="utf-8")
    found = stats.read_stats(tmp_path / "one.ipynb", tmp_path / "one.html")
    assert (found.words, found.sounds, found.players, found.moving) == (5, 2, 1, 1)
    assert (found.widgets, found.figures, found.questions, found.exercises) == (3, 1, 3, 0)
    both = found + found
    assert both.words == 10 and both.questions == 6


def test_without_a_built_book_it_says_what_to_do(stats, tmp_path, monkeypatch):
    monkeypatch.setattr("sys.argv", ["book_stats.py", str(tmp_path)])
    with pytest.raises(stats.UserError, match="run make book first"):
        stats.main()
