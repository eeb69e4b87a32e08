"""MUSDB18-HQ, and what is laid out like it: a mixture and a few stems for each song, in folders for training and test.

    train/ARTIST - TITLE/{mixture,vocals,drums,bass,other}.wav
    test/ARTIST - TITLE/...

Source of the layout: the `musdb` package (is_wav=True) and sigsep.github.io/datasets/musdb.html; Rafii et al.,
"MUSDB18-HQ", 2019, doi:10.5281/zenodo.3338373. Chapter "Growing up".
"""

from __future__ import annotations

from pathlib import Path

from megami.audio.folder_layout import is_audio_file, visible_entries
from megami.corpus.multitrack_folder import is_song
from megami.corpus.recordings.songs import ListedRecordings, RecordedSong, TrackFile
from megami.corpus.recordings.splits import musdb_split
from megami.errors import UserError, as_one_line

NAME = "musdb"
FOLDERS = ("train", "test")
MIXTURE = "mixture"
STEMS = ("vocals", "drums", "bass", "other")
COMPRESSED = ".stem.mp4"


def is_musdb(root: Path) -> bool:
    """Whether a folder is laid out as MUSDB18 or MUSDB18-HQ."""
    return bool(_song_folders(root)) or bool(_compressed(root))


def read_musdb(root: Path) -> ListedRecordings:
    """List the songs of a MUSDB18-HQ folder (that which holds train/ and test/, or the songs themselves).

    Of the four stems those that are missing are named. Raises UserError for MUSDB18's compressed files, which the
    `musdb` package turns into WAV.
    """
    folders = _song_folders(root)
    if not folders:
        raise UserError(
            f"{root}: holds {len(_compressed(root))} {COMPRESSED} files, which are not read: turn them into WAV with "
            "the musdb package (pip install musdb, then musdbconvert FOLDER WAV_FOLDER), or get MUSDB18-HQ"
        )
    songs = [_song(folder, root) for folder in folders]
    return ListedRecordings(NAME, tuple(sorted(songs, key=lambda song: song.name)))


def _song_folders(root: Path) -> list[Path]:
    """Folders of MUSDB's stems in train/ and test/; else those in the folder itself, where all songs are so."""
    halves = [root / name for name in FOLDERS if (root / name).is_dir()]
    folders = [path for place in halves or [root] for path in visible_entries(place) if path.is_dir()]
    found = [folder for folder in folders if _is_song(folder)]
    return found if halves or all(folder in found or not is_song(folder) for folder in folders) else []


def _is_song(folder: Path) -> bool:
    """Whether a folder has a mixture and two of the stems, or three of them."""
    stems = sum(_file(folder, stem) is not None for stem in STEMS)
    return stems > 2 or (stems == 2 and _file(folder, MIXTURE) is not None)


def _compressed(root: Path) -> list[Path]:
    places = [root, *(root / name for name in FOLDERS)]
    return [
        path
        for place in places
        if place.is_dir()
        for path in visible_entries(place)
        if path.name.lower().endswith(COMPRESSED)
    ]


def _file(folder: Path, name: str) -> Path | None:
    """The audio file of this name, whatever its format."""
    if (usual := folder / f"{name}.wav").exists() or usual.is_symlink():
        return usual
    return next((path for path in visible_entries(folder) if path.stem == name and is_audio_file(path)), None)


def _song(folder: Path, root: Path) -> RecordedSong:
    there = {name: _file(folder, name) for name in STEMS}
    more = {path.stem: path for path in visible_entries(folder) if is_audio_file(path)}
    known = [name for name in (*STEMS, *sorted(set(more) - {*STEMS, MIXTURE})) if there.get(name) or name in more]
    tracks = [TrackFile(there.get(name) or more[name], name, name, name) for name in known]
    mix = _file(folder, MIXTURE)
    absent = [folder / f"{name}.wav" for name in STEMS if not there[name]]
    lost = [track.path for track in tracks if not track.path.exists()]
    if mix is None or not mix.exists():
        absent.append(folder / f"{MIXTURE}.wav")
        mix = None
    return RecordedSong(
        dataset=NAME,
        name=as_one_line(folder.name),
        dry=(),
        wet=tuple(track for track in tracks if track.path.exists()),
        mix=mix,
        paired=False,
        artist=folder.name.split(" - ")[0] if " - " in folder.name else "",
        missing=(*absent, *lost),
        published_split=musdb_split(folder.parent.name if folder.parent != root else "", folder.name),
    )
