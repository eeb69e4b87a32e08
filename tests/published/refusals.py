"""What all tests of unusable files ask: one clear line, and nothing else."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from megami.errors import UserError


def refusal(call: Callable[[], object], *words: str) -> str:
    """Check that a call raises UserError with one line that has all the words, and give it."""
    with pytest.raises(UserError) as caught:
        call()
    line = str(caught.value)
    assert len(line.splitlines()) == 1, line
    for word in words:
        assert word in line, line
    return line
