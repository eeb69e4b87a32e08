"""Slides of the chapters, cut out of the built book (megami/notebook/slides.py, make slides).

    python scripts/make_slides.py FOLDER [CHAPTER ...]    all chapters that have slides, if none is named

Needs the built book (make book). A folder of slides is made anew each time, but nothing in it that was not made here is
touched. Exit code 2 and one line if something is wrong.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from book_stats import pages_in_order
from nbformat import NotebookNode
from tqdm import tqdm

from megami.errors import UserError
from megami.notebook.deck import INDEX, deck_files
from megami.notebook.editions import read_chapter
from megami.notebook.made_files import write_made_files
from megami.notebook.slides import Deck, make_deck, read_parts

ROOT = Path(__file__).resolve().parents[1]


def chosen_chapters(book: Path, names: list[str]) -> dict[str, NotebookNode]:
    """The chapters that have slides, in the book's order. Raises UserError if one that is named has none."""
    notebooks = {name: read_chapter(book / f"{name}.ipynb") for name in pages_in_order(book / "_toc.yml")}
    with_slides = {name: notebook for name, notebook in notebooks.items() if read_parts(notebook, name)}
    if unknown := [name for name in names if name not in with_slides]:
        raise UserError(f"{', '.join(unknown)}: no chapter with slides; there are {', '.join(with_slides)}")
    return {name: notebook for name, notebook in with_slides.items() if name in names or not names}


def make_decks(chapters: dict[str, NotebookNode], built: Path) -> list[Deck]:
    """The slides of each chapter. Raises UserError if its page is not built."""
    decks = []
    for name, notebook in tqdm(chapters.items(), desc="slides", disable=not sys.stderr.isatty()):
        try:
            page = (built / f"{name}.html").read_text(encoding="utf-8")
        except OSError as error:
            raise UserError(f"{built / name}.html is missing: run make book first") from error
        decks.append(make_deck(notebook, page, name, chapters))
    return decks


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="where the slides go")
    parser.add_argument("chapters", nargs="*", help="names of chapters, such as mix-a-song")
    parser.add_argument("--book", type=Path, default=ROOT / "book", help="the folder of the chapters")
    parser.add_argument("--html", type=Path, default=ROOT / "_build" / "html", help="the built book")
    options = parser.parse_args()
    built = options.html / "book"
    decks = make_decks(chosen_chapters(options.book, options.chapters), built)
    write_made_files(options.folder, deck_files(decks, built))
    slides = sum(len(deck.slides) + 1 for deck in decks)
    print(f"{slides} slides of {len(decks)} chapters: open {options.folder / INDEX}")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (UserError, OSError) as error:
        print(f"make_slides: {error}", file=sys.stderr)
        sys.exit(2)
