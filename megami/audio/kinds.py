"""What a file is, by its name and its first bytes: audio that is read, other audio, an archive, half a download."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

# fmt: off
AUDIO_SUFFIXES = (
    ".wav", ".wave", ".bwf", ".rf64", ".w64", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".aifc",
    ".caf", ".au", ".snd",
)
"""Read as the package stands, by libsndfile."""
PYAV_SUFFIXES = (".m4a", ".aac", ".alac", ".wma", ".wv", ".ape", ".tta", ".ac3", ".mka")
"""Read where PyAV is installed: the extra `formats`."""
UNREAD_SUFFIXES = (
    ".mp4", ".m4v", ".mov", ".mkv", ".webm", ".mp2", ".sd2", ".rx2", ".rex", ".ra", ".amr", ".dts", ".dsf", ".dff",
    ".m4p",
)
"""Audio, or films, that are not read."""
ARCHIVES = (".zip", ".rar", ".7z", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".zst")
UNFINISHED = (
    ".crdownload", ".part", ".partial", ".download", ".opdownload", ".filepart", ".tmp", ".icloud", ".cloud", ".cloudf",
)
"""What browsers and clouds append while, or instead of, putting a file there."""
# fmt: on
PYAV_HINT = "install PyAV (pip install 'megami[formats]') or convert it to WAV"

MAGIC = {b"fLaC": 0, b"OggS": 0, b"caff": 0, b".snd": 0, b"ID3": 0, b"riff": 0, b"WAVE": 8, b"AIFF": 8, b"AIFC": 8}
"""The first bytes of audio files, and where they stand."""


def suffix_of(path: Path) -> str:
    """The ending of a file's name in small letters, without blanks after it."""
    return path.suffix.strip().lower()


def is_read(path: Path) -> bool:
    """Whether a file is read as audio: by its name, or by its first bytes where its name has no ending."""
    suffix = suffix_of(path)
    if suffix in AUDIO_SUFFIXES or (suffix in PYAV_SUFFIXES and has_pyav()):
        return True
    return not _is_ending(suffix) and looks_like_audio(path)


def has_pyav() -> bool:
    """Whether PyAV is installed."""
    return find_spec("av") is not None


def why_not_read(path: Path) -> str | None:
    """Why a file that may be meant as audio is not read, and what helps; None for what has nothing to do with audio."""
    suffix = suffix_of(path)
    if suffix in PYAV_SUFFIXES:
        return f"reading {suffix[1:].upper()} takes another package: {PYAV_HINT}"
    if suffix in UNREAD_SUFFIXES:
        return f"{suffix[1:].upper()} files are not read: convert it to WAV"
    if suffix in ARCHIVES:
        return "it is an archive: unpack it if it holds tracks"
    if suffix in UNFINISHED and suffix_of(Path(path.stem)) in (*AUDIO_SUFFIXES, *PYAV_SUFFIXES):
        return "it is not all here: let the download finish"
    if looks_like_audio(path):
        return f"it looks like audio, but {suffix} is no known ending: rename it"
    return None


def looks_like_audio(path: Path) -> bool:
    """Whether a file begins as audio files do."""
    try:
        with path.open("rb") as file:
            head = file.read(16)
    except OSError:
        return False
    layer_3 = len(head) > 1 and head[0] == 0xFF and head[1] & 0xE6 == 0xE2 and head[1] & 0x18 != 0x08
    return layer_3 or any(head[at:].startswith(words) for words, at in MAGIC.items())


def track_name(path: Path) -> str:
    """What the track in a file is called: the file's name without its ending."""
    return path.stem if _is_ending(suffix_of(path)) else path.name


def _is_ending(suffix: str) -> bool:
    """Whether this is what a kind of file ends in, and no part of a name: "take 1.2", "feat. Ann"."""
    return 3 <= len(suffix) <= 11 and suffix[1:].isascii() and suffix[1:].isalnum() and not suffix[1:].isdigit()
