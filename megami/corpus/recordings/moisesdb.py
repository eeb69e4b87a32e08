"""MoisesDB: a folder for each song, named by a number, with a JSON file and a folder for each group of instruments.

    moisesdb_v0.1/SONG_ID/data.json
    moisesdb_v0.1/SONG_ID/vocals/TRACK_ID.wav

data.json: song, artist, genre, stems: [{stemName, tracks: [{id, trackType, extension, has_bleed}]}]. There is no file
of the mix: it is the sum of all tracks. Source of the layout: the `moisesdb` package (moisesdb/track.py, README.md);
Pereira et al., "MoisesDB: a dataset for source separation beyond 4 stems", ISMIR 2023. Chapter "Growing up".
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

from megami.audio.folder_layout import is_audio_file, visible_entries
from megami.corpus.recordings.songs import ListedRecordings, RecordedSong, TrackFile, unique_names
from megami.errors import as_one_line

NAME = "moisesdb"
METADATA_FILE = "data.json"
DEEPEST = 2  # moisesdb/moisesdb_v0.1/SONG_ID


def is_moisesdb(root: Path) -> bool:
    """Whether a folder is laid out as MoisesDB."""
    return bool(_song_folders(root))


def read_moisesdb(root: Path) -> ListedRecordings:
    """List the songs of a MoisesDB folder (that which holds moisesdb_v0.1/, or the songs themselves).

    Songs are named "ARTIST - SONG" as data.json has it, with the folder's name where two are called the same. A song
    whose data.json is damaged keeps its tracks, by their folders, and says so in its notes.
    """
    folders = _song_folders(root)
    songs = [_song(folder) for folder in folders]
    often = Counter(song.name for song in songs)
    named = [
        replace(song, name=f"{song.name} ({folder.name})") if often[song.name] > 1 else song
        for folder, song in zip(folders, songs, strict=True)
    ]
    return ListedRecordings(NAME, tuple(sorted(named, key=lambda song: song.name)))


def _song_folders(root: Path, depth: int = DEEPEST) -> list[Path]:
    """Folders with a data.json, in this folder or in those below it."""
    if not root.is_dir():
        return []
    folders = [path for path in visible_entries(root) if path.is_dir()]
    found = [folder for folder in folders if (folder / METADATA_FILE).is_file()]
    if not found and depth:
        found = [song for folder in folders for song in _song_folders(folder, depth - 1)]
    return found


def _song(folder: Path) -> RecordedSong:
    """One song by its data.json, else by its folders."""
    metadata, notes = _metadata(folder)
    if metadata:
        tracks, flags = _named_tracks(folder, metadata["stems"])
    else:
        tracks, flags = _found_tracks(folder), ()
    names = unique_names([track.name for track in tracks])
    tracks = [TrackFile(t.path, name, t.instrument, t.group) for t, name in zip(tracks, names, strict=True)]
    artist, title = str(metadata.get("artist") or ""), str(metadata.get("song") or "")
    name = " - ".join(part for part in (artist, title) if part) or folder.name
    return RecordedSong(
        dataset=NAME,
        name=as_one_line(name),
        dry=(),
        wet=tuple(track for track in tracks if track.path.exists()),
        mix=None,
        paired=False,
        artist=artist,
        genre=str(metadata.get("genre") or ""),
        missing=tuple(track.path for track in tracks if not track.path.exists()),
        notes=tuple(as_one_line(f"{name}: {note}") for note in notes),
        flags=flags,
    )


def _metadata(folder: Path) -> tuple[dict[str, Any], list[str]]:
    """What data.json says, and what was wrong with it; empty where it cannot be used."""
    try:
        metadata = json.loads((folder / METADATA_FILE).read_text(encoding="utf-8"))
        stems = metadata["stems"] if isinstance(metadata, dict) else None
        if not isinstance(stems, list) or not all(isinstance(stem, dict) for stem in stems):
            raise ValueError("it has no stems")
    except (OSError, ValueError, KeyError, RecursionError) as error:
        reason = " ".join(str(error).split()) or "damaged"
        return {}, [f"{METADATA_FILE} cannot be used ({reason}): its tracks are labelled by their folders"]
    return metadata, []


def _named_tracks(folder: Path, stems: list[dict[str, Any]]) -> tuple[list[TrackFile], tuple[str, ...]]:
    """The tracks that data.json names, and whether it says that one of them bleeds."""
    tracks, bleeds = [], False
    for stem in stems:
        group = str(stem.get("stemName") or "")
        said = stem.get("tracks")
        for track in said if isinstance(said, list) else ():
            if not isinstance(track, dict):
                continue
            label = str(track.get("trackType") or "")
            path = folder / group / f"{track.get('id')}.{track.get('extension') or 'wav'}"
            tracks.append(TrackFile(path, label or group, label, group))
            bleeds = bleeds or track.get("has_bleed") is True
    return tracks, ("bleed",) if bleeds else ()


def _found_tracks(folder: Path) -> list[TrackFile]:
    """The audio files in the song's sub-folders, labelled by these."""
    return [
        TrackFile(path, group.name, group.name, group.name)
        for group in visible_entries(folder)
        if group.is_dir()
        for path in visible_entries(group)
        if is_audio_file(path)
    ]
