"""The one exception that stands for a mistake a user can mend."""

from __future__ import annotations


class UserError(Exception):
    """Says in one line what is wrong with the input and what to do; the command line prints it, exit code 2."""
