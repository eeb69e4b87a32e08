"""A folder of results: files appear together when all are whole, and replace those of the run before, no others."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path, PurePath

from megami.cli.manifest import MANIFEST, Identity, own_files, read_manifest
from megami.errors import UserError

FORMER = ".former"
"""Where files of the run before wait, inside the hidden folder, until all new ones are in place."""


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


def in_the_way(path: Path) -> str:
    """What to say about a file, link or folder whose name is wanted."""
    if path.is_dir() and not path.is_symlink():
        return f"{path} is a folder where a file is to be written: move it away, or choose another --out"
    return f"{path} is in the way and is not what an earlier run wrote: move it away, or choose another --out"


@contextmanager
def appearing_files(
    out: Path, sources: Sequence[Path] = (), say: Callable[[str], None] = lambda words: None
) -> Iterator[Path]:
    """Give a hidden folder inside `out` to write into; its files move to `out` when the block ends well.

    If the block fails, or is interrupted, `out` is left as it was, which may be: not there. Raises UserError for what
    the disk refuses, and where `check_out` does. `say` hears of files of the last run that stay because they changed.
    """
    made = missing_folders(out)
    partial, finished = None, False
    try:
        out.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(prefix=".partial-", dir=out))
        yield partial
        kept = publish(partial, out, sources)
        finished = True
        for path in kept:
            say(f"{path} was changed since it was written, so it stays")
    except OSError as error:
        reason = error.strerror or str(error)
        raise UserError(f"writing into {out} failed ({reason}): free some space or choose another --out") from None
    finally:
        if partial is not None:
            clear(partial, finished)
        remove_empty(made)


def publish(partial: Path, out: Path, sources: Sequence[Path] = ()) -> list[Path]:
    """Move all files of `partial` to `out` and take those of the run before away; all of it or nothing.

    Files in `out` that are neither of this run nor, unchanged, of the one before stay as they are. Returns those that
    the one before wrote and that stay because they were changed. Raises UserError as `check_out` does.
    """
    new = [path.relative_to(partial).as_posix() for path in sorted(partial.rglob("*")) if path.is_file()]
    own = check_out(out, new, sources)
    kept = [out / name for name in read_manifest(out) if name not in own and os.path.lexists(out / name)]
    taken: list[str] = []
    given: dict[str, Identity] = {}
    made: list[Path] = []
    try:
        for name, identity in own.items():
            (partial / FORMER / name).parent.mkdir(parents=True, exist_ok=True)
            taken.append(name)
            os.rename(out / name, partial / FORMER / name)
            if Identity.of(partial / FORMER / name) != identity:  # changed after we looked
                raise UserError(in_the_way(out / name))
        for name in new:
            if not (out / name).parent.exists():
                made.append((out / name).parent)
                made[-1].mkdir()
            given[name] = Identity.of(partial / name)
            rename_to_free(partial / name, out / name)
    except BaseException:
        undo(partial, out, taken, given)
        remove_empty(made)
        raise
    remove_empty({(out / name).parent for name in own} - {out})
    return kept


def undo(partial: Path, out: Path, taken: Sequence[str], given: Mapping[str, Identity]) -> None:
    """Take back the files given to `out` and give back those taken, as far as these moves came.

    Raises UserError, which says where it is, if somebody else now has the name of a file to be given back.
    """
    for name, identity in given.items():
        with suppress(OSError):
            if Identity.of(out / name) == identity:  # else somebody else's, or not there
                (out / name).unlink()
    for name in taken:
        with suppress(OSError, UserError):
            rename_to_free(partial / FORMER / name, out / name)
    for name in taken:
        if os.path.lexists(partial / FORMER / name):
            raise UserError(f"{out / name} cannot be put back: its former content is {partial / FORMER / name}")


def rename_to_free(source: Path, target: Path) -> None:
    """Rename a file; raises UserError if something has the name already, where `os.rename` would replace it."""
    try:
        os.link(source, target)
    except FileExistsError:
        raise UserError(in_the_way(target)) from None
    except OSError:  # a disk without hard links, or whatever is wrong with the rename too
        if os.path.lexists(target):
            raise UserError(in_the_way(target)) from None
        os.rename(source, target)
    else:
        source.unlink()


def clear(partial: Path, finished: bool) -> None:
    """Remove the hidden folder; unless finished, not a former file that could not be put back."""
    former = partial / FORMER
    if finished or not any(path.is_symlink() or not path.is_dir() for path in former.rglob("*")):
        shutil.rmtree(partial, ignore_errors=True)
        return
    for path in partial.iterdir():
        if path.is_file():
            path.unlink()
        elif path != former:
            shutil.rmtree(path, ignore_errors=True)


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
