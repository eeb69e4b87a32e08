"""How long work says how far it is: one form for all of it."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str, int, int], None]
"""(stage, done, total): called as each part of a stage is begun; `done` of its `total` parts are finished by then."""


def silent(stage: str, done: int, total: int) -> None:
    """The progress that nobody watches."""
