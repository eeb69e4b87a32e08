"""A folder of files that a command makes, again and again, beside which a reader may put files of their own.

The folder keeps a list of what was written into it, with the hash of each file. A file that is not on the list, or that
was changed since, is somebody's work: it is neither replaced nor removed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from megami.errors import UserError
from megami.notebook.stores import write_whole

LIST = ".made-files.json"


def write_made_files(folder: Path, files: Mapping[str, bytes]) -> None:
    """Have a folder hold these files, by their paths in it; those of the time before that are no longer made go.

    Raises UserError, and writes nothing, if one of them would replace a file that was not written by this function.
    """
    made = _made(folder)
    for name in files:
        path = folder / name
        if path.exists() and not (path.is_file() and _is_ours(path, made.get(name))):
            raise UserError(f"{path} was not made here, or was changed since: move it away, or choose another folder")
    hashes = {name: _hash(data) for name, data in files.items()}
    for name, data in files.items():
        if made.get(name) != hashes[name] or not (folder / name).exists():
            write_whole(folder / name, data)
    for name in made.keys() - files.keys():
        _remove(folder, name, made[name])
    write_whole(folder / LIST, json.dumps(hashes, indent=1, sort_keys=True).encode())


def _made(folder: Path) -> dict[str, str]:
    """What the list of a folder says; nothing if there is none. Raises UserError if it is not such a list."""
    try:
        listed = json.loads((folder / LIST).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise UserError(f"{folder / LIST} cannot be read: {error}") from error
    if not isinstance(listed, dict):
        raise UserError(f"{folder / LIST} is no list of files: move it away, or choose another folder")
    return {str(name): str(code) for name, code in listed.items()}


def _is_ours(path: Path, expected: str | None) -> bool:
    return expected is not None and _hash(path.read_bytes()) == expected


def _remove(folder: Path, name: str, expected: str) -> None:
    """Remove a file that is ours and inside the folder, and the folders that this leaves empty."""
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()) or not path.is_file() or not _is_ours(path, expected):
        return
    path.unlink()
    for parent in path.relative_to(folder).parents:
        if parent != Path(".") and not any((folder / parent).iterdir()):
            (folder / parent).rmdir()


def _hash(data: bytes) -> str:
    return hashlib.blake2s(data, digest_size=16).hexdigest()
