"""Editions of the chapters (megami/notebook/editions.py).

    python scripts/make_editions.py student FOLDER    chapters without solutions, for a class (make student)
    python scripts/make_editions.py solutions         runs every chapter with its solutions in place (make solutions)

Exit code 2 and one line if something is wrong with a chapter, 1 if a solution fails its own checker.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from tqdm import tqdm

from megami.errors import UserError
from megami.notebook.editions import exercises, read_chapter, solution_edition, student_edition, write_edition
from megami.notebook.exercise import STRICT

BOOK = Path(__file__).resolve().parents[1] / "book"
CELL_SECONDS = 600


def chapters(book: Path) -> list[Path]:
    """Every notebook of the book that has exercises."""
    return [path for path in sorted(book.glob("*.ipynb")) if list(exercises(read_chapter(path)))]


def make_student(book: Path, folder: Path) -> None:
    """Write the student edition of each chapter into a folder."""
    made = [(path, student_edition(read_chapter(path))) for path in chapters(book)]
    for path, _ in made:
        if (folder / path.name).exists():
            raise UserError(f"{folder / path.name} is there already: choose another folder, or move it away")
    for path, edition in made:
        write_edition(edition, folder / path.name)
    print(f"{len(made)} chapters without solutions in {folder}")


def run_solutions(book: Path) -> bool:
    """Run each chapter as handed in with all answers; whether all passed. Says which failed, and how."""
    os.environ[STRICT] = "strict"
    failed = []
    for path in tqdm(chapters(book), desc="solutions", disable=not sys.stderr.isatty()):
        notebook = solution_edition(read_chapter(path))
        client = NotebookClient(notebook, timeout=CELL_SECONDS, resources={"metadata": {"path": str(path.parent)}})
        try:
            client.execute()
            count = len(list(exercises(read_chapter(path))))
            print(f"{path.name}: {count} solution{'s' if count != 1 else ''} pass{'es' if count == 1 else ''}")
        except CellExecutionError as error:
            failed.append(path.name)
            print(f"{path.name}: {error}", file=sys.stderr)
    return not failed


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("edition", choices=["student", "solutions"])
    parser.add_argument("folder", nargs="?", type=Path, help="where the student edition goes")
    parser.add_argument("--book", type=Path, default=BOOK, help="the folder of the chapters")
    options = parser.parse_args()
    try:
        if options.edition == "solutions":
            return 0 if run_solutions(options.book) else 1
        if options.folder is None:
            raise UserError("say where the student edition should go: make student STUDENT=folder")
        make_student(options.book, options.folder)
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
