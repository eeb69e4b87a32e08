"""Data flows one way: a room of the package imports rooms below it only (CONTRIBUTING.md explains the rule)."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import megami

PACKAGE = Path(megami.__file__).parent
ROOMS = (  # from the top floor down; "session" lies below "mixing" so that a mix can export itself
    "cli",
    "notebook",
    "evaluation",
    "mixing",
    "session",
    "training",
    "published",
    "corpus",
    "presets",
    "studio",
    "adaptation",
    "processor",
    "generator",
    "embeddings",
    "effects",
    "audio",
    "device",
    "progress",
    "errors",
)


def imported_rooms(file: Path) -> set[str]:
    """Rooms of the package that a file names in an import, at its top or inside a function."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names |= {f"{node.module}.{item.name}" for item in node.names}
        elif isinstance(node, ast.Import):
            names |= {item.name for item in node.names}
    return {name.split(".")[1] for name in names if name.startswith("megami.")} - {"__version__"}


def test_every_room_has_its_floor():
    there = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()}
    assert there - {"__init__"} == set(ROOMS)


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_rooms_below_it(room):
    place = PACKAGE / room
    files = list(place.rglob("*.py")) if place.is_dir() else [place.with_suffix(".py")]
    allowed = {room, *ROOMS[ROOMS.index(room) + 1 :]}
    for file in files:
        above = imported_rooms(file) - allowed
        assert not above, f"{file.relative_to(PACKAGE)} imports {', '.join(sorted(above))}, which lie above {room}"
