"""Editions of a chapter: for students without solutions, and with solutions in the places of the empty cells.

Three cells make an exercise, each with its tag: `exercise` (an empty cell, or one with a beginning), `check` (calls the
checker) and `solution` (folded). They stand in this order, and what is between them stays where it is.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from megami.errors import UserError
from megami.notebook.stores import write_whole

ROLES = ("exercise", "check", "solution")


def role_of(cell: NotebookNode) -> str | None:
    """Which part of an exercise a cell is, if any."""
    tags = cell.metadata.get("tags", [])
    return next((role for role in ROLES if role in tags), None)


def exercises(notebook: NotebookNode) -> Iterator[tuple[NotebookNode, NotebookNode, NotebookNode]]:
    """The cells of each exercise: exercise, check, solution. Raises UserError if one is missing or out of order."""
    parts = [cell for cell in notebook.cells if role_of(cell)]
    found = [role_of(cell) for cell in parts]
    if found != list(ROLES) * (len(parts) // 3) or len(parts) % 3:
        raise UserError(f"cells tagged exercise, check and solution must follow each other in threes; found {found}")
    yield from zip(parts[0::3], parts[1::3], parts[2::3], strict=True)


def student_edition(notebook: NotebookNode) -> NotebookNode:
    """A chapter without its solutions and outputs; the empty cells and the checkers stay."""
    edition = _blank(notebook)
    solutions = [id(solution) for _, _, solution in exercises(edition)]
    edition.cells = [cell for cell in edition.cells if id(cell) not in solutions]
    return edition


def solution_edition(notebook: NotebookNode) -> NotebookNode:
    """A chapter as a student would hand it in who knows all answers: solutions stand in the exercises' cells."""
    edition = _blank(notebook)
    for exercise, _, solution in exercises(edition):
        exercise.source = solution.source
    solutions = [cell for cell in edition.cells if role_of(cell) == "solution"]
    edition.cells = [cell for cell in edition.cells if all(cell is not other for other in solutions)]
    return edition


def read_chapter(path: Path) -> NotebookNode:
    """A notebook from disk. Raises UserError if it is not one."""
    try:
        return nbformat.read(path, as_version=4)
    except (OSError, ValueError, nbformat.ValidationError) as error:
        raise UserError(f"{path} is no notebook: {error}") from error


def write_edition(notebook: NotebookNode, path: Path) -> None:
    """Write an edition. Raises UserError rather than overwrite anything: it may be a student's work."""
    if path.exists():
        raise UserError(f"{path} is there already: choose another folder, or move it away")
    write_whole(path, (nbformat.writes(notebook) + "\n").encode())


def _blank(notebook: NotebookNode) -> NotebookNode:
    edition = copy.deepcopy(notebook)
    for cell in edition.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return edition
