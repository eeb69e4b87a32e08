"""What tests of the book's caches share."""

from __future__ import annotations

import pytest

from megami.mixing import Networks, from_pretrained


@pytest.fixture(scope="session")
def networks() -> Networks:
    """The networks that ship."""
    return from_pretrained("small")
