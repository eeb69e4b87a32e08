"""A results file has rows of our own systems and of others': neither kind is lost when the other is measured again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from megami.errors import UserError
from megami.evaluation.results import Row

FLOOR = "engineers"
OTHERS = "systems"
"""In the words on how a file was made: other systems by name, and how their rows were made."""
DIRECTED = "direction"
"""In the same words: how the rows about directing were made."""
RELATIVE, ABSOLUTE = 0.01, 0.02  # machines round differently

Results = tuple[list[Row], dict[str, Any]]


def add_others(file: Results, measured: Sequence[Row], others: dict[str, Any], path: Path) -> Results:
    """The rows of a results file with those of other systems, which replace older ones of the same systems.

    Of all rows measured beside them, such as the floor, those that the file lacks are added. Raises UserError, naming
    the file at `path`, where its rows are about other songs or mixes, or are of a system of that name of its own.
    """
    rows, made_by = file
    known = dict(made_by.get(OTHERS, {}))
    if own := sorted({row.system for row in rows} & set(others) - set(known)):
        raise UserError(f"{path} has rows of its own called {own[0]!r}: name the system's folder otherwise")
    check_floor(rows, measured, path)
    kept = [row for row in rows if row.system not in others]
    there = {(row.system, row.metric) for row in kept}
    new = [row for row in measured if (row.system, row.metric) not in there]
    return [*kept, *new], {**made_by, OTHERS: {**known, **others}}


def keep_others(file: Results, measured: Results, path: Path) -> Results:
    """What a whole evaluation measured, with the rows of other systems that the file at `path` has already.

    Raises UserError where these are about other songs or mixes, so that they cannot stand in one table.
    """
    (rows, made_by), (new, new_made_by) = file, measured
    others = made_by.get(OTHERS, {})
    if not others:
        return measured
    check_floor(rows, new, path)
    return [*new, *(row for row in rows if row.system in others)], {**new_made_by, OTHERS: others}


def add_directed(file: Results, measured: Results, path: Path) -> Results:
    """The rows of a results file with those about directing, which replace older ones.

    Raises UserError where the file at `path` is about other weights, which would direct otherwise.
    """
    (rows, made_by), (new, new_made_by) = file, measured
    before, now = made_by.get("weights", {}), new_made_by.get("weights", {})
    common = before.keys() & now.keys()  # a folder of weights may have got networks that direct nothing
    if not common or any(before[name] != now[name] for name in common):
        raise UserError(f"{path} was measured with other weights: evaluate all again, or choose another --out")
    systems = {row.system for row in new}
    return [*(row for row in rows if row.system not in systems), *new], {**made_by, DIRECTED: new_made_by}


def check_floor(rows: Sequence[Row], measured: Sequence[Row], path: Path) -> None:
    """Raise UserError unless the engineers' own mixes measured the same, as they do for the same songs and mixes."""
    floors = [
        {
            row.metric: row
            for row in side
            if row.system == FLOOR and row.metric.startswith(("kad_mix", "fad_mix", "mix_"))
        }
        for side in (rows, measured)
    ]
    common = [(floors[0][metric], floors[1][metric]) for metric in floors[0] if metric in floors[1]]
    for before, now in common:
        if before.n != now.n or abs(before.value - now.value) > ABSOLUTE + RELATIVE * abs(before.value):
            raise UserError(
                f"{path} is about other songs or other mixes by the engineers ({before.metric} of theirs is "
                f"{before.value:.3g} there, {now.value:.3g} here): evaluate all again, or choose another --out"
            )
    if not common:
        raise UserError(f"{path} has no row of the engineers to compare with: choose another --out")
