"""Files that appear together, whole, and only where nothing is yet."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from megami.errors import UserError

PARTIAL = ".megami-"


def check_free(path: Path) -> None:
    """Raise UserError if something has this name already, so that it cannot be lost."""
    if os.path.lexists(path):
        raise UserError(f"{path} is there already: choose another name, or move it away")


@contextmanager
def appearing_beside(target: Path, others: tuple[str, ...] = ()) -> Iterator[Path]:
    """Give a hidden folder next to `target` to write into; what is in it moves there when the block ends well.

    `target` and what is called `others` beside it are checked before the block, all names again after it; `target`
    itself moves last. If anything fails, or is interrupted, nothing is left but what was there. Raises UserError for
    names that are taken, and for what the disk refuses.
    """
    for name in (target.name, *others):
        check_free(target.parent / name)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(prefix=PARTIAL, dir=target.parent))
        try:
            yield partial
            _give(partial, target)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    except OSError as error:
        reason = error.strerror or str(error)
        raise UserError(f"{target} cannot be written ({reason}): free some space or choose another place") from None


def _give(partial: Path, target: Path) -> None:
    """Move what was written to its place; all or nothing."""
    names = sorted((path.name for path in partial.iterdir()), key=lambda name: name == target.name)
    moved: list[Path] = []
    try:
        for name in names:
            place = target.parent / name
            check_free(place)
            os.rename(partial / name, place)
            moved.append(place)
    except BaseException:
        for place in moved:
            os.rename(place, partial / place.name)
        raise


def writer_into(folder: Path) -> Callable[[str, bytes], None]:
    """A function that writes files by their names into a folder, with the folders that they need."""

    def emit(name: str, data: bytes) -> None:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    return emit
