"""The report on a catalogue: a line for each song, as a spreadsheet reads it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from megami.cli.mix_page import readable

COLUMNS = (
    "song",
    "state",
    "tracks",
    "seconds",
    "takes",
    "loudness_lufs",
    "warnings",
    "flags",
    "mixing_s",
    "finished_utc",
    "folder",
    "stems",
    "problem",
)
MIXED, BEFORE, FAILED, TO_DO = "mixed", "mixed before", "failed", "to do"


@dataclass(frozen=True)
class Reported:
    """A song in the report: its name, where its stems and mixes are, its state, and what is known of it."""

    song: str
    stems: str
    folder: str
    state: str
    row: Mapping[str, Any]
    problem: str = ""


def report_of(songs: Iterable[Reported]) -> str:
    """The report as CSV; several values of one cell stand between semicolons."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for one in songs:
        known = {"song": one.song, "state": one.state, "folder": one.folder, "stems": one.stems, "problem": one.problem}
        writer.writerow({column: _cell(value) for column, value in {**one.row, **known}.items() if column in COLUMNS})
    return text.getvalue()


def _cell(value: Any) -> str:
    values = value if isinstance(value, list) else [value]
    return readable("; ".join("" if one is None else str(one) for one in values))
