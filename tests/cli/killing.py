"""Processes that die at a chosen file operation, as if killed, and how many there are to die at."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

KILLED = 137
CHANGES = {"os.rename", "os.link", "os.remove", "os.rmdir", "os.mkdir", "os.symlink", "os.chmod", "os.utime", "open"}


def killed_at(root: Path, number: int, work: Callable[[], object], error: BaseException | None = None) -> bool:
    """Do the work in a process that ends, nothing tidied up, before its file operation of that number below `root`.

    Counted from 1. With `error`, that is raised there instead, once, as an interrupt is. True if it came to that, false
    if the work came to its end.
    """
    child = os.fork()
    if child == 0:
        die_at(root, number, error)
        try:
            work()
        except BaseException as raised:
            if raised is error:
                os._exit(KILLED)
            print(f"{type(raised).__name__}: {raised}", file=sys.stderr)
            os._exit(1)
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in (0, KILLED), code
    return code == KILLED


def die_at(root: Path, number: int, error: BaseException | None = None) -> None:
    """Let this process end, or an error be raised, before its file operation of that number below `root`."""
    begin, count = os.fspath(root), 0

    def hook(event: str, arguments: tuple) -> None:
        nonlocal count
        if event in CHANGES and any(
            isinstance(path, str | bytes) and os.fsdecode(path).startswith(begin) for path in arguments
        ):
            count += 1
            if count == number and error is not None:
                raise error
            if count == number:
                os._exit(KILLED)

    sys.addaudithook(hook)


def contents(folder: Path) -> dict[str, bytes | None]:
    """All files and folders below a folder, with the files' bytes."""
    return {str(p.relative_to(folder)): p.read_bytes() if p.is_file() else None for p in sorted(folder.rglob("*"))}


def copy_with_links(source: Path, target: Path) -> Path:
    """Copy a folder in which two names of one file are two names of one file again."""
    copies: dict[int, str] = {}

    def copy(file: str, to: str) -> None:
        number = os.lstat(file).st_ino
        if number in copies:
            os.link(copies[number], to, follow_symlinks=False)
        else:
            shutil.copy2(file, to, follow_symlinks=False)
            copies[number] = to

    return Path(shutil.copytree(source, target, symlinks=True, copy_function=copy))
