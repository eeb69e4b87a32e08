"""Stereo tracks that were exported as a left and a right file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import soundfile

from megami.audio.files import as_given

HALF = re.compile(r"(?P<name>.*[^\s._-])(?P<joint>[\s._-]*\(|[\s._-]+)(?P<side>l|r|left|right)\)?", re.IGNORECASE)


def pair_halves(files: Mapping[str, Path]) -> tuple[dict[str, tuple[Path, ...]], list[str]]:
    """Join files called x.L and x.R (or _L, -left, (R), ...) as one track x; the others stay as they are.

    Only where both are there, mono, of one rate and equally long, and nothing else is called x. Returns the files of
    each track, left before right, and a line for each pair.
    """
    halves: dict[tuple, dict[str, str]] = {}
    for name in files:
        if found := HALF.fullmatch(name):
            side = found["side"].lower()
            key = (found["name"], found["joint"], len(side) > 1)
            halves.setdefault(key, {})[side[0]] = name
    tracks: dict[str, tuple[Path, ...]] = {name: (path,) for name, path in files.items()}
    oddities = []
    for (name, *_), sides in halves.items():
        if len(sides) == 2 and name not in tracks and _fit(files[sides["l"]], files[sides["r"]]):
            del tracks[sides["l"]], tracks[sides["r"]]
            tracks[name] = left, right = files[sides["l"]], files[sides["r"]]
            oddities.append(f"{left.name} and {right.name} are taken as one stereo track, {name!r}")
    return tracks, oddities


def _fit(left: Path, right: Path) -> bool:
    """Whether two files can be the sides of one recording, as far as their headers say."""
    try:
        heads = [soundfile.info(as_given(path)) for path in (left, right)]
    except (soundfile.SoundFileError, OSError, RuntimeError, TypeError):
        return False
    return heads[0].channels == 1 and len({(head.channels, head.samplerate, head.frames) for head in heads}) == 1
