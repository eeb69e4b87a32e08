"""Pages of text, before the book is built: spelling, glossary, API, entry page, table of contents."""

from __future__ import annotations

import importlib
import inspect
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
BOOK = ROOT / "book"
PAGES = sorted(BOOK.glob("*.md"))
CHAPTERS = sorted(BOOK.glob("*.ipynb"))
READERS = [
    *PAGES,
    *CHAPTERS,
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *ROOT.glob("data_samples/**/README.md"),
    *ROOT.glob("megami/presets/**/*.md"),
]


def text_of(path: Path) -> str:
    """What a reader reads: of a notebook, its cells of text."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".ipynb":
        cells = [cell for cell in json.loads(text)["cells"] if cell["cell_type"] == "markdown"]
        text = "\n\n".join("".join(cell["source"]) for cell in cells)
    return text


@pytest.mark.parametrize("path", READERS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_spelling(path: Path, tmp_path: Path) -> None:
    """codespell knows common misspellings; words that it wrongly takes for one are listed in book/words.txt."""
    pytest.importorskip("codespell_lib", reason="codespell is not installed: pip install megami[test]")
    read = tmp_path / f"{path.stem}.md"
    read.write_text(text_of(path), encoding="utf-8")
    words = ["--builtin", "clear,rare", "--ignore-words", str(BOOK / "words.txt")]
    found = subprocess.run([sys.executable, "-m", "codespell_lib", *words, str(read)], capture_output=True, text=True)
    assert found.returncode == 0, found.stdout + found.stderr


def terms() -> dict[str, str]:
    """The glossary: each term and what is said of it."""
    blocks = re.findall(r":::\{glossary\}\n(.*?)\n:::", (BOOK / "glossary.md").read_text(encoding="utf-8"), re.S)
    entries = [entry.split("\n", 1) for block in blocks for entry in block.split("\n\n")]
    return {term.strip(): " ".join(line.strip() for line in said.splitlines()) for term, said in entries}


def test_the_glossary_explains_sixty_words_in_two_sentences_each() -> None:
    explained = terms()
    assert len(explained) >= 60
    for term, said in explained.items():
        sentences = re.findall(r"[.?!](?=\s|$)", re.sub(r"BS\.1770", "", said))
        assert 1 <= len(sentences) <= 2, f"{term}: {said}"


def test_terms_that_pages_link_to_are_in_the_glossary() -> None:
    known = set(terms())
    for path in [*PAGES, *CHAPTERS]:
        for named in re.findall(r"(?<!`)\{term\}`([^`]+)`(?!`)", text_of(path)):
            term = re.search(r"<(.+)>$", named)
            assert (term[1] if term else named) in known, f"{path.name}: {named}"


def rooms() -> tuple[str, ...]:
    """The rooms from the top floor down, as tests/test_rooms.py has them."""
    text = (ROOT / "tests" / "test_rooms.py").read_text(encoding="utf-8")
    block = re.search(r"^ROOMS = \((.*?)^\)", text, re.S | re.M)
    assert block
    return tuple(re.findall(r'^    "(\w+)"', block[1], re.M))


def test_the_api_has_every_room_in_the_order_of_the_house() -> None:
    toc = (BOOK / "_toc.yml").read_text(encoding="utf-8")
    pages = [(BOOK / f"{name}.md").read_text(encoding="utf-8") for name in re.findall(r"book/(api-\w+)", toc)]
    shown = re.findall(r"^\.\. automodule:: megami\.(\w+)$", "\n".join(pages), re.M)  # rooms, not what is in them
    assert tuple(shown) == rooms()


def test_every_public_name_has_something_to_say() -> None:
    """A class or function without a docstring would be missing from the API without a word."""
    for room in rooms():
        module = importlib.import_module(f"megami.{room}")
        assert module.__doc__, room
        for name in getattr(module, "__all__", ()):
            value = getattr(module, name)
            if inspect.isclass(value) or inspect.isroutine(value):
                assert value.__doc__, f"megami.{room}.{name}"


def test_every_page_is_in_the_table_of_contents_once() -> None:
    toc = yaml.safe_load((BOOK / "_toc.yml").read_text(encoding="utf-8"))
    listed = [toc["root"], *(chapter["file"] for part in toc["parts"] for chapter in part["chapters"])]
    assert sorted(listed) == sorted(f"book/{path.stem}" for path in [*PAGES, *CHAPTERS])


def test_what_the_entry_page_calls_planned_is_not_there_and_has_no_link() -> None:
    intro = (BOOK / "intro.md").read_text(encoding="utf-8")
    cards = re.findall(r"^::::\{grid-item-card\} ([\dA]+) · (.*?)^::::$", intro, re.S | re.M)
    assert [number for number, _ in cards] == [*map(str, range(1, 13)), "A"]
    for number, card in cards:
        planned = "`planned`" in card
        assert planned == (":link:" not in card) == (":class-card: planned" in card), number
        if not planned:
            link = re.search(r"^:link: (.+)$", card, re.M)
            assert link and (BOOK / f"{link[1]}.ipynb").exists() and re.search(r"\d+ minutes", card), number
        assert "builds on" in card or "no prerequisites" in card, number


def test_the_picture_has_a_drawing_for_phones_that_says_the_same() -> None:
    wide, narrow = ((BOOK / "_static" / f"{name}.svg").read_text("utf-8") for name in ("pipeline", "pipeline-narrow"))
    for word in ("Content encoder", "Generator", "Effect processor", "Domain", "adaptor", "embeddings", "mix"):
        assert word in wide and word in narrow
    width = float(re.search(r'viewBox="0 0 ([\d.]+) ', narrow)[1])
    smallest = min(float(size) for size in re.findall(r"font-size: ([\d.]+)px", wide))  # the style is shared
    assert smallest * (390 - 2 * 20) / width >= 9
