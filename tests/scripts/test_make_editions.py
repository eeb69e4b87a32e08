"""Editions of a chapter through the script: students get no solutions, and solutions must satisfy their checkers."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from megami.errors import UserError
from megami.notebook.editions import exercises, read_chapter, solution_edition, student_edition
from megami.notebook.exercise import STRICT

Run = Callable[..., subprocess.CompletedProcess]
SETUP = """\
from megami.notebook.exercise import checker

@checker("Double")
def check_double(check, value):
    check.close("the value", value, 4.0, tolerance=0.1)"""


def tagged(source: str, tag: str) -> object:
    return new_code_cell(source, metadata={"tags": [tag, "hide-cell"] if tag == "solution" else [tag]})


def chapter(solution: str = "value = 4.0") -> object:
    cells = [
        new_code_cell(SETUP, outputs=[], execution_count=3),
        new_markdown_cell("**1.** Twice two?"),
        tagged("value = ...", "exercise"),
        tagged("check_double(value)", "check"),
        tagged(solution, "solution"),
    ]
    return new_notebook(cells=cells, metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}})


def book(folder: Path, **solutions: str) -> Path:
    folder.mkdir()
    for name, solution in solutions.items():
        nbformat.write(chapter(solution), folder / f"{name}.ipynb")
    nbformat.write(new_notebook(cells=[new_markdown_cell("No exercises")]), folder / "plain.ipynb")
    return folder


@pytest.fixture
def run(run_script: Run, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv(STRICT, "")  # which the script sets for the kernels that it starts
    return partial(run_script, "make_editions")


def test_students_get_the_empty_cell_and_the_checker_but_no_solution() -> None:
    sources = [cell.source for cell in student_edition(chapter()).cells]
    assert "value = ..." in sources and "check_double(value)" in sources and "value = 4.0" not in sources


def test_with_solutions_they_stand_in_the_empty_cells() -> None:
    sources = [cell.source for cell in solution_edition(chapter()).cells]
    assert sources.index("value = 4.0") < sources.index("check_double(value)") and "value = ..." not in sources


def test_the_chapter_itself_is_not_changed() -> None:
    made = chapter()
    before = nbformat.writes(made)
    student_edition(made), solution_edition(made)
    assert nbformat.writes(made) == before


def test_an_exercise_without_solution_is_refused() -> None:
    made = chapter()
    del made.cells[-1]
    with pytest.raises(UserError, match="threes"):
        list(exercises(made))


def test_the_student_edition_is_written_and_never_overwrites(run: Run, tmp_path: Path) -> None:
    chapters = book(tmp_path / "book", one="value = 4.0")
    out = tmp_path / "student"
    assert run("student", out, "--book", chapters).returncode == 0
    assert [path.name for path in out.iterdir()] == ["one.ipynb"]
    assert '4.0"' not in (out / "one.ipynb").read_text() and len(read_chapter(out / "one.ipynb").cells) == 4
    again = run("student", out, "--book", chapters)
    assert again.returncode == 2 and "is there already" in again.stderr and len(again.stderr.splitlines()) == 1
    assert run("student", "--book", chapters).returncode == 2


def test_solutions_run_and_a_wrong_one_is_named(run: Run, tmp_path: Path) -> None:
    right = run("solutions", "--book", book(tmp_path / "right", one="value = 4.0"))
    assert right.returncode == 0 and "one.ipynb: 1 solution passes" in right.stdout
    wrong = run("solutions", "--book", book(tmp_path / "wrong", one="value = 4.0", two="value = 5.0"))
    assert wrong.returncode == 1 and "two.ipynb" in wrong.stderr and "too large" in wrong.stderr


def test_what_is_no_notebook_is_named(run: Run, tmp_path: Path) -> None:
    folder = book(tmp_path / "book", one="value = 4.0")
    (folder / "broken.ipynb").write_text("{")
    found = run("student", tmp_path / "out", "--book", folder)
    assert found.returncode == 2 and "broken.ipynb" in found.stderr and "Traceback" not in found.stderr
    assert not (tmp_path / "out").exists()
