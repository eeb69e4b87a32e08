"""What comes onto a mixing desk, and what leaves it: songs from folders, takes as files."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import megami
from megami.audio import Multitrack, find_song, loudest_segment, read_multitrack
from megami.errors import UserError
from megami.mixing.export import UNITS, session_of, strips_of
from megami.mixing.mix import Mix
from megami.notebook.desk_state import DeskState, DeskTake
from megami.progress import Progress
from megami.session import write_session
from megami.session.new_files import appearing_beside
from megami.studio.sample_songs import SAMPLE_ORIGINS

SESSION_FORMATS = ("dawproject", "rpp")


def read_song(place: str, seconds: float | None = None) -> Multitrack:
    """Read the stems in a folder, or of a sample song by its name; only the loudest `seconds`, where they are given.

    Raises UserError where there is no song.
    """
    if not place.strip():
        raise UserError("no song given: choose a sample song, or write the path of a folder of stems")
    path = Path(place).expanduser()
    if not path.exists() and place in SAMPLE_ORIGINS:
        path = sample_folder(place)
    song = read_multitrack(find_song(path))
    if seconds is None or song.seconds <= seconds:
        return song
    length = round(seconds * song.sample_rate)
    start = loudest_segment(song.mono().sum(0)[0], length)
    return replace(song, audio=song.audio[..., start : start + length].clone())


def sample_folder(name: str) -> Path:
    """Where the stems of a sample song are, in a clone of the repository."""
    return Path(megami.__file__).resolve().parents[1] / "data_samples" / name


def sample_names() -> list[str]:
    """The sample songs that are there: all in a clone of the repository, none in an installed package."""
    return [name for name in SAMPLE_ORIGINS if sample_folder(name).is_dir()]


def export_take(mix: Mix, take: DeskTake, state: DeskState, target: Path, form: str, progress: Progress) -> None:
    """Write a take's mix, trimmed as it is, into a new folder: mix.wav, stems/, settings.json and session.FORM.

    Raises UserError for an unknown form, where `target` is there already, and where it cannot be written.
    """
    if form not in SESSION_FORMATS:
        raise UserError(f"unknown session {form!r}: choose {' or '.join(SESSION_FORMATS)}")
    song = Path(state.song).name
    with appearing_beside(target) as partial:
        inside = partial / target.name
        mix.save(inside / "mix.wav")
        mix.save_tracks(inside / "stems")
        strips = strips_of(mix, progress)
        words = {
            "megami": megami.__version__,
            "song": song,
            "take": take.name,
            "made": take.made,
            "weights": state.weights,
            "seed": take.seed,
            "wishes": take.wishes,
            "trims": {track: asdict(trim) for track, trim in take.trims.items()},
            "stems_turned_down_db": round(mix.turned_down_db, 2),
            "units": UNITS,
            "tracks": [strip.settings.as_dict() for strip in strips],
        }
        (inside / "settings.json").write_text(json.dumps(words, indent=1) + "\n", encoding="utf-8")
        progress("writing", 0, 1)
        write_session(session_of([mix], f"{song}, {take.name}", known=[strips]), inside / f"session.{form}")
