"""What the tests of files share: a server that can misbehave, a place for what comes, and a sign that code was run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from file_server import SHA256, Site, serve

from megami.published.download import download


@pytest.fixture
def site(monkeypatch) -> Iterator[Site]:
    """A server for the length of a test."""
    with serve(monkeypatch) as site:
        yield site


@pytest.fixture
def path(tmp_path) -> Path:
    """Where the file is to appear; the folder has to be made."""
    return tmp_path / "made" / "big.bin"


@pytest.fixture
def marker(tmp_path) -> Path:
    """A file that appears if the code of an untrusted file is run."""
    return tmp_path / "marker"


@pytest.fixture
def fetch(site, path) -> Callable[..., str]:
    """Give fetch(sha256, ...): a download of the site's file that does not wait long."""

    def run(sha256: str | None = SHA256, **options: object) -> str:
        return download(site.url, path, sha256, **{"wait_s": 0.01, "show": False, **options})

    return run
