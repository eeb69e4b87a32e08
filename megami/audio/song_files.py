"""Which files are the tracks of a song: found before any of them is read."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from megami.audio.folder_layout import layout_of
from megami.audio.kinds import ARCHIVES, suffix_of, track_name
from megami.audio.multitrack import check_names
from megami.audio.split_stereo import pair_halves
from megami.errors import UserError

UNNAMED = "unnamed"


@dataclass(frozen=True)
class SongFiles:
    """The tracks of a song by name, each one file, or a left and a right one; and what was odd about the folder.

    leave_out_mixes: whether a track that turns out to be a mix of the others is left out, or only named.
    """

    tracks: dict[str, tuple[Path, ...]]
    oddities: tuple[str, ...] = ()
    leave_out_mixes: bool = False

    @property
    def paths(self) -> list[Path]:
        """All files."""
        return [path for paths in self.tracks.values() for path in paths]


def find_song(place: str | Path, use_all: bool = False) -> SongFiles:
    """Find the tracks in a folder, or take a file as a song of one track.

    Mixes, masters and click tracks among them are left out and named, unless `use_all`. Raises UserError where there is
    no such place, no audio in it, or no telling which of its sub-folders is the song.
    """
    place = Path(place)
    if place.is_file():
        if suffix_of(place) in ARCHIVES:
            raise UserError(f"{place}: is an archive: unpack it and give the folder with the tracks")
        return given_files([place])
    layout = layout_of(place, use_all)
    tracks, pairs = pair_halves(_with_names(layout.tracks))
    return SongFiles(tracks, (*layout.oddities, *_blank_names(layout.tracks), *pairs), not use_all)


def given_files(files: Sequence[str | Path]) -> SongFiles:
    """Take files as the tracks, each as it is. Raises UserError for none, or two of one name."""
    if not files:
        raise UserError("no tracks given: name at least one audio file")
    named = [(track_name(path), path) for path in map(Path, files)]
    return SongFiles({name: (path,) for name, path in _with_names(named).items()}, _blank_names(named))


def _with_names(tracks: Sequence[tuple[str, Path]]) -> dict[str, Path]:
    """Files by the names of their tracks, in the composed form of Unicode: some systems take names apart."""
    named = [(unicodedata.normalize("NFC", name) if name.strip() else UNNAMED, path) for name, path in tracks]
    check_names([name for name, _ in named])
    return dict(named)


def _blank_names(tracks: Sequence[tuple[str, Path]]) -> tuple[str, ...]:
    """A line for each file whose name says nothing."""
    return tuple(
        f"{path.name!r} has a name of blanks only: its track is called {UNNAMED!r}"
        for name, path in tracks
        if not name.strip()
    )
