"""A folder of results: files appear together when all are whole, and replace those of the run before."""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from megami.errors import UserError

MANIFEST = "mixes.json"
"""Says under "files" which files of a folder came from the last run; only these are ever removed by the next one."""

OWN_NAMES = re.compile(r"mix_\d+\.(wav|flac)|mix_\d+_tracks/[^/]+\.(wav|flac)|index\.html|mixes\.json")


def check_writable(folder: Path) -> None:
    """Raise UserError unless files can be written into `folder`, which may not exist yet."""
    existing = folder
    try:
        while not existing.exists() and existing != existing.parent:
            existing = existing.parent
        is_folder = existing.is_dir()
    except OSError as error:
        raise UserError(f"{folder}: not a usable folder ({error.strerror}): choose another") from None
    if not is_folder:
        raise UserError(f"{existing} is not a folder: choose another place to write to")
    if not os.access(existing, os.W_OK | os.X_OK):
        raise UserError(f"cannot write into {existing} (no permission): choose another place to write to")


@contextmanager
def appearing_files(out: Path) -> Iterator[Path]:
    """Give a hidden folder inside `out` to write into; its files move to `out` when the block ends well.

    If the block fails, or is interrupted, `out` is left as it was, which may be: not there. Raises UserError for what
    the disk refuses.
    """
    made = missing_folders(out)
    partial = None
    try:
        out.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(prefix=".partial-", dir=out))
        yield partial
        publish(partial, out)
    except OSError as error:
        reason = error.strerror or str(error)
        raise UserError(f"writing into {out} failed ({reason}): free some space or choose another --out") from None
    finally:
        if partial is not None:
            shutil.rmtree(partial, ignore_errors=True)
        remove_empty(made)


def publish(partial: Path, out: Path) -> None:
    """Move all files of `partial` to `out` and take those of the run before away; all of it or nothing.

    Files in `out` that are neither of this run nor listed by the one before stay as they are.
    """
    new = [path.relative_to(partial) for path in sorted(partial.rglob("*")) if path.is_file()]
    in_the_way = [name for name in new if (out / name).is_dir()]
    if in_the_way:
        raise UserError(f"{out / in_the_way[0]} is a folder where a file is to be written: use another --out")
    old = sorted({name for name in (*former_files(out), *new) if (out / name).is_file()})
    moves = [(out / name, partial / ".former" / name) for name in old]
    moves += [(partial / name, out / name) for name in new]
    begun: list[tuple[Path, Path]] = []
    try:
        for move in moves:
            begun.append(move)
            source, target = move
            target.parent.mkdir(parents=True, exist_ok=True)
            os.replace(source, target)
    except BaseException:
        for source, target in reversed(begun):
            if target.is_file():
                os.replace(target, source)
        raise
    finally:
        remove_empty({(out / name).parent for name in (*old, *new)} - {out})


def former_files(out: Path) -> list[Path]:
    """What the last run wrote, by its manifest; nothing where there is none, and never a name it would not give."""
    try:
        listed = json.loads((out / MANIFEST).read_text(encoding="utf-8"))["files"]
        return [Path(name) for name in listed if OWN_NAMES.fullmatch(name)]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def missing_folders(out: Path) -> list[Path]:
    """The folders that have to be made for `out` to exist, innermost first."""
    missing = []
    while not out.exists() and out != out.parent:
        missing.append(out)
        out = out.parent
    return missing


def remove_empty(folders: list[Path] | set[Path]) -> None:
    """Remove those of the folders that are there and empty."""
    for folder in folders:
        with suppress(OSError):
            folder.rmdir()
