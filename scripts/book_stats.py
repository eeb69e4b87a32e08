"""What each page of the built book holds (make stats): words, sounds, widgets, figures, questions, exercises, size.

    python scripts/book_stats.py [HTML]    HTML: the built book, _build/html if not given

Words are those of the text, without code, formulas and outputs. Sounds are recordings that a reader can play. Exit code
2 and one line if there is no built book.
"""

from __future__ import annotations

import argparse
import html
import json
import re
import sys
from collections import Counter
from dataclasses import astuple, dataclass, fields
from pathlib import Path

import yaml

from megami.errors import UserError
from megami.notebook.editions import exercises, read_chapter

ROOT = Path(__file__).resolve().parents[1]
MOVING = ("explore", "animation")
SOUND_FILE = re.compile(r"[\w/.-]+\.(?:mp3|ogg|opus|m4a|wav|flac)\b")


@dataclass(frozen=True)
class Stats:
    """How much of everything a page holds."""

    words: int = 0
    sounds: int = 0
    players: int = 0
    moving: int = 0  # explores and animations
    widgets: int = 0  # of all kinds, those before included
    figures: int = 0
    tables: int = 0
    questions: int = 0
    exercises: int = 0
    kilobytes: int = 0  # of HTML

    def __add__(self, other: Stats) -> Stats:
        return Stats(*(one + more for one, more in zip(astuple(self), astuple(other), strict=True)))


def words_of(markdown: str) -> int:
    """How many words there are to read: no code, no formulas, no markup that stands alone."""
    text = re.sub(r"```.*?```|\$\$.*?\$\$|\$[^$]*\$", " ", markdown, flags=re.S)
    text = re.sub(r"\]\([^)]*\)|\{\w+\}", " ", text)
    return len(re.findall(r"[A-Za-z][\w'-]*", text))


def widgets_of(page: str) -> list[dict]:
    """The settings of each widget of a page."""
    found = re.findall(r'data-megami-widget="[^"]*"[^>]*?data-config="([^"]*)"', page)
    found += re.findall(r'data-config="([^"]*)"[^>]*?data-megami-widget=', page)
    return [json.loads(html.unescape(settings)) for settings in found]


def read_stats(notebook: Path, page: Path) -> Stats:
    """Count one chapter, from its notebook and its built page."""
    cells = read_chapter(notebook).cells
    built = page.read_text(encoding="utf-8")
    main = built[built.find("<article") : built.find("</article>")]
    widgets = widgets_of(main)
    kinds = Counter(widget["kind"] for widget in widgets)
    return Stats(
        words=sum(words_of(cell.source) for cell in cells if cell.cell_type == "markdown"),
        sounds=len(set(SOUND_FILE.findall(main))),
        players=kinds["player"],
        moving=sum(kinds[kind] for kind in MOVING),
        widgets=len(widgets),
        figures=len(re.findall(r'output text_html">\s*<figure class="megami-figure', main)),
        tables=len(re.findall(r'class="megami-table[ "]', main)),
        questions=sum(len(widget.get("questions", ())) for widget in widgets),
        exercises=len(list(exercises(read_chapter(notebook)))),
        kilobytes=round(len(built.encode()) / 1000),
    )


def pages_in_order(toc: Path) -> list[str]:
    """The names of the book's notebooks, as its table of contents lists them."""
    parts = yaml.safe_load(toc.read_text(encoding="utf-8"))["parts"]
    listed = [Path(chapter["file"]).name for part in parts for chapter in part["chapters"]]
    return [name for name in listed if (toc.parent / f"{name}.ipynb").exists()]


def print_table(rows: dict[str, Stats]) -> None:
    """One line for each page, and one for all."""
    names = [item.name for item in fields(Stats)]
    widest = max(map(len, rows))
    print(" " * widest, *(f"{name:>9}" for name in names))
    for name, stats in rows.items():
        print(f"{name:{widest}}", *(f"{value:9}" for value in astuple(stats)))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("html", type=Path, nargs="?", default=ROOT / "_build" / "html")
    built = parser.parse_args().html / "book"
    rows = {}
    for name in pages_in_order(ROOT / "book" / "_toc.yml"):
        if not (built / f"{name}.html").exists():
            raise UserError(f"{built / name}.html is missing: run make book first")
        rows[name] = read_stats(ROOT / "book" / f"{name}.ipynb", built / f"{name}.html")
    print_table({**rows, "all": sum(rows.values(), Stats())})
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except UserError as error:
        print(f"book_stats: {error}", file=sys.stderr)
        sys.exit(2)
