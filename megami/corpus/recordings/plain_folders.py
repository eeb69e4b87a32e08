"""Plain folders of songs: dry and wet pairs, wet songs only, dry songs only.

    SONG/dry/NAME.wav and SONG/wet/NAME.wav, with SONG/mix.wav where there is one       (pairs)
    SONG/NAME.wav, with SONG/mix.wav where there is one                                 (wet, dry)

Which files are tracks and which are mixes is decided as for a song that is mixed. A song.json may say more:
{"artist": "...", "genre": "...", "split": "train", "instruments": {"NAME": "acoustic guitar"}}. Chapter "Growing up".
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from megami.audio.finished_mixes import finished_kind
from megami.audio.folder_layout import is_audio_file, layout_of, visible_entries
from megami.audio.kinds import track_name
from megami.corpus.multitrack_folder import DRY, WET, MultitrackFolder, is_song
from megami.corpus.recordings.songs import ListedRecordings, RecordedSong, TrackFile, unique_names
from megami.corpus.recordings.splits import SPLITS
from megami.errors import UserError, as_one_line

SONG_FILE = "song.json"


def is_pairs(root: Path) -> bool:
    """Whether a folder holds songs with dry/ and wet/ sub-folders."""
    return any((folder / DRY).is_dir() and (folder / WET).is_dir() for folder in visible_entries(root))


def is_wet(root: Path) -> bool:
    """Whether a folder holds sub-folders of tracks."""
    return any(folder.is_dir() and is_song(folder) for folder in visible_entries(root))


def read_pairs(root: Path) -> ListedRecordings:
    """List songs with dry/ and wet/ sub-folders; where their names differ, what has no partner is named, and left out.

    Raises UserError where the folder holds no song.
    """
    return _read(root, "pairs", _pair)


def read_wet(root: Path) -> ListedRecordings:
    """List songs of processed tracks. Raises UserError where the folder holds no song."""
    return _read(root, "wet", lambda folder: _one_kind(folder, WET))


def read_dry(root: Path) -> ListedRecordings:
    """List songs of unprocessed tracks. Raises UserError where the folder holds no song."""
    return _read(root, "dry", lambda folder: _one_kind(folder, DRY))


def _read(root: Path, name: str, read_song: Callable[[Path], RecordedSong]) -> ListedRecordings:
    folders = MultitrackFolder(root).folders
    return ListedRecordings(name, tuple(_with_facts(read_song(folder), folder) for folder in folders))


def _with_facts(song: RecordedSong, folder: Path) -> RecordedSong:
    """The song with what its song.json says, where there is one."""
    try:
        facts = json.loads((folder / SONG_FILE).read_text(encoding="utf-8"))
        if not isinstance(facts, dict):
            raise ValueError("not an object")
    except FileNotFoundError:
        return song
    except (OSError, ValueError, RecursionError) as error:
        words = f"{song.name}: {SONG_FILE} cannot be used ({' '.join(str(error).split())})"
        return replace(song, notes=(*song.notes, as_one_line(words)))
    labels = facts.get("instruments")
    split = str(facts.get("split") or "")
    return replace(
        song,
        dataset=str(facts.get("dataset") or song.dataset),
        artist=str(facts.get("artist") or ""),
        genre=str(facts.get("genre") or ""),
        published_split=split if split in SPLITS else "",
        dry=_labelled(song.dry, labels),
        wet=_labelled(song.wet, labels),
    )


def _labelled(tracks: tuple[TrackFile, ...], labels: Any) -> tuple[TrackFile, ...]:
    """The tracks with their labels by name."""
    known = labels if isinstance(labels, dict) else {}
    return tuple(replace(track, instrument=str(known.get(track.name) or "")) for track in tracks)


def _pair(folder: Path) -> RecordedSong:
    """A song of dry and wet tracks, in the same order; one without both keeps what it has."""
    if not all((folder / kind).is_dir() and is_song(folder / kind) for kind in (DRY, WET)):
        kind = WET if (folder / WET).is_dir() and is_song(folder / WET) else DRY
        lacking = DRY if kind == WET else WET
        song = _one_kind(folder / kind if (folder / kind).is_dir() else folder, kind)
        note = f"{folder.name}: has no tracks in {lacking}/"
        return _song(folder, "pairs", song.dry, song.wet, False, (*song.notes, note))
    dry, wet = ({track.name: track for track in _tracks(folder / kind)} for kind in (DRY, WET))
    both = [name for name in dry if name in wet]
    alone = sorted(set(dry) ^ set(wet))
    if not both:
        return _song(folder, "pairs", tuple(dry.values()), tuple(wet.values()), False, ())
    notes = (f"{folder.name}: without a partner in {DRY}/ or {WET}/: {', '.join(alone)}",) if alone else ()
    return _song(folder, "pairs", tuple(dry[n] for n in both), tuple(wet[n] for n in both), True, notes)


def _one_kind(folder: Path, kind: str) -> RecordedSong:
    tracks = _tracks(folder)
    return _song(folder, kind, tracks if kind == DRY else (), tracks if kind == WET else (), False, ())


def _tracks(folder: Path) -> tuple[TrackFile, ...]:
    """The tracks of a folder, sorted by name. Raises UserError where there are none."""
    found = layout_of(folder).tracks
    names = unique_names([name for name, _ in found])
    return tuple(TrackFile(path, name, "") for name, (_, path) in sorted(zip(names, found, strict=True)))


def _song(
    folder: Path,
    dataset: str,
    dry: tuple[TrackFile, ...],
    wet: tuple[TrackFile, ...],
    paired: bool,
    notes: tuple[str, ...],
) -> RecordedSong:
    lost = tuple(track.path for track in (*dry, *wet) if not track.path.exists())  # links to nowhere
    kept = [(a, b) for a, b in zip(dry, wet, strict=True) if not {a.path, b.path} & {*lost}] if paired else []
    return RecordedSong(
        dataset=dataset,
        name=as_one_line(folder.name),
        dry=tuple(a for a, _ in kept) if paired else tuple(track for track in dry if track.path not in lost),
        wet=tuple(b for _, b in kept) if paired else tuple(track for track in wet if track.path not in lost),
        mix=_mix(folder),
        paired=paired,
        missing=lost,
        notes=notes,
    )


def _mix(folder: Path) -> Path | None:
    """The file in the song's folder that is called a mix, else a master; none where there are several."""
    try:
        audio = [path for path in visible_entries(folder) if is_audio_file(path) and path.exists()]
    except UserError:
        return None
    for kind in ("a mix of the others", "a master of the others"):
        found = [path for path in audio if finished_kind(track_name(path)) == kind]
        if found:
            return found[0] if len(found) == 1 else None
    return None
