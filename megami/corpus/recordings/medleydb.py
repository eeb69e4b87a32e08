"""MedleyDB 1 and 2: stems, raw tracks, a mix and a YAML file for each song.

    Audio/ARTIST_TITLE/ARTIST_TITLE_MIX.wav
    Audio/ARTIST_TITLE/ARTIST_TITLE_STEMS/ARTIST_TITLE_STEM_01.wav
    Audio/ARTIST_TITLE/ARTIST_TITLE_RAW/ARTIST_TITLE_RAW_01_01.wav
    Audio/ARTIST_TITLE/ARTIST_TITLE_METADATA.yaml, or Metadata/ARTIST_TITLE_METADATA.yaml

The second part unpacks as V2/ARTIST_TITLE/..., with the same files in it. Sources of the layout: the `medleydb` package
(medleydb/multitrack.py and its data/Metadata); Bittner et al., "MedleyDB: a multitrack dataset for annotation-intensive
MIR research", ISMIR 2014; Bittner et al., "MedleyDB 2.0", ISMIR late-breaking 2016. Chapter "Growing up".
"""

from __future__ import annotations

import math
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from megami.audio.folder_layout import is_audio_file, visible_entries
from megami.corpus.recordings.songs import ListedRecordings, RecordedSong, TrackFile
from megami.errors import UserError, as_one_line

NAME = "medleydb"
AUDIO_FOLDERS = (".", "Audio", "V1", "V2", "Audio/V1", "Audio/V2", "V1/Audio", "V2/Audio")
METADATA_FOLDERS = ("Metadata", "medleydb/data/Metadata", "data/Metadata")
COEFFICIENT_FILES = ("mixing_coefficients.yaml", "mixing_coefficients_version2.yaml")
NUMBERS = re.compile(r"_(?:STEM|RAW)_(\d+)(?:_(\d+))?$")


def is_medleydb(root: Path) -> bool:
    """Whether a folder is laid out as MedleyDB."""
    return bool(_song_folders(root))


def read_medleydb(root: Path) -> ListedRecordings:
    """List the songs of a MedleyDB folder (that which holds Audio/, or the songs themselves).

    A song whose YAML is missing or damaged keeps its tracks, without labels, and says so in its notes. Published mixing
    coefficients become the stems' `gain` where a file of them lies in the folder or beside the metadata. Raises
    UserError without PyYAML.
    """
    gains = _coefficients(root)
    listed = {folder.name: _song(folder, root, gains.get(folder.name, {})) for folder in _song_folders(root)}
    return ListedRecordings(NAME, tuple(listed[name] for name in sorted(listed)))


def _song_folders(root: Path) -> list[Path]:
    """Folders of songs, by their mix or their stems."""
    found = {}
    for place in AUDIO_FOLDERS:
        if not (root / place).is_dir():
            continue
        for folder in visible_entries(root / place):
            if folder.is_dir() and folder.name not in found and _is_song(folder):
                found[folder.name] = folder
    return list(found.values())


def _is_song(folder: Path) -> bool:
    name = folder.name
    return (folder / f"{name}_STEMS").is_dir() or (folder / f"{name}_RAW").is_dir()


def _song(folder: Path, root: Path, gains: dict[int, float]) -> RecordedSong:
    """One song by its metadata, else by the names of its files."""
    name = folder.name
    metadata, notes = _metadata(name, folder, root)
    mix = folder / str(metadata.get("mix_filename") or f"{name}_MIX.wav")
    stems = folder / str(metadata.get("stem_dir") or f"{name}_STEMS")
    raws = folder / str(metadata.get("raw_dir") or f"{name}_RAW")
    if metadata:
        wet, dry = _named_tracks(metadata, stems, raws)
    else:
        wet, dry = _found_tracks(stems), _found_tracks(raws)
    missing = [track.path for track in (*wet, *dry) if not track.path.exists()]
    if not mix.exists():
        missing.append(mix)
    wet = tuple(_with_gain(track, gains) for track in wet if track.path.exists())
    dry = tuple(track for track in dry if track.path.exists())
    unnamed = _not_in_metadata(stems, wet) + _not_in_metadata(raws, dry)
    if unnamed:
        notes.append(f"{len(unnamed)} audio files are not in the metadata and are left out ({unnamed[0]} ...)")
    paired = bool(wet) and [track.group for track in wet] == [track.group for track in dry]
    return RecordedSong(
        dataset=NAME,
        name=as_one_line(name),
        dry=dry,
        wet=wet,
        mix=mix if mix.exists() else None,
        paired=paired and all(track.group for track in wet),
        artist=str(metadata.get("artist") or name.split("_")[0]),
        genre=str(metadata.get("genre") or ""),
        missing=tuple(missing),
        notes=tuple(as_one_line(f"{name}: {note}") for note in notes),
        flags=("bleed",) if _is_yes(metadata.get("has_bleed")) else (),
    )


def _metadata(name: str, folder: Path, root: Path) -> tuple[dict[str, Any], list[str]]:
    """What the song's YAML says, and what was wrong with it; empty where there is none that can be used."""
    file_name = f"{name}_METADATA.yaml"
    places = [folder, *(base / place for base in (root, root.parent) for place in METADATA_FOLDERS)]
    path = next((place / file_name for place in places if (place / file_name).is_file()), None)
    if path is None:
        return {}, [f"no {file_name}: its tracks have no labels, and their names say what is raw and what a stem"]
    try:
        metadata = read_yaml(path)
        stems = metadata["stems"] if isinstance(metadata, dict) else None
        if not isinstance(stems, dict) or not all(isinstance(stem, dict) for stem in stems.values()):
            raise ValueError("it has no stems")
    except (OSError, ValueError, KeyError, RecursionError) as error:
        reason = " ".join(str(error).split()) or "damaged"
        return {}, [f"{file_name} cannot be used ({reason}): its tracks have no labels"]
    return metadata, []


def read_yaml(path: Path) -> Any:
    """Read a YAML file, safely. Raises OSError, ValueError for a damaged one, and UserError without PyYAML."""
    try:
        import yaml
    except ImportError:
        raise UserError("MedleyDB's metadata are YAML: install PyYAML (pip install 'megami[data]')") from None
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return yaml.load(path.read_text(encoding="utf-8"), Loader=loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise ValueError("not valid YAML" + (f", line {mark.line + 1}" if mark else "")) from None


def _named_tracks(
    metadata: dict[str, Any], stems: Path, raws: Path
) -> tuple[tuple[TrackFile, ...], tuple[TrackFile, ...]]:
    """Stems and raw tracks as the metadata name them."""
    wet, dry = [], []
    for key in sorted(metadata["stems"], key=str):
        stem = metadata["stems"][key]
        file_name = str(stem.get("filename") or "")
        if file_name:
            path = stems / file_name
            wet.append(TrackFile(path, path.stem, _label(stem), str(key)))
        raw = stem.get("raw")
        for number in sorted(raw, key=str) if isinstance(raw, dict) else ():
            track = raw[number] if isinstance(raw[number], dict) else {}
            if file_name := str(track.get("filename") or ""):
                path = raws / file_name
                dry.append(TrackFile(path, path.stem, _label(track) or _label(stem), str(key)))
    return tuple(wet), tuple(dry)


def _label(said: dict[str, Any]) -> str:
    """The instrument of a stem or raw track; of several, all."""
    instrument = said.get("instrument") or ""
    return ", ".join(map(str, instrument)) if isinstance(instrument, list) else str(instrument)


def _found_tracks(folder: Path) -> tuple[TrackFile, ...]:
    """Tracks by the names of the files: STEM_01 and RAW_01_02 belong to stem S01."""
    tracks = []
    for path in visible_entries(folder) if folder.is_dir() else ():
        if is_audio_file(path):
            numbers = NUMBERS.search(path.stem)
            tracks.append(TrackFile(path, path.stem, "", f"S{numbers[1]}" if numbers else ""))
    return tuple(tracks)


def _not_in_metadata(folder: Path, tracks: tuple[TrackFile, ...]) -> list[str]:
    known = {track.path.name for track in tracks}
    if not folder.is_dir():
        return []
    return [path.name for path in visible_entries(folder) if is_audio_file(path) and path.name not in known]


def _coefficients(root: Path) -> dict[str, dict[int, float]]:
    """The published mixing coefficients by song and stem: linear factors; the second version's where both are there."""
    gains: dict[str, dict[int, float]] = {}
    for file_name in COEFFICIENT_FILES:
        places = (root, root / "Metadata", root / "medleydb" / "resources", root / "resources", root.parent)
        path = next((place / file_name for place in places if (place / file_name).is_file()), None)
        try:
            content = read_yaml(path) if path else {}
        except (OSError, ValueError):
            continue
        for song, said in (content if isinstance(content, dict) else {}).items():
            gains.setdefault(str(song), {}).update(_factors(said))
    return gains


def _factors(said: Any) -> dict[int, float]:
    """Factors by stem. First version: {1: 0.9, ...}; second: {audio: {...}, stft: {...}}, perhaps with manual ones.

    Of the second, manual ones count where they are there, else the mean of both estimates, as in the published code.
    """
    if not isinstance(said, dict):
        return {}
    names = ("manual",) if isinstance(said.get("manual"), dict) else ("audio", "stft")
    tables = [table for name in names if isinstance(table := said.get(name), dict)] or [said]
    factors = {}
    for stem in tables[0]:
        known = [float(x) for table in tables if isinstance(x := table.get(stem), (int, float)) and math.isfinite(x)]
        if known and str(stem).isdigit():
            factors[int(stem)] = sum(known) / len(known)
    return factors


def _with_gain(track: TrackFile, gains: dict[int, float]) -> TrackFile:
    digits = re.sub(r"\D", "", track.group)
    return replace(track, gain=gains[int(digits)]) if digits and int(digits) in gains else track


def _is_yes(said: Any) -> bool:
    """MedleyDB writes 'yes' and 'no', which YAML may take for true and false."""
    return said is True or str(said).lower() == "yes"
