"""A cache says which code made it, beside its settings: what other code made is neither used nor thrown away."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from megami.corpus.source_hash import module_hashes
from megami.errors import UserError

CODE_FILE = "code.json"
NAMED = 3
"""How many changed modules a refusal names."""


@dataclass(frozen=True)
class Kind:
    """One kind of files in a corpus: their folders, and the modules that decide what is in them."""

    name: str
    folders: tuple[str, ...]  # patterns
    roots: tuple[str, ...]
    without: tuple[str, ...] = ()

    def made(self, folder: Path) -> list[str]:
        """Names of this kind's folders that are there."""
        return sorted({path.name for pattern in self.folders for path in folder.glob(pattern)})


# One config says how songs are made and how they are mixed and heard: it counts the engineers and knows the encoders'
# front ends, which have no say in a song.
SONGS = Kind(
    "songs",
    ("songs",),
    ("megami.corpus.songs",),
    without=("megami.studio.engineers", "megami.adaptation", "megami.embeddings"),
)
HEARD = Kind("stems by ear", ("heard",), ("megami.corpus.heard",))
FEATURES = Kind("features", ("dry", "mixes", "views_of_*", "*crops_of_*"), ("megami.corpus.features",))


def claim_code(folder: Path, kind: Kind) -> None:
    """Note in a cache which code makes its files of one kind.

    Raises UserError if other code has made some already, or a version that did not note its code. Where there are none
    (any more), the note is written anew.
    """
    file = folder / CODE_FILE
    notes: dict[str, dict[str, str]] = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    noted, wanted = notes.get(kind.name), module_hashes(kind.roots, kind.without)
    if noted == wanted:
        return
    made = kind.made(folder)
    if made:
        raise UserError(
            f"the {kind.name} in {folder} were made by other code ({_difference(noted, wanted)}): choose another "
            f"folder, or delete {', '.join(made)} in this one"
        )
    folder.mkdir(parents=True, exist_ok=True)
    partial = file.with_suffix(".part")
    partial.write_text(json.dumps({**notes, kind.name: wanted}, indent=1) + "\n", encoding="utf-8")
    partial.replace(file)


def check_code(folder: Path) -> None:
    """Refuse, as `claim_code` does, a cache with songs or features that other code made; write nothing."""
    for kind in (SONGS, FEATURES):
        if kind.made(folder):
            claim_code(folder, kind)


def _difference(noted: dict[str, str] | None, wanted: dict[str, str]) -> str:
    """Which modules differ, in words."""
    if noted is None:
        return "by a version that did not note it"
    changed = sorted(name for name in {*noted, *wanted} if noted.get(name) != wanted.get(name))
    more = f" and {len(changed) - NAMED} more" if len(changed) > NAMED else ""
    return f"{', '.join(changed[:NAMED])}{more} differ{'s' if len(changed) == 1 else ''}"
