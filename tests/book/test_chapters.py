"""Every chapter, before it is built: its form, one first cell for all, no stored outputs, alt text, solutions."""

from __future__ import annotations

import ast
import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
from IPython.core.inputtransformer2 import TransformerManager

from megami.mixing.compat import PUBLISHED
from megami.notebook.editions import exercises, read_chapter

BOOK = Path(__file__).resolve().parents[2] / "book"
CHAPTERS = sorted(BOOK.glob("*.ipynb"))

INSTALL = """\
# On Google Colab this fetches and installs the book's package, elsewhere nothing.
import sys
from importlib.util import find_spec

if "google.colab" in sys.modules:
    %cd -q /content
    !test -d megami || git clone -q --depth 1 https://github.com/megami-mixing/megami
    %pip install -q ./megami
    %cd -q megami/book

if getattr(find_spec("megami"), "origin", None) is None:
    raise RuntimeError("The package is missing. On Colab, check the network and run "
                       "this cell again; elsewhere, run `make setup`.")"""

REFERENCE = {"published-reference", "primer", "gallery"}  # pages to look things up: no exercises
APPENDICES = {"published-code"}  # shorter than a chapter: one exercise will do
EXAMPLES = {"gallery"}  # pages that show how, and claim nothing


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


def run_set_up(namespace: dict[str, object]) -> None:
    exec(TransformerManager().transform_cell(INSTALL), namespace)


def test_the_set_up_cell_says_in_one_sentence_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    run_set_up({})
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(RuntimeError, match=r"package is missing.*run this cell again.*make setup"):
        run_set_up({})


def test_the_set_up_cell_clones_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git = tmp_path / "git"
    git.write_text("#!/bin/sh\nmkdir megami && echo cloned >> clones\n")
    git.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setitem(sys.modules, "google.colab", ModuleType("google.colab"))
    shell = SimpleNamespace(
        system=lambda line: subprocess.run(line, shell=True, cwd=tmp_path, check=True),
        run_line_magic=lambda name, line: None,
    )
    for _ in range(2):
        run_set_up({"get_ipython": lambda: shell})
    assert (tmp_path / "clones").read_text() == "cloned\n"


def test_it_is_stored_without_outputs(chapter: Path) -> None:
    for cell in cells(chapter, "code"):
        assert cell["outputs"] == [] and cell["execution_count"] is None


def test_figures_have_alt_text(chapter: Path) -> None:
    for cell in cells(chapter, "code"):
        shown = ast.parse(TransformerManager().transform_cell(source(cell)) or "None").body[-1]
        if isinstance(shown, ast.Expr) and re.match(r"(plot_\w+|figure|fig)\b", ast.unparse(shown)):
            words = {word.arg: word.value for word in getattr(shown.value, "keywords", [])}
            assert "alt" in words and len(ast.unparse(words["alt"])) > 30, source(cell)
    for cell in cells(chapter, "markdown"):
        assert all(alt.strip() for alt in re.findall(r"!\[([^\]]*)\]\(", source(cell)))


def test_it_begins_with_what_the_reader_will_do(chapter: Path) -> None:
    first = source(cells(chapter, "markdown")[0])
    (box,) = re.findall(r"^:::\{admonition\} (?:In this chapter|On this page) you.*?^:::$", first, re.M | re.S)
    assert 3 <= len(re.findall(r"^- ", box, re.M)) <= 5
    assert re.search(r"minutes to read", box)


def test_set_up_is_folded_under_a_label_of_its_own(chapter: Path) -> None:
    code = cells(chapter, "code")
    set_up = [code[0], *(cell for cell in code[1:] if source(cell).lstrip().startswith(("import ", "from ")))]
    for cell in set_up:
        assert "hide-cell" in tags(cell)
    for cell in code:
        if {"hide-cell", "hide-input"} & set(tags(cell)):
            label = cell["metadata"].get("mystnb", {}).get("code_prompt_show", "")
            assert len(label) > 10 and "{type}" not in label, source(cell)


def test_something_plays_before_the_first_section(chapter: Path) -> None:
    if chapter.stem in REFERENCE:
        return
    for cell in json.loads(chapter.read_text(encoding="utf-8"))["cells"]:
        assert not re.search(r"^## ", source(cell), re.M), "a section begins before anything can be played"
        if re.search(r"^player\(", source(cell), re.M):
            return
    raise AssertionError("nothing can be played")


def test_cells_are_short(chapter: Path) -> None:
    for cell in cells(chapter, "code"):
        lines = source(cell).splitlines()
        assert len(lines) < 40 and max(map(len, lines)) < 88, source(cell)


def test_what_is_asserted_is_printed(chapter: Path) -> None:
    for cell in cells(chapter, "code"):
        if re.search(r"^\s*assert ", source(cell), re.M):
            assert re.search(r"\b(print|table)\(", source(cell)), source(cell)


def test_claims_are_asserted(chapter: Path) -> None:
    code = cells(chapter, "code")
    assert chapter.stem in EXAMPLES or sum("assert " in source(cell) for cell in code) >= 3


def test_exercises_are_graded_and_checked_and_their_solutions_folded(chapter: Path) -> None:
    threes = list(exercises(read_chapter(chapter)))
    assert len(threes) >= (0 if chapter.stem in REFERENCE else 1 if chapter.stem in APPENDICES else 4)
    text = "\n".join(source(cell) for cell in cells(chapter, "markdown"))
    asked = re.findall(r"^\*\*(\d+)\. [^*]+\*\* \(\*(?:warm-up|build|research)\*\)", text, re.M)
    assert asked == [str(number) for number in range(1, len(threes) + 1)]
    for number, (_, _, solution) in zip(asked, threes, strict=True):
        assert solution.source.startswith(f"# Solution {number}\n") and "hide-cell" in solution.metadata["tags"]


def test_exercises_are_unanswered(chapter: Path) -> None:
    for exercise, check, _ in exercises(read_chapter(chapter)):
        call = ast.parse(check.source).body[-1].value
        assert ast.unparse(call.func).startswith("check_")
        found: dict[str, object] = {}
        exec(exercise.source, found)
        assert call.args and all(found[ast.unparse(answer)] is ... for answer in call.args), check.source


def test_it_asks_before_it_answers(chapter: Path) -> None:
    if chapter.stem in REFERENCE:
        return
    asked = [cell for cell in cells(chapter, "code") if source(cell).startswith("quiz(")]
    assert len(asked) >= (1 if chapter.stem in APPENDICES else 2)
    for cell in asked:
        assert "hide-input" in tags(cell) and "description=" in source(cell)


def test_nothing_names_a_private_place(chapter: Path) -> None:
    text = chapter.read_text(encoding="utf-8")
    assert not re.search(r"/(home|root|work|tmp|Users)/", text)
    assert set(re.findall(r"https?://([\w.-]+)", text)) <= {"github.com", "arxiv.org", "creativecommons.org", "doi.org"}


def test_the_reference_lists_every_choice_of_compatibility() -> None:
    text = "".join(map(source, cells(BOOK / "published-reference.ipynb", "markdown")))
    table = text.split("## Eleven choices", 1)[1].split("\n\n", 2)[1]
    assert set(re.findall(r"^\| `(\w+)` \|", table, re.M)) == set(PUBLISHED.differences())
    assert len(PUBLISHED.differences()) == 11


def test_every_chapter_is_in_the_table_of_contents() -> None:
    listed = (BOOK / "_toc.yml").read_text(encoding="utf-8")
    for path in [*CHAPTERS, BOOK / "intro.md"]:
        assert f"book/{path.stem}" in listed


def test_the_picture_of_the_system_has_words() -> None:
    picture = (BOOK / "_static" / "pipeline.svg").read_text(encoding="utf-8")
    for word in ("<title", "<desc", "prefers-color-scheme: dark", "Content encoder", "Generator", "Effect processor"):
        assert word in picture
