"""mixes.json: which files of a folder `megami mix` wrote there, and how to tell that they still are what it wrote."""

from __future__ import annotations

import hashlib
import json
import re
import stat
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

MANIFEST = "mixes.json"
"""Lists the files of the last run under "files", their hashes under "sha256"; no other file is replaced or removed."""

OWN_NAMES = re.compile(r"mix_\d+\.(wav|flac)|mix_\d+_tracks/[^/\\\0]+\.(wav|flac)|index\.html|mixes\.json")
BLANK = "0" * 64
"""Stands for the manifest's own hash while it is computed, of the bytes of the manifest."""


@dataclass(frozen=True)
class Identity:
    """What tells one file from another, or from itself after it was written to, without reading it."""

    device: int
    inode: int
    size: int
    modified_ns: int

    @classmethod
    def of(cls, path: Path) -> Identity:
        """That of a file; of the link itself, if it is one. Raises OSError where there is none."""
        found = path.lstat()
        return cls(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)


def write_manifest(folder: Path, words: dict[str, Any], names: list[str]) -> None:
    """Write `words`, and the names and hashes of the files of this run, which are in `folder`, as its manifest.

    The hash of the manifest is that of its own bytes with BLANK in the place of the hash.
    """
    hashes = {name: file_sha256(folder / name) for name in names if name != MANIFEST}
    text = as_json({**words, "files": names, "sha256": {**hashes, MANIFEST: BLANK}})
    (folder / MANIFEST).write_bytes(with_hash(text, BLANK, text_sha256(text)).encode())


def own_files(out: Path) -> dict[str, Identity]:
    """The files in `out` that the last run wrote and that nobody has changed or replaced since.

    Nothing where the manifest is missing, changed, or somebody else's. Where it has no hashes, as those of the first
    versions, a file is the run's if it is no younger than the manifest, which was written last.
    """
    own = {}
    for name, sha256 in read_manifest(out).items():
        try:
            if is_plain_file(out, name):
                identity = Identity.of(out / name)
                if sha256 is None:
                    same = identity.modified_ns <= Identity.of(out / MANIFEST).modified_ns
                else:
                    same = file_sha256(out / name) == sha256
                if same:
                    own[name] = identity
        except OSError:
            continue  # what cannot be read cannot be known
    return own


def read_manifest(out: Path) -> dict[str, str | None]:
    """Names of the files that the last run wrote into `out`, with their SHA-256 where it is stated."""
    try:
        if not is_plain_file(out, MANIFEST):
            return {}
        text = (out / MANIFEST).read_bytes().decode()
        words = json.loads(text)
        names, hashes = words["files"], words.get("sha256")
        if not isinstance(words["megami"], str) or MANIFEST not in names:
            return {}
        if not all(OWN_NAMES.fullmatch(name) for name in names):
            return {}
        if hashes is None:
            return dict.fromkeys(names)
        unchanged = text_sha256(with_hash(text, hashes[MANIFEST], BLANK)) == hashes[MANIFEST]
        return {**{name: hashes[name] for name in names}, MANIFEST: None} if unchanged else {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}


def is_plain_file(out: Path, name: str) -> bool:
    """True if `name` is a file in `out` itself, not a link to one and not in a linked folder. Raises OSError."""
    path = out / name
    try:
        folders = [(out / folder).lstat() for folder in PurePath(name).parents[:-1]]
        return all(stat.S_ISDIR(folder.st_mode) for folder in folders) and stat.S_ISREG(path.lstat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False


def file_sha256(path: Path) -> str:
    """The SHA-256 of a file, 64 hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def text_sha256(text: str) -> str:
    """The SHA-256 of a text, 64 hex digits."""
    return hashlib.sha256(text.encode()).hexdigest()


def with_hash(text: str, old: str, new: str) -> str:
    """The manifest with another hash of its own, which stands last in it."""
    before, _, after = text.rpartition(old)
    return f"{before}{new}{after}"


def as_json(words: dict[str, Any]) -> str:
    """Indented JSON with lists of numbers on one line."""
    text = json.dumps(words, indent=1, allow_nan=False)
    return re.sub(r"\[\n[^\[\]{}\"]+\]", lambda found: " ".join(found[0].split()), text) + "\n"
