"""Whether a song was mixed already: by the same settings and weights, from the same stems, with mixes still there."""

from __future__ import annotations

import json
import os
from dataclasses import fields
from pathlib import Path
from typing import Any

from megami import __version__
from megami.audio import SongFiles
from megami.cli.manifest import MANIFEST, file_sha256, read_manifest
from megami.cli.mix_job import MixJob
from megami.errors import UserError

ELSEWHERE = ("stems", "out", "device", "weights_dir")
"""Fields of a job that do not change what is heard, or that are looked at by themselves."""


def settings_of(job: MixJob, weights: str) -> dict[str, Any]:
    """Everything that decides how stems are mixed, as JSON holds it; `weights` is a hash. May raise UserError."""
    words = {item.name: getattr(job, item.name) for item in fields(job) if item.name not in ELSEWHERE}
    seen = {str(path): _sha256_of(path) for path in job.files_read}
    whole = {**words, "files_read": seen, "weights_sha256": weights, "megami": __version__}
    return json.loads(json.dumps(whole, default=str))


def stems_seen(files: SongFiles) -> list[dict[str, Any]]:
    """The files of the tracks of a song: name, size, time of change and hash of each. Raises UserError."""
    return [{**_state(track, path), "sha256": _sha256_of(path)} for track, path in _files(files)]


def is_done(line: dict[str, Any] | None, settings: dict[str, Any], files: SongFiles, out: Path) -> bool:
    """Whether a line of the ledger says that the mixes in `out` are what these settings make of these files."""
    if line is None or line.get("settings") != settings:
        return False
    return same_stems(line.get("tracks"), files) and _mixes_are_there(line.get("mixes"), out)


def same_stems(seen: Any, files: SongFiles) -> bool:
    """Whether files are as they were: of a file of another time, which may have been copied, the content counts."""
    now = _files(files)
    if not isinstance(seen, list) or len(seen) != len(now):
        return False
    for before, (track, path) in zip(seen, now, strict=True):
        state = _state(track, path)
        if any(before.get(name) != state[name] for name in ("track", "file", "size")):
            return False
        if before.get("modified_ns") != state["modified_ns"] and before.get("sha256") != _sha256_of(path):
            return False
    return True


def _mixes_are_there(manifest_sha256: Any, out: Path) -> bool:
    """Whether the folder holds the list of mixes that the run wrote, and every file that it names."""
    try:
        if file_sha256(out / MANIFEST) != manifest_sha256:
            return False
    except OSError:
        return False
    return all((out / name).is_file() for name in read_manifest(out))


def _files(files: SongFiles) -> list[tuple[str, Path]]:
    return [(track, path) for track, paths in files.tracks.items() for path in paths]


def _state(track: str, path: Path) -> dict[str, Any]:
    try:
        found = path.stat()
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror})") from None
    return {"track": track, "file": os.fspath(path.name), "size": found.st_size, "modified_ns": found.st_mtime_ns}


def _sha256_of(path: Path) -> str:
    try:
        return file_sha256(path)
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror})") from None
