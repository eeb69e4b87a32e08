"""A folder of results: files appear together when all are whole, and replace those of the run before, no others."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path, PurePath

from megami.cli.dead_runs import (
    FORMER,
    LOCK,
    PARTIAL,
    bury_dead_runs,
    files_below,
    in_the_way,
    mark,
    only_run,
    remove_empty,
    remove_marked,
)
from megami.cli.manifest import MANIFEST, Identity, own_files, read_manifest
from megami.cli.publishing import give_files, new_files
from megami.errors import UserError


def check_writable(folder: Path) -> None:
    """Raise UserError unless files can be written into `folder`, which may not exist yet."""
    existing = folder
    try:
        while not (existing.exists() or existing.is_symlink()) and existing != existing.parent:
            existing = existing.parent
        is_folder = existing.is_dir()
    except OSError as error:
        raise UserError(f"{folder}: not a usable folder ({error.strerror}): choose another") from None
    if not is_folder:
        raise UserError(f"{existing} is not a folder: choose another place to write to")
    if not os.access(existing, os.W_OK | os.X_OK):
        raise UserError(f"cannot write into {existing} (no permission): choose another place to write to")


def check_out(out: Path, names: Sequence[str], sources: Sequence[Path]) -> dict[str, Identity]:
    """Raise UserError where files called `names` cannot be written into `out` without a loss to the user.

    That is where one of `sources`, which they are made from, is among the files to be replaced or removed, and where
    something has such a name that the last run did not write or that was changed since. Returns the files of the last
    run that may go.
    """
    own = own_files(out)
    check_sources(out, [*names, *own], sources)
    check_names_are_free(out, names, own)
    return own


def check_sources(out: Path, names: Iterable[str], sources: Iterable[Path]) -> None:
    """Raise UserError if a source is one of these files, under whatever name and through whatever links."""
    files = {}
    for name in names:
        with suppress(OSError):
            found = (out / name).stat()
            files[found.st_dev, found.st_ino] = out / name
    for source in sources:
        with suppress(OSError):
            found = source.stat()
            if path := files.get((found.st_dev, found.st_ino)):
                raise UserError(f"{path} is a stem of this song and would be replaced or removed: choose another --out")


def check_names_are_free(out: Path, names: Iterable[str], own: Mapping[str, Identity]) -> None:
    """Raise UserError, naming the first, if anything but the last run's own files has one of the names."""
    identities = set(own.values())
    for name in sorted(names, key=lambda name: name != MANIFEST):  # first: if it is not ours, no file is
        for folder in reversed(PurePath(name).parents[:-1]):
            if os.path.lexists(out / folder) and not stat.S_ISDIR((out / folder).lstat().st_mode):
                raise UserError(in_the_way(out / folder))
        # By identity: where capitals do not count, a file of the last run may answer to another spelling.
        if os.path.lexists(out / name) and Identity.of(out / name) not in identities:
            raise UserError(in_the_way(out / name))


@contextmanager
def appearing_files(
    out: Path, sources: Sequence[Path] = (), say: Callable[[str], None] = lambda words: None, names: Sequence[str] = ()
) -> Iterator[Path]:
    """Give a hidden folder inside `out` to write into; its files move to `out` when the block ends well.

    If the block fails, or is interrupted, `out` is left as it was, which may be: not there. If the process is killed,
    `out` holds the run before or the new one, whole, or does so as soon as the next run begins, which clears what the
    dead one left. Raises UserError for what the disk refuses, where another run is at work in `out`, and where
    `check_out` does: before the block for files called `names`, after it for those that were written. `say` hears of
    files of the last run that stay because they changed.
    """
    made = missing_folders(out)
    try:
        out.mkdir(parents=True, exist_ok=True)
        with only_run(out):
            bury_dead_runs(out, say)
            check_out(out, names, sources)
            partial, finished = Path(tempfile.mkdtemp(prefix=PARTIAL, dir=out)), False
            try:
                mark(partial, out)
                yield partial
                kept = publish(partial, out, sources)
                finished = True
            finally:
                clear(partial, finished)
            for path in kept:
                say(f"{path} was changed since it was written, so it stays")
    except OSError as error:
        reason = error.strerror or str(error)
        raise UserError(f"writing into {out} failed ({reason}): free some space or choose another --out") from None
    finally:
        remove_empty(made)


def publish(partial: Path, out: Path, sources: Sequence[Path] = ()) -> list[Path]:
    """Move all files of `partial` to `out` and take those of the run before away; all of it or nothing.

    Files in `out` that are neither of this run nor, unchanged, of the one before stay as they are. Returns those that
    the one before wrote and that stay because they were changed. Raises UserError as `check_out` does.
    """
    own = check_out(out, new_files(partial), sources)
    kept = [out / name for name in read_manifest(out) if name not in own and os.path.lexists(out / name)]
    give_files(partial, out, own)
    return kept


def clear(partial: Path, finished: bool) -> None:
    """Remove the hidden folder, where it still is; unless finished, not a former file that could not be put back."""
    if finished or not files_below(partial / FORMER):
        remove_marked(partial)
        return
    (partial / LOCK).unlink()  # it is the user's now
    for path in partial.iterdir():
        if path.is_file():
            path.unlink()
        elif path.name != FORMER:
            shutil.rmtree(path, ignore_errors=True)


def missing_folders(out: Path) -> list[Path]:
    """The folders that have to be made for `out` to exist, innermost first."""
    missing = []
    while not out.exists() and out != out.parent:
        missing.append(out)
        out = out.parent
    return missing
