"""Opening a folder as a data set, of a layout that is named or found out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from megami.corpus.recordings.medleydb import is_medleydb, read_medleydb
from megami.corpus.recordings.mirdata_sets import PREFIX, READERS, read_mirdata
from megami.corpus.recordings.moisesdb import is_moisesdb, read_moisesdb
from megami.corpus.recordings.musdb import is_musdb, read_musdb
from megami.corpus.recordings.plain_folders import is_pairs, is_wet, read_dry, read_pairs, read_wet
from megami.corpus.recordings.songs import Recordings
from megami.errors import UserError


@dataclass(frozen=True)
class Layout:
    """How songs lie in a folder: how it is told, and how it is read. `words`: what to say where none fits."""

    name: str
    words: str
    is_it: Callable[[Path], bool]
    read: Callable[[Path], Recordings]


def _never(root: Path) -> bool:
    """Dry songs look like wet ones: whoever has some says so."""
    return False


LAYOUTS = (  # in the order in which they are tried: plain folders would fit the others as well
    Layout("medleydb", "SONG/SONG_STEMS", is_medleydb, read_medleydb),
    Layout("moisesdb", "SONG/data.json", is_moisesdb, read_moisesdb),
    Layout("musdb", "train/SONG/mixture.wav", is_musdb, read_musdb),
    Layout("pairs", "SONG/dry and SONG/wet", is_pairs, read_pairs),
    Layout("wet", "SONG/*.wav", is_wet, read_wet),
    Layout("dry", "SONG/*.wav, with --layout dry", _never, read_dry),
)


def open_recordings(folder: str | Path, layout: str = "auto") -> Recordings:
    """Open a folder of songs: "medleydb", "moisesdb", "musdb", "pairs", "wet", "dry", or "auto" to find out.

    "mirdata:guitarset" and "mirdata:slakh" go through the mirdata package.

    Nothing but metadata is read. Raises UserError where there is no such folder or layout, or the folder has another.
    """
    root = Path(folder)
    if not root.is_dir():
        raise UserError(f"{root}: no such folder")
    names = [known.name for known in LAYOUTS]
    if layout.startswith(PREFIX):
        return read_mirdata(root, layout.removeprefix(PREFIX))
    if layout not in ("auto", *names):
        raise UserError(
            f"no layout {layout!r}: choose auto, {', '.join([*names, *(PREFIX + name for name in READERS)])}"
        )
    if layout == "auto":
        found = next((known for known in LAYOUTS if known.is_it(root)), None)
        if found is None:
            looked = "; ".join(f"{known.name}: {known.words}" for known in LAYOUTS)
            raise UserError(f"{root}: holds songs in none of the known layouts ({looked})")
    else:
        found = LAYOUTS[names.index(layout)]
        if found.is_it is not _never and not found.is_it(root):
            raise UserError(f"{root}: is not laid out as {layout} ({found.words})")
    recordings = found.read(root)
    if not recordings.songs():
        raise UserError(f"{root}: holds no song")
    return recordings
