"""Giving the files of a finished run to the output folder, in the place of those of the run before.

Where nothing but files is in the output folder, a new folder changes places with it: at every instant it holds the old
run or the new one, whole. Elsewhere files move one by one; if that is cut short, it is undone, at once or by the next
run.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path, PurePath

from megami.cli.dead_runs import (
    FORMER,
    LOCK,
    empty_other,
    files_below,
    in_the_way,
    is_same,
    names_below,
    remove_empty,
    rename_to_free,
)
from megami.cli.exchange import exchange
from megami.cli.manifest import MANIFEST, Identity
from megami.errors import UserError

GONE = ".gone"
"""What FORMER is called when all new files are in place."""


class NotExchangeable(Exception):
    """The output folder cannot change places with a new one."""


def give_files(partial: Path, out: Path, own: Mapping[str, Identity]) -> None:
    """Move all files of the hidden folder `partial` in `out` to `out`, and remove its files `own`; all or nothing.

    Other files of `out` stay. Raises UserError if one came to be in the way, and OSError.
    """
    try:
        change_places(partial, out, own)
    except NotExchangeable:
        move_one_by_one(partial, out, own)


def change_places(partial: Path, out: Path, own: Mapping[str, Identity]) -> None:
    """Make of `partial` the new `out`, with second links of all that stays, in one step.

    Raises NotExchangeable, and UserError for what came to be in the way, with everything as it was.
    """
    real = Path(os.path.realpath(out))
    other = real.parent / f".{real.name}{partial.name}"
    staying = files_that_stay(partial, real, own)
    new_folder = partial.stat().st_ino
    try:
        os.rename(partial, other)
        for name in staying:
            (other / name).parent.mkdir(exist_ok=True)
            os.link(real / name, other / name, follow_symlinks=False)
        take_after(other, real)
        exchange(other, real)
        if late := meddled(other, real, own):
            raise UserError(in_the_way(real / late))
    except BaseException as error:
        if real.stat().st_ino == new_folder:
            exchange(other, real)
        unlink_second(other, real, staying)
        if os.path.lexists(other):
            os.rename(other, partial)
        if isinstance(error, OSError | NotImplementedError):
            raise NotExchangeable from None
        raise
    try:
        empty_other(other, real, own)
    except BaseException:  # interrupted, when all is done but this
        empty_other(other, real, own)
        raise


def unlink_second(other: Path, out: Path, names: Sequence[str]) -> None:
    """Remove from `other` what `out` has too."""
    for name in names:
        if is_same(other / name, out / name):
            (other / name).unlink()


def files_that_stay(partial: Path, out: Path, own: Mapping[str, Identity]) -> list[str]:
    """What `out` holds that is not replaced. Raises NotExchangeable if that is more than files and links.

    Folders would have to be moved one by one, and whoever works in `out` would be left in the old one.
    """
    with suppress(OSError):
        if Path(os.path.realpath(os.getcwd())).is_relative_to(out):
            raise NotExchangeable
    ours = {PurePath(name).parent for name in own} - {PurePath()}
    taken = {name.casefold() for name in (*own, *new_files(partial))}
    staying = []
    for place, folders, files in os.walk(out):
        if Path(place) == out:
            folders.remove(partial.name)
        for name in folders:
            path = Path(place, name)
            if path.relative_to(out) not in ours or path.is_symlink():
                raise NotExchangeable
        names = [Path(place, name).relative_to(out).as_posix() for name in files]
        staying += [name for name in names if name not in own and name != LOCK]
    if any(name.casefold() in taken for name in staying):  # may be one file where capitals do not count
        raise NotExchangeable
    return staying


def take_after(new: Path, old: Path) -> None:
    """Give a folder the owner, the rights and the marks of another. Raises NotExchangeable if that cannot be done."""
    was, found = old.stat(), new.stat()
    if (was.st_uid, was.st_gid) != (found.st_uid, found.st_gid):
        raise NotExchangeable
    shutil.copystat(old, new)


def meddled(other: Path, out: Path, own: Mapping[str, Identity]) -> str | None:
    """The first file of the former folder, now `other`, that changed or came late and would be lost."""
    for path in files_below(other):
        name = path.relative_to(other).as_posix()
        changed = name in own and own[name] != Identity.of(path)
        if changed or (name not in own and os.path.lexists(out / name) and not is_same(path, out / name)):
            return name
    return None


def move_one_by_one(partial: Path, out: Path, own: Mapping[str, Identity]) -> None:
    """Take the files `own` of `out` away and move those of `partial` in; undone if anything fails.

    The manifest goes first and comes last: a run is whole if it is there. Raises UserError for what is in the way.
    """
    new = sorted(new_files(partial), key=MANIFEST.__eq__)
    taken: list[str] = []
    given: dict[str, Identity] = {}
    made: list[Path] = []
    try:
        for name in sorted(own, key=MANIFEST.__ne__):
            (partial / FORMER / name).parent.mkdir(parents=True, exist_ok=True)
            taken.append(name)
            os.rename(out / name, partial / FORMER / name)
            if Identity.of(partial / FORMER / name) != own[name]:  # changed after we looked
                raise UserError(in_the_way(out / name))
        for name in new:
            if not (out / name).parent.exists():
                made.append((out / name).parent)
                made[-1].mkdir()
            given[name] = Identity.of(partial / name)
            rename_to_free(partial / name, out / name)
        if taken:
            os.rename(partial / FORMER, partial / GONE)  # from here on, there is no way back
    except BaseException:
        if not (partial / GONE).exists():
            undo(partial, out, taken, given)
            remove_empty(made)
        raise
    remove_empty({(out / name).parent for name in own} - {out})


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


def new_files(partial: Path) -> list[str]:
    """The names of the files that a run made in its hidden folder."""
    return [name for name in names_below(partial) if name != LOCK]
