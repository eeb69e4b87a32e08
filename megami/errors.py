"""A mistake that a user can mend, and what is odd but workable."""

from __future__ import annotations


class UserError(Exception):
    """Says in one line what is wrong with the input and what to do; the command line prints it, exit code 2."""


class SongWarning(UserWarning):
    """Names in one line what is odd about a song but can be worked with, and what would help."""
