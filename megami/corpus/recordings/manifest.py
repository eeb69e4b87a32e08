"""The manifest of a data set: one row for each file, as CSV or Parquet, by which a check goes on where it stopped."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from megami.errors import UserError

CSV, PARQUET = ".csv", ".parquet"


@dataclass(frozen=True)
class ManifestRow:
    """What is known of one file of a song.

    kind: dry, wet or mix; a file that is missing or cannot be read has a `problem` and no figures. file: relative to
    the data set's folder, with slashes. level_db: of the whole file; loudest_db: of its loudest 400 ms. lag_ms and
    likeness: of a mix against the sum of the wet tracks, of a wet track against its dry one. flags: words, separated by
    blanks. left_out: why it is not to be used, "" where it is.
    """

    dataset: str
    song: str
    split: str
    kind: str
    track: str
    instrument: str
    instrument_class: str
    file: str
    sha256: str = ""
    bytes: int = 0
    modified_ns: int = 0
    sample_rate: int = 0
    channels: int = 0
    frames: int = 0
    level_db: float = float("nan")
    loudest_db: float = float("nan")
    lag_ms: float = float("nan")
    likeness: float = float("nan")
    flags: str = ""
    problem: str = ""
    left_out: str = ""

    @property
    def seconds(self) -> float:
        """Length of the file."""
        return self.frames / self.sample_rate if self.sample_rate else 0.0

    def has(self, flag: str) -> bool:
        """Whether a flag is among those of the file."""
        return flag in self.flags.split()


COLUMNS = tuple(field.name for field in fields(ManifestRow))
KINDS_OF_COLUMN: dict[str, type] = {
    field.name: {"int": int, "float": float}.get(str(field.type), str) for field in fields(ManifestRow)
}


def check_manifest_path(path: Path) -> None:
    """Raise UserError for a suffix that is not written, Parquet without pyarrow, or a file that is no manifest."""
    if path.suffix.lower() not in (CSV, PARQUET):
        raise UserError(f"{path}: a manifest is a {CSV} or a {PARQUET} file")
    if path.suffix.lower() == PARQUET:
        _pyarrow()
    if path.is_dir():
        raise UserError(f"{path}: is a folder: name a file for the manifest")
    read_manifest(path)


def read_manifest(path: Path) -> list[ManifestRow]:
    """Read a manifest; none where there is no such file. Raises UserError for a file that is something else."""
    if not path.exists():
        return []
    if path.suffix.lower() == PARQUET:
        return _read_parquet(path)
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            if tuple(reader.fieldnames or ()) != COLUMNS:
                raise UserError(f"{path}: is no manifest of this version: name another file, or move it away")
            return [_row(entry, path) for entry in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path}: cannot be read as a manifest ({error})") from None


def write_manifest(path: Path, rows: Sequence[ManifestRow]) -> Path:
    """Write a manifest, whole or not at all. Raises UserError where the place cannot be written."""
    if path.suffix.lower() == PARQUET:
        content = _parquet(rows)
    else:
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(_as_text(row) for row in rows)
        content = text.getvalue().encode("utf-8", "surrogateescape")
    partial = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(content)
        os.replace(partial, path)
    except OSError as error:
        raise UserError(f"{path}: cannot be written ({error.strerror}); choose another file") from None
    finally:
        partial.unlink(missing_ok=True)
    return path


def _as_text(row: ManifestRow) -> dict[str, Any]:
    """A row with figures of a length that people read; what is not known is empty."""
    said = asdict(row)
    for name, kind in KINDS_OF_COLUMN.items():
        if kind is float:
            said[name] = "" if said[name] != said[name] else f"{said[name]:.4f}"
    return said


def _row(entry: dict[str, Any], path: Path) -> ManifestRow:
    """A row of a file. Raises UserError where a figure is none."""
    try:
        read: dict[str, Any] = {
            name: float("nan") if kind is float and entry[name] in ("", None) else kind(entry[name])
            for name, kind in KINDS_OF_COLUMN.items()
        }
    except (TypeError, ValueError):
        raise UserError(f"{path}: is damaged as a manifest: name another file, or move it away") from None
    return ManifestRow(**read)


def _pyarrow() -> Any:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:  # not there, or built for another NumPy
        raise UserError(f"Parquet files take pyarrow (pip install pyarrow), or name a .csv file ({error})") from None
    return pyarrow


def _parquet(rows: Sequence[ManifestRow]) -> bytes:
    pyarrow = _pyarrow()
    table = pyarrow.table({name: [getattr(row, name) for row in rows] for name in COLUMNS})
    out = io.BytesIO()
    pyarrow.parquet.write_table(table, out)
    return out.getvalue()


def _read_parquet(path: Path) -> list[ManifestRow]:
    pyarrow = _pyarrow()
    try:
        table = pyarrow.parquet.read_table(path)
    except (OSError, ValueError) as error:  # pyarrow's own errors are ValueErrors
        raise UserError(f"{path}: cannot be read as a manifest ({error})") from None
    if tuple(table.column_names) != COLUMNS:
        raise UserError(f"{path}: is no manifest of this version: name another file, or move it away")
    return [_row(entry, path) for entry in table.to_pylist()]
