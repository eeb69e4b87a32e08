"""Every chapter, before it is built: one first cell for all, no stored outputs, alt text, solutions to exercises."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import pytest

BOOK = Path(__file__).resolve().parents[2] / "book"
CHAPTERS = sorted(BOOK.glob("*.ipynb"))

INSTALL = """\
# On Google Colab this fetches and installs the book's package, elsewhere nothing.
import sys

if "google.colab" in sys.modules:
    %cd -q /content
    !git clone -q --depth 1 https://github.com/megami-mixing/megami
    %pip install -q ./megami
    %cd -q megami/book"""


def cells(chapter: Path, kind: str) -> list[dict]:
    return [cell for cell in json.loads(chapter.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == kind]


def source(cell: dict) -> str:
    return "".join(cell["source"])


def tags(cell: dict) -> list[str]:
    return cell["metadata"].get("tags", [])


@pytest.fixture(params=CHAPTERS, ids=lambda path: path.stem)
def chapter(request: pytest.FixtureRequest) -> Path:
    return request.param


def test_it_begins_with_the_install_cell(chapter: Path) -> None:
    assert source(cells(chapter, "code")[0]) == INSTALL


def test_it_is_stored_without_outputs(chapter: Path) -> None:
    for cell in cells(chapter, "code"):
        assert cell["outputs"] == [] and cell["execution_count"] is None


def test_figures_have_alt_text(chapter: Path) -> None:
    for cell in cells(chapter, "code"):
        shown = ast.parse(re.sub(r"^[%!].*$", "", source(cell), flags=re.M).strip() or "None").body[-1]
        if isinstance(shown, ast.Expr) and re.match(r"(plot_\w+|figure|fig)\b", ast.unparse(shown)):
            words = {word.arg: word.value for word in getattr(shown.value, "keywords", [])}
            assert "alt" in words and len(ast.unparse(words["alt"])) > 30, source(cell)
    for cell in cells(chapter, "markdown"):
        assert all(alt.strip() for alt in re.findall(r"!\[([^\]]*)\]\(", source(cell)))


def test_claims_are_asserted_and_exercises_solved(chapter: Path) -> None:
    code = [source(cell) for cell in cells(chapter, "code")]
    assert sum("assert " in text for text in code) >= 3
    exercises = sum(len(re.findall(r"^\*\*\d+\. ", source(cell), re.M)) for cell in cells(chapter, "markdown"))
    solutions = [cell for cell in cells(chapter, "code") if "hide-cell" in tags(cell) and cell is not code[0]]
    assert exercises >= 1 and sum("Solution" in source(cell) for cell in solutions) == exercises


def test_nothing_names_a_private_place(chapter: Path) -> None:
    text = chapter.read_text(encoding="utf-8")
    assert not re.search(r"/(home|root|work|tmp|Users)/", text)
    assert set(re.findall(r"https?://([\w.-]+)", text)) <= {"github.com", "arxiv.org", "creativecommons.org", "doi.org"}


def test_every_chapter_is_in_the_table_of_contents() -> None:
    listed = (BOOK / "_toc.yml").read_text(encoding="utf-8")
    for path in [*CHAPTERS, BOOK / "intro.md"]:
        assert f"book/{path.stem}" in listed


def test_the_picture_of_the_system_has_words() -> None:
    picture = (BOOK / "_static" / "pipeline.svg").read_text(encoding="utf-8")
    for word in ("<title", "<desc", "prefers-color-scheme: dark", "Content encoder", "Generator", "Effect processor"):
        assert word in picture
