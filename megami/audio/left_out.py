"""Lines about what lies in a song's folder and is not mixed, so that no track is missed by accident."""

from __future__ import annotations

from pathlib import Path

from megami.audio.kinds import is_read, why_not_read

MOST_NAMES = 3  # of files in one line


def lines_of_what_is_left_out(folder: Path, below: dict[Path, list[Path]]) -> list[str]:
    """A line for each file of a folder that may be meant as audio and is not read, and each sub-folder with audio.

    below: sub-folders with the audio files in them.
    """
    lines = []
    for entry in sorted(folder.iterdir()):
        if entry.name.startswith("."):
            if entry.name.lower().endswith(".icloud"):
                lines.append(f"{entry.stem[1:]} was left out: it is still in the cloud: download it first")
        elif entry.is_file() and not is_read(entry) and (why := why_not_read(entry)):
            lines.append(f"{entry.name} was left out: {why}")
    return lines + [folder_line(sub.name, audio) for sub, audio in below.items()]


def folder_line(name: str, audio: list[Path]) -> str:
    """What to say of a sub-folder whose audio files are not read."""
    names = [path.name for path in audio[:MOST_NAMES]]
    listed = ", ".join(f"{name}/{file}" for file in names) + (", ..." if len(audio) > MOST_NAMES else "")
    files = "audio file" if len(audio) == 1 else "audio files"
    return f"{name}/ was left out, with {len(audio)} {files} in it ({listed})"


def finished_line(name: str, kind: str) -> str:
    """What to say of a file that is no track, by its name."""
    return f"{name} was left out: by its name it is {kind}; take it in with --use-all (in Python: use_all=True)"
