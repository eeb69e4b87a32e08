"""Pretend data sets of every layout, written once."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from megami.corpus.recordings.pretend import PRETEND


@pytest.fixture(scope="session")
def pretend(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Give pretend(layout): a folder of four songs of a second and a half, not to be changed."""
    root = tmp_path_factory.mktemp("pretend")
    written: dict[str, Path] = {}

    def write(layout: str) -> Path:
        if layout not in written:
            written[layout] = PRETEND[layout](root / layout, seconds=1.5)
        return written[layout]

    return write


@pytest.fixture
def copied(pretend: Callable[[str], Path], tmp_path: Path) -> Callable[[str], Path]:
    """Give copied(layout): the same, as a copy that a test may change."""

    def copy(layout: str) -> Path:
        return Path(shutil.copytree(pretend(layout), tmp_path / layout))

    return copy
