"""A session from mixes, and sessions as files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from megami.errors import UserError
from megami.session.channel import ChannelStrip
from megami.session.dawproject import write_dawproject
from megami.session.dawproject_reader import session_from_dawproject
from megami.session.new_files import appearing_beside, writer_into
from megami.session.reaper import media_folder, write_reaper
from megami.session.reaper_reader import session_from_reaper
from megami.session.session import Channel, Session, Take, TrackPair, safe_names

SUFFIXES = (".dawproject", ".rpp")


@dataclass(frozen=True, eq=False)
class MixedTrack:
    """A track of one mix: its strip, its dry clip [1 or 2, samples], the same for all mixes, and its wet one [2, n]."""

    strip: ChannelStrip
    dry: np.ndarray
    wet: np.ndarray


def take_of(name: str, tracks: Sequence[MixedTrack], muted: bool = False) -> Take:
    """A take: every track dry, with its devices, and wet, muted. Silent tracks are there dry and muted."""
    files = safe_names(tuple(track.strip.settings.name for track in tracks))
    pairs = []
    for track, file in zip(tracks, files, strict=True):
        settings = track.strip.settings
        silent = settings.source == "silent"
        dry = Channel(
            settings.name,
            f"dry/{file}.wav",
            track.dry,
            track.strip.volume,
            settings.pan,
            muted=silent,
            devices=track.strip.devices,
        )
        wet = Channel(f"{settings.name} (wet)", f"wet/{safe_names((name,))[0][3:]}/{file}.wav", track.wet, muted=True)
        pairs.append(TrackPair(dry, wet))
    return Take(name, tuple(pairs), muted)


def check_suffix(path: Path) -> None:
    """Raise UserError for a file name that is none of a session."""
    if path.suffix.lower() not in SUFFIXES:
        raise UserError(f"{path}: a session ends in {' or '.join(SUFFIXES)}")


def write_session(session: Session, path: str | Path) -> Path:
    """Write a session as DAWproject (everything in one file) or REAPER project (with a folder "NAME media" beside it).

    Whole or not at all. Raises UserError for another suffix, where a file or that folder is there already, and where
    the place cannot be written.
    """
    path = Path(path)
    check_suffix(path)
    is_reaper = path.suffix.lower() == ".rpp"
    with appearing_beside(path, (media_folder(path.stem),) if is_reaper else ()) as partial:
        if is_reaper:
            write_reaper(session, path.stem, writer_into(partial))
            (partial / f"{path.stem}.rpp").rename(partial / path.name)
        else:
            with (partial / path.name).open("wb") as file:
                write_dawproject(session, file)
    return path


def read_session(path: str | Path) -> Session:
    """Read back a session that `write_session` wrote, with its audio.

    Raises UserError, naming the file, for what is no such session, and for audio that is missing or damaged.
    """
    path = Path(path)
    check_suffix(path)

    def load(name: str) -> bytes:
        place = path.parent / name
        if ".." in Path(name).parts or Path(name).is_absolute() or not place.is_file():
            raise UserError(f"{path} refers to {name}, which is not beside it")
        return place.read_bytes()

    try:
        data = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror})") from None
    if path.suffix.lower() == ".rpp":
        return session_from_reaper(data.decode("utf-8", "replace"), path.stem, load)
    return session_from_dawproject(data, str(path))
