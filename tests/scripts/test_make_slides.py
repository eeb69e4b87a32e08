"""The script that makes slides: what it says when something is missing. That it works, the tests in a browser show."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

pytest.importorskip("nbformat", reason="the book's tools are not installed: pip install megami[book]")

Run = Callable[..., subprocess.CompletedProcess]


@pytest.fixture
def run(run_script: Run) -> Run:
    return partial(run_script, "make_slides")


@pytest.fixture
def book(tmp_path: Path) -> Path:
    """A book of one chapter without slides and one with a slide."""
    folder = tmp_path / "book"
    folder.mkdir()
    for name, metadata in (("plain", {}), ("loud", {"slideshow": {"slide_type": "slide"}})):
        cell = {"cell_type": "markdown", "id": "opening", "metadata": metadata, "source": "# Loud"}
        content = {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
        (folder / f"{name}.ipynb").write_text(json.dumps(content))
    chapters = [{"file": f"book/{name}"} for name in ("plain", "loud")]
    (folder / "_toc.yml").write_text(json.dumps({"parts": [{"chapters": chapters}]}))
    return folder


def refused(found: subprocess.CompletedProcess, *words: str) -> bool:
    """One line that says what is wrong, and the exit code for it."""
    return found.returncode == 2 and len(found.stderr.splitlines()) == 1 and all(word in found.stderr for word in words)


def test_a_book_that_is_not_built_is_named_and_nothing_is_written(run: Run, book: Path, tmp_path: Path) -> None:
    out = tmp_path / "slides"
    assert refused(run(out, "--book", book, "--html", tmp_path / "html"), "loud.html", "make book")
    assert not out.exists()


def test_a_chapter_without_slides_is_named_with_those_that_have_some(run: Run, book: Path, tmp_path: Path) -> None:
    found = run(tmp_path / "slides", "plain", "--book", book, "--html", tmp_path / "html")
    assert refused(found, "plain: no chapter with slides", "there are loud")


def test_metadata_that_cannot_be_meant_are_named(run: Run, book: Path, tmp_path: Path) -> None:
    content = (book / "loud.ipynb").read_text().replace('"slide"', '"slides"')
    (book / "loud.ipynb").write_text(content)
    assert refused(run(tmp_path / "slides", "--book", book), "loud, cell opening", "slides")


def test_what_is_no_notebook_is_named(run: Run, book: Path, tmp_path: Path) -> None:
    shutil.copy(book / "_toc.yml", book / "loud.ipynb")
    assert refused(run(tmp_path / "slides", "--book", book), "loud.ipynb")
