"""Where in a folder the tracks of a song lie: directly in it, or in the sub-folders that datasets and people make."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from megami.audio.finished_mixes import finished_kind
from megami.audio.kinds import AUDIO_SUFFIXES, is_read, suffix_of, track_name
from megami.audio.left_out import finished_line, folder_line, lines_of_what_is_left_out
from megami.audio.track_names import role_of_name
from megami.errors import UserError

MIXES_FILE = "mixes.json"
"""Lies in the folders that `megami mix` writes, which hold no tracks to mix; a test holds it to the name used there."""

TRACK_FOLDERS = ("dry", "stems", "stem", "multitracks", "multitrack", "tracks", "raw", "audio", "audio files")
"""What the names of folders that hold tracks end in (MedleyDB: X_STEMS, X_RAW), the likeliest first."""
MIX_FOLDERS = (
    "wet",
    "mix",
    "mixes",
    "mixdown",
    "mixdowns",
    "bounces",
    "bounced files",
    "master",
    "masters",
    "reference",
)
DEEPEST = 4  # folders within folders that are looked through


@dataclass(frozen=True)
class Layout:
    """The tracks of a song, name and file of each, and lines about what was left out or lies elsewhere."""

    tracks: list[tuple[str, Path]]
    oddities: list[str] = field(default_factory=list)


def layout_of(folder: Path, use_all: bool = False) -> Layout:
    """Find the tracks: the audio files in `folder`, else those in the one sub-folder that holds them.

    Known are MedleyDB's layout (a mix beside X_STEMS and X_RAW), MUSDB's (a mixture among the tracks), MoisesDB's (a
    folder for each instrument), a mixture beside dry and wet folders, and folders in folders as archives unpack. Raises
    UserError where there is no audio, or no telling which sub-folder it is.
    """
    entries = visible_entries(folder)
    audio = [entry for entry in entries if is_audio_file(entry)]
    finished = {path: kind for path in audio if (kind := finished_kind(track_name(path)))}
    below = {} if (folder / MIXES_FILE).is_file() else audio_below(entries)
    if len(finished) < len(audio) or (audio and not below):
        # Where every file is called a mix, the word tells none from the others.
        if use_all or len(finished) == len(audio):
            finished = {}
        kept = [(track_name(path), path) for path in audio if path not in finished]
        lines = [finished_line(path.name, kind) for path, kind in finished.items()]
        return Layout(kept, lines + lines_of_what_is_left_out(folder, below))
    if not below:
        raise UserError(_no_audio(folder, entries))
    inner = _one_track_folder(folder, below, use_all) or _folder_for_each_instrument(folder, below)
    if inner is None:
        names = ", ".join(f"{sub.name}/" for sub in below)
        raise UserError(f"{folder}: the audio files lie in sub-folders: give the one that holds the song ({names})")
    lines = [finished_line(path.name, kind) for path, kind in finished.items()]
    return Layout(inner.tracks, inner.oddities + lines + lines_of_what_is_left_out(folder, {}))


def visible_entries(folder: Path) -> list[Path]:
    """Everything directly in `folder` that is not hidden, sorted. Raises UserError where it cannot be listed."""
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder")
    try:
        return sorted(entry for entry in folder.iterdir() if not is_hidden(entry))
    except OSError as error:
        raise UserError(f"{folder}: cannot be read ({error.strerror})") from None


def is_hidden(entry: Path) -> bool:
    """Whether a system or a program keeps this file or folder for itself."""
    return entry.name.startswith(".") or entry.name in ("__MACOSX", "$RECYCLE.BIN", "System Volume Information")


def is_audio_file(entry: Path) -> bool:
    """Whether it is audio that is read, and no folder; a broken link counts, for reading it will say so."""
    if entry.is_dir():
        return False
    return is_read(entry) if entry.is_file() else not entry.exists() and suffix_of(entry) in AUDIO_SUFFIXES


def audio_below(entries: list[Path], depth: int = DEEPEST) -> dict[Path, list[Path]]:
    """The folders among `entries` that hold audio, with all of it; not those with mixes that were made here."""
    found = {}
    for sub in entries:
        if depth and sub.is_dir() and not (sub / MIXES_FILE).is_file():
            try:
                inside = visible_entries(sub)
            except UserError:
                continue
            audio = [entry for entry in inside if is_audio_file(entry)]
            audio += [path for paths in audio_below(inside, depth - 1).values() for path in paths]
            if audio:
                found[sub] = audio
    return found


def _one_track_folder(folder: Path, below: dict[Path, list[Path]], use_all: bool) -> Layout | None:
    """The tracks of the one sub-folder that holds them, by its name, or because there is no other."""
    candidates = [sub for sub in below if not any(_ends_in(sub, word) for word in MIX_FOLDERS)]
    for word in TRACK_FOLDERS:
        named = [sub for sub in candidates if _ends_in(sub, word)]
        if len(named) == 1:
            candidates = named
        if named:
            break
    if len(candidates) != 1:
        return None
    chosen = candidates[0]
    inner = layout_of(chosen, use_all)
    others = [folder_line(sub.name, audio) for sub, audio in below.items() if sub != chosen]
    return Layout(inner.tracks, [f"the tracks of {folder.name} are read from {chosen.name}/", *inner.oddities, *others])


def _folder_for_each_instrument(folder: Path, below: dict[Path, list[Path]]) -> Layout | None:
    """The tracks of sub-folders that are named after instruments (MoisesDB); None where most are not."""
    if len(below) < 2 or 2 * sum(role_of_name(sub.name) is not None for sub in below) < len(below):
        return None
    tracks = [
        (sub.name if len(audio) == 1 else f"{sub.name} {track_name(path)}", path)
        for sub, audio in below.items()
        for path in audio
    ]
    names = ", ".join(f"{sub.name}/" for sub in below)
    return Layout(tracks, [f"the tracks of {folder.name} are read from its folders {names}"])


def _ends_in(folder: Path, words: str) -> bool:
    """Whether a folder's name ends in these words: "Song_STEMS" in "stems"."""
    said = [word for word in re.split(r"[\W_]+", folder.name.lower()) if word]
    return said[-len(words.split()) :] == words.split()


def _no_audio(folder: Path, entries: list[Path]) -> str:
    """What to say of a folder without audio: what lies there instead may be what was meant."""
    if not entries:
        return f"{folder}: is an empty folder; looked for {', '.join(AUDIO_SUFFIXES)}"
    instead = lines_of_what_is_left_out(folder, {})
    words = f" ({instead[0]})" if instead else ""
    return f"{folder}: has no audio files{words}; looked for {', '.join(AUDIO_SUFFIXES)}"
