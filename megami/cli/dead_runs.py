"""One run at a time in an output folder, and what is done about runs that were killed there.

A run holds the lock of its folder, and works in a hidden folder that has a link of the lock as its mark. Whoever holds
the lock knows that marked folders are left over: a new run that is not all there goes, an old run comes back.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from megami.cli.manifest import MANIFEST, Identity, file_sha256, is_plain_file, own_files, read_manifest
from megami.errors import UserError

LOCK = ".megami-lock"
"""The lock of an output folder, and the mark of hidden folders that are ours; always empty."""
PARTIAL = ".partial-"
"""How the names of hidden folders begin; of one that stands beside the output folder, after a dot and its name."""
FORMER = ".former"
"""Where files of the run before wait, inside the hidden folder, until all new ones are in place."""

Say = Callable[[str], None]


@contextmanager
def only_run(out: Path) -> Iterator[None]:
    """Keep other runs out of a folder, which must exist. Raises UserError if one is at work there, and OSError."""
    place = out / LOCK
    if os.path.lexists(place) and not is_mark(place):
        raise UserError(f"{place} is in the way and is not ours: move it away, or choose another --out")
    lock = FileLock(place, timeout=0)
    try:
        lock.acquire()
    except Timeout:  # an OSError too
        raise UserError(f"another megami mix is writing into {out}: wait for it, or choose another --out") from None
    try:
        yield
    finally:
        with suppress(OSError):
            place.unlink()  # while it is ours: whoever waits for it sees that it is gone
        lock.release()


def mark(folder: Path, out: Path) -> None:
    """Give a hidden folder its mark: it is ours, and left over if nobody holds the lock of `out`."""
    try:
        os.link(out / LOCK, folder / LOCK)
    except OSError:  # a disk without hard links
        (folder / LOCK).touch(exist_ok=False)


def is_mark(path: Path) -> bool:
    """Whether this is an empty file, as locks and marks are."""
    with suppress(OSError):
        found = path.lstat()
        return stat.S_ISREG(found.st_mode) and found.st_size == 0
    return False


def bury_dead_runs(out: Path, say: Say = lambda words: None) -> None:
    """Clear what killed runs left in and beside `out`, whose lock the caller holds; old files that they took come back.

    Nothing that no run of ours wrote is removed. `say` hears what a user should know.
    """
    for folder in hidden_folders(out, PARTIAL):
        if not is_mark(folder / LOCK):
            remove_empty([folder])  # killed before it was marked
        elif roll_back(folder, out, say):
            remove_marked(folder)
    real = Path(os.path.realpath(out))
    for folder in hidden_folders(real.parent, f".{real.name}{PARTIAL}"):
        if is_mark(folder / LOCK):
            empty_other(folder, real, own_files(folder), say)
        else:
            remove_empty([folder])


def hidden_folders(place: Path, begin: str) -> list[Path]:
    """The folders, no links, in `place` whose names begin so."""
    try:
        with os.scandir(place) as entries:
            found = [
                entry.name for entry in entries if entry.name.startswith(begin) and entry.is_dir(follow_symlinks=False)
            ]
    except OSError:
        return []
    return [place / name for name in sorted(found)]


def roll_back(partial: Path, out: Path, say: Say) -> bool:
    """Undo the moves of a run that was killed before its last, the manifest's; False if a file could not come back.

    May be broken off at any point itself, and be done again.
    """
    former = names_below(partial / FORMER)
    if not former or not os.path.lexists(partial / MANIFEST):  # nothing moved, or everything
        return True
    for name, sha256 in read_manifest(partial).items():
        with suppress(OSError):
            take_back(partial / name, out, name, sha256)
    remove_empty({(out / name).parent for name in read_manifest(partial)} - {out})
    for name in former:
        with suppress(OSError, UserError):
            bring_back(partial / FORMER / name, out / name)
    stuck = files_below(partial / FORMER)
    for path in stuck:
        target = out / path.relative_to(partial / FORMER)
        say(f"{path} is what {target} was before a run was killed: move it where you like")
    if stuck:
        (partial / LOCK).unlink()
        return False
    say(f"an earlier run into {out} was killed at its end: what was there before it is back")
    return True


def take_back(staged: Path, out: Path, name: str, sha256: str | None) -> None:
    """Move a file that a killed run gave to `out` back to where it was staged, if it is still what the run wrote."""
    if not is_plain_file(out, name):
        return
    if os.path.lexists(staged):  # given by a link, and not yet taken from here
        if (out / name).samefile(staged):
            (out / name).unlink()
    elif sha256 is None or file_sha256(out / name) == sha256:
        os.rename(out / name, staged)


def empty_other(other: Path, out: Path, own: Mapping[str, Identity], say: Say = lambda words: None) -> None:
    """Remove a folder that changed places with `out`, or was about to: its own files, and second links of the user's.

    A file of the user that is only there goes to `out`, and stays where it is if its name is taken. May be broken off
    at any point, and be done again.
    """
    for name in sorted(names_below(other), key=MANIFEST.__eq__):  # last: it says whose the others are
        path, target = other / name, out / name
        if name == LOCK:
            continue
        with suppress(OSError, UserError):
            if own.get(name) == Identity.of(path):
                path.unlink()
            else:
                bring_back(path, target)
    remove_empty(reversed(folders_below(other)))
    if names_below(other) not in ([], [LOCK]):
        say(f"{other} has files that are not what {out} has under their names: move them where you like")
    (other / LOCK).unlink(missing_ok=True)
    remove_empty([other])


def bring_back(path: Path, target: Path) -> None:
    """Move a file to the name that it had; if it is there already, only its second name goes. Raises as renaming."""
    if is_same(path, target) or is_copy(path, target):
        path.unlink()
    else:
        target.parent.mkdir(exist_ok=True)
        rename_to_free(path, target)


def is_same(first: Path, second: Path) -> bool:
    """Whether two names are of one file, or of one link."""
    try:
        return os.path.samestat(first.lstat(), second.lstat())
    except OSError:
        return False


def is_copy(first: Path, second: Path) -> bool:
    """Whether two names are of plain files with the same content. Raises OSError."""
    plain = all(stat.S_ISREG(path.lstat().st_mode) for path in (first, second) if os.path.lexists(path))
    return plain and second.exists() and file_sha256(first) == file_sha256(second)


def rename_to_free(source: Path, target: Path) -> None:
    """Rename a file; raises UserError if something has the name already, where `os.rename` would replace it."""
    try:
        os.link(source, target, follow_symlinks=False)
    except FileExistsError:
        raise UserError(in_the_way(target)) from None
    except (OSError, NotImplementedError):  # a disk without hard links, or whatever is wrong with the rename too
        if os.path.lexists(target):
            raise UserError(in_the_way(target)) from None
        os.rename(source, target)
    else:
        source.unlink()


def in_the_way(path: Path) -> str:
    """What to say about a file, link or folder whose name is wanted."""
    if path.is_dir() and not path.is_symlink():
        return f"{path} is a folder where a file is to be written: move it away, or choose another --out"
    return f"{path} is in the way and is not what an earlier run wrote: move it away, or choose another --out"


def remove_marked(folder: Path) -> None:
    """Remove a hidden folder of ours with all that is in it; its mark last, so that it is known until it is gone."""
    with suppress(OSError):
        for path in sorted(folder.iterdir()):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            elif path.name != LOCK:
                path.unlink()
        (folder / LOCK).unlink(missing_ok=True)
        folder.rmdir()


def files_below(folder: Path) -> list[Path]:
    """All files, and links to anything, in a folder and the folders in it, sorted."""
    return sorted(path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())


def names_below(folder: Path) -> list[str]:
    """The names of `files_below`, as they are below the folder."""
    return [path.relative_to(folder).as_posix() for path in files_below(folder)]


def folders_below(folder: Path) -> list[Path]:
    """All folders in a folder, outer before inner."""
    return sorted(path for path in folder.rglob("*") if path.is_dir() and not path.is_symlink())


def remove_empty(folders: Iterable[Path]) -> None:
    """Remove those of the folders that are there and empty."""
    for folder in folders:
        with suppress(OSError):
            folder.rmdir()
