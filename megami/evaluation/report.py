"""Results as rows, and rows as tables a person reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Row:
    """One measured number: `value` of `metric` for `system`, over `n` items; `group` says on what kind of item."""

    table: str
    system: str
    metric: str
    value: float
    n: int
    group: str = ""


@dataclass(frozen=True)
class Table:
    """How rows are shown: a title, a sentence that says how to read it, and which way is better per metric."""

    name: str
    title: str
    reading: str


def to_json(rows: Sequence[Row], made_by: dict[str, object]) -> dict[str, object]:
    """Rows and their origin, ready for json.dump."""
    return {"rows": [asdict(row) for row in rows], "made_by": made_by}


def markdown_table(rows: Sequence[Row], table: Table, by_group: bool = False) -> str:
    """Show the rows of one table as Markdown: a line per system, a column per metric (or per group)."""
    chosen = [row for row in rows if row.table == table.name]
    systems = list(dict.fromkeys(row.system for row in chosen))
    columns = list(dict.fromkeys(column_of(row, by_group) for row in chosen))
    cells = {(row.system, column_of(row, by_group)): format_value(row.value) for row in chosen}
    lines = [
        f"**{table.title}.** {table.reading}",
        "",
        "| | " + " | ".join(columns) + " |",
        "|---" * (len(columns) + 1) + "|",
    ]
    for system in systems:
        values = " | ".join(cells.get((system, column), "") for column in columns)
        lines.append(f"| {system} | {values} |")
    return "\n".join(lines) + "\n"


def column_of(row: Row, by_group: bool) -> str:
    """Heading of the column in which a row stands."""
    return row.group if by_group else row.metric


def format_value(value: float) -> str:
    """Three significant digits, without an exponent."""
    if value == 0:
        return "0"
    magnitude = abs(value)
    return (
        f"{value:.0f}"
        if magnitude >= 100
        else f"{value:.1f}"
        if magnitude >= 10
        else f"{value:.2f}"
        if magnitude >= 1
        else f"{value:.3f}"
    )
