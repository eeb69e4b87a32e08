"""A book of one chapter with slides, built as the real one is; its outputs are made here, so it needs no kernel."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import yaml
from built_book import ROOT
from pages import SAMPLE_RATE, tone

from megami.notebook import choice, player, quiz

NAME = "tiny"
TEXT = "Long prose that no slide has room for."
LOUDER = choice("Which is louder?", [("A", True, "Yes, A."), ("B", False, "B is softer.")], "Louder is larger.")


def _text(cell: str, source: str, **slide: object) -> dict:
    metadata = {"slideshow": slide} if slide else {}
    return {"cell_type": "markdown", "id": cell, "metadata": metadata, "source": source}


def _code(cell: str, shown: str, **slide: object) -> dict:
    output = {"output_type": "display_data", "data": {"text/html": shown}, "metadata": {}}
    code = {
        "cell_type": "code",
        "execution_count": 1,
        "outputs": [output],
        "source": f"show_{cell.replace('-', '_')}()",
    }
    return {**code, "id": cell, "metadata": {"tags": ["hide-input"], "slideshow": slide}}


def tiny_chapter() -> dict:
    """A notebook with slides of every kind."""
    sounds = [(name, tone(hz, 2.0)) for name, hz in (("low", 220), ("high", 440), ("higher", 880))]
    goals = ":::{admonition} In this chapter you\n- hear a tone;\n- answer a question.\n:::"
    cells = [
        _text("opening", f"# A tiny chapter\n\n{TEXT}\n\n{goals}", slide_type="slide", keep=["admonitions"]),
        _code("sounds", player(sounds, SAMPLE_RATE, title="Tones").html, slide_type="slide"),
        _text(
            "formula",
            f"## What it means\n\n{TEXT}\n\n$$\na < \\sqrt{{x}}\n$$ (eq-tiny)\n\nBy {{eq}}`eq-tiny`, all is well.",
            slide_type="slide",
            text="With $x > 0$:",
            keep=["formulas"],
        ),
        _text("unseen", "Nobody needs this on a slide."),
        _code("question", quiz(LOUDER, description="One question").html, slide_type="subslide", text="Think *first*."),
        _code("more", "<p>The answer</p>", slide_type="fragment"),
        _text("said", f"Say that it is easy. {TEXT}", slide_type="notes"),
        _text(
            "end",
            "## What to remember\n\n- One.\n- Two.\n\n## Further reading\n\n- [](tiny), [a book](https://example.org/).",
            slide_type="slide",
            keep=["lists"],
            under="What to remember",
        ),
    ]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}


def build_tiny_book(folder: Path) -> Path:
    """Build it in a folder; where its pages are."""
    book = folder / "book"
    shutil.copytree(ROOT / "book" / "_static", book / "_static")
    (book / f"{NAME}.ipynb").write_text(json.dumps(tiny_chapter()), encoding="utf-8")
    toc = {"format": "jb-book", "root": "book/tiny"}
    (book / "_toc.yml").write_text(yaml.safe_dump(toc), encoding="utf-8")
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    config["execute"] = {"execute_notebooks": "off"}
    config.pop("bibtex_bibfiles")
    sphinx = config["sphinx"]["config"]
    config["sphinx"]["config"] = {key: value for key, value in sphinx.items() if not key.startswith("bibtex")}
    config["sphinx"]["local_extensions"] = {
        name: str(ROOT / path) for name, path in config["sphinx"]["local_extensions"].items()
    }
    (folder / "_config.yml").write_text(yaml.safe_dump(config), encoding="utf-8")
    command = [Path(sys.executable).with_name("jupyter-book"), "build", folder, "--toc", book / "_toc.yml", "-n", "-W"]
    done = subprocess.run([*map(str, command), "--keep-going"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    return folder / "_build" / "html"
