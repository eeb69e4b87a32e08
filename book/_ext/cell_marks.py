"""Marks in the built pages: an invisible comment where each cell of a chapter begins.

The slides (megami/notebook/slides.py) are cut out of the built pages, and so need to know which part of a page came
from which cell. The builder says it of cells of code only, and by nothing that names the cell.
"""

from __future__ import annotations

import json

from sphinx.application import Sphinx

MARK = "<!-- cell {} -->"


def mark_cells(app: Sphinx, docname: str, content: list[str]) -> None:
    """Put a cell with a comment before each cell of a notebook but the first, which begins where the page does."""
    if not app.env.doc2path(docname).endswith(".ipynb"):
        return
    notebook = json.loads(content[0])
    cells = []
    for number, cell in enumerate(notebook["cells"]):
        if number and "id" in cell:
            cells.append(_comment(cell["id"]))
        cells.append(cell)
    content[0] = json.dumps({**notebook, "cells": cells})


def _comment(cell_id: str) -> dict:
    return {"cell_type": "markdown", "id": f"mark-{cell_id}"[:64], "metadata": {}, "source": MARK.format(cell_id)}


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.connect("source-read", mark_cells)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
