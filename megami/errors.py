"""A mistake that a user can mend, and what is odd but workable."""

from __future__ import annotations

import warnings
from collections.abc import Iterable


class UserError(Exception):
    """Says in one line what is wrong with the input and what to do; the command line prints it, exit code 2."""


class SongWarning(UserWarning):
    """Names in one line what is odd about a song but can be worked with, and what would help."""


def as_one_line(text: str) -> str:
    """The text without line breaks and other signs that cannot be printed, as names of files may hold them."""
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text)


def warn_of_song(lines: Iterable[str], stacklevel: int = 1) -> None:
    """Warn (SongWarning) once for each line; `stacklevel` 1 is the caller of the function that calls this one."""
    for line in lines:
        warnings.warn(as_one_line(line), SongWarning, stacklevel=stacklevel + 2)
