"""What is done of a catalogue: a line of JSON for each song, appended when its mixes are in place.

Whoever is killed loses the song under way and no other. A line that was cut off counts for nothing.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from megami import __version__
from megami.cli.dead_runs import in_the_way
from megami.cli.manifest import file_sha256, is_plain_file, text_sha256
from megami.errors import UserError
from megami.presets.weight_files import write_atomically

LEDGER = "catalogue.jsonl"
REPORT = "report.csv"
FORM = 1
"""Of the ledger's lines; another number is another program's."""


@dataclass
class Ledger:
    """The ledger of a folder of mixes: `songs` by name, the last line of each, and hashes of the reports written."""

    path: Path
    songs: dict[str, dict[str, Any]] = field(default_factory=dict)
    reports: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, out: Path) -> Ledger:
        """Read that of a folder, which may have none. Raises UserError where the file is something else's."""
        ledger = cls(out / LEDGER)
        if not os.path.lexists(ledger.path):
            return ledger
        if not is_plain_file(out, LEDGER):
            raise UserError(in_the_way(ledger.path))
        lines = [_read_line(line) for line in ledger.path.read_bytes().split(b"\n")]
        if not isinstance(lines[0].get("megami"), str) or lines[0].get("ledger") != FORM:
            raise UserError(in_the_way(ledger.path))
        for line in lines:
            if isinstance(line.get("song"), str) and isinstance(line.get("stems"), str):
                ledger.songs.pop(line["song"], None)  # the last to be done stands last
                ledger.songs[line["song"]] = line
            if isinstance(line.get("report"), str):
                ledger.reports.add(line["report"])
        return ledger

    @property
    def names(self) -> dict[str, str]:
        """What songs are called, by the whole path of their stems."""
        return {line["stems"]: name for name, line in self.songs.items()}

    def add(self, line: dict[str, Any]) -> None:
        """Append a line, whole, and see it onto the disk; the first begins the ledger."""
        if not os.path.lexists(self.path):
            write_atomically(self.path, _as_line({"megami": __version__, "ledger": FORM}))
        with self.path.open("r+b") as file:
            cut_off = file.seek(-1, os.SEEK_END) >= 0 and file.read(1) != b"\n"
        place = os.open(self.path, os.O_WRONLY | os.O_APPEND)
        try:
            os.write(place, b"\n" * cut_off + _as_line(line))
            os.fsync(place)
        finally:
            os.close(place)
        if "song" in line:
            self.songs[line["song"]] = line

    def check_report(self) -> None:
        """Raise UserError if there is a report that no run of ours wrote, or that was changed since."""
        report = self.path.parent / REPORT
        if os.path.lexists(report) and not self._wrote(report):
            raise UserError(in_the_way(report))

    def write_report(self, text: str) -> Path | None:
        """Replace the report; None, and nothing written, if somebody has changed the one that is there."""
        report = self.path.parent / REPORT
        if os.path.lexists(report) and not self._wrote(report):
            return None
        sha256 = text_sha256(text)
        if sha256 not in self.reports:  # before it is there: whoever is killed in between leaves one that is known
            self.add({"report": sha256})
            self.reports.add(sha256)
        write_atomically(report, text.encode())
        return report

    def _wrote(self, report: Path) -> bool:
        return is_plain_file(report.parent, report.name) and file_sha256(report) in self.reports


def _as_line(words: dict[str, Any]) -> bytes:
    """Words as one line; names that are no valid text are escaped, and read back as they are."""
    return json.dumps(words, allow_nan=False).encode("ascii") + b"\n"


def _read_line(line: bytes) -> dict[str, Any]:
    """A line as it was added; nothing for one that was cut off."""
    try:
        words = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return words if isinstance(words, dict) else {}
