"""Reading a whole song: a folder, a list of files, or named arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from megami.audio.files import AUDIO_SUFFIXES, read_audio
from megami.audio.multitrack import Multitrack, check_finite, check_names
from megami.audio.rate import SAMPLE_RATE
from megami.audio.resampling import resample
from megami.errors import UserError, warn_of_song

UNNAMED = "unnamed"
Track = str | Path | Tensor | np.ndarray


def read_multitrack(
    source: str | Path | Sequence[str | Path] | Mapping[str, Track], sample_rate: int = SAMPLE_RATE
) -> Multitrack:
    """Read tracks from a folder, a list of files, or a dict of names to files or arrays, sorted by name.

    Files may have any rate, bit depth and length: each is resampled to `sample_rate` and padded with silence at its end
    to the longest. Arrays are [samples] or [channels, samples] and already at `sample_rate`. The result is mono when
    every track is, else stereo with mono tracks doubled. What is odd but can be read is warned of (SongWarning), and
    kept as `warnings` of the song. Raises UserError, naming the culprit, for anything unreadable.
    """
    oddities: list[str] = []
    sources = _named_sources(source, oddities)
    names = sorted(sources)
    tracks = [_load(name, sources[name], sample_rate) for name in names]
    song = Multitrack(tuple(names), _stack(tracks), sample_rate, tuple(oddities))
    warn_of_song(song.warnings)  # at the end, so that a song that cannot be read ends in one line
    return song


def audio_files(folder: str | Path) -> list[Path]:
    """The audio files directly in `folder`, sorted by name; hidden and other files are left out.

    Raises UserError where there is no such folder or no audio file in it.
    """
    folder = Path(folder)
    entries = _visible_entries(folder)
    found = [entry for entry in entries if _is_audio_file(entry)]
    if not found:
        state = "has no audio files" if entries else "is an empty folder"
        raise UserError(f"{folder}: {state}; looked for {', '.join(AUDIO_SUFFIXES)} directly in it")
    return found


def has_audio_files(folder: str | Path) -> bool:
    """Whether `audio_files` would find any in `folder`. Raises UserError where there is no such folder."""
    return any(_is_audio_file(entry) for entry in _visible_entries(Path(folder)))


def _visible_entries(folder: Path) -> list[Path]:
    """Everything directly in `folder` that is not hidden, sorted."""
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder")
    try:
        return sorted(entry for entry in folder.iterdir() if not entry.name.startswith("."))
    except OSError as error:
        raise UserError(f"{folder}: cannot be read ({error.strerror})") from None


def _is_audio_file(entry: Path) -> bool:
    """Whether it is named as audio and no folder; a broken link counts, for reading it will say so."""
    return entry.suffix.lower() in AUDIO_SUFFIXES and (entry.is_file() or not entry.exists())


def _named_sources(source: object, oddities: list[str]) -> dict[str, Track]:
    """What to read under which name."""
    if isinstance(source, Mapping):
        named = list(source.items())
    elif isinstance(source, (str, Path)):
        files = [Path(source)] if Path(source).is_file() else audio_files(source)
        named = [(_track_name(file, oddities), file) for file in files]
    elif isinstance(source, Sequence):
        named = [(_track_name(Path(file), oddities), Path(file)) for file in source]
    else:
        raise UserError(f"cannot read tracks from {type(source).__name__}: give a folder, a list of files or a dict")
    if not named:
        raise UserError("no tracks given: name at least one audio file")
    check_names([name for name, _ in named])
    return dict(named)


def _track_name(file: Path, oddities: list[str]) -> str:
    """What the track in a file is called: as the file, without suffix."""
    if file.stem.strip():
        return file.stem
    oddities.append(f"{file.name!r} has a name of blanks only: its track is called {UNNAMED!r}")
    return UNNAMED


def _load(name: str, track: Track, sample_rate: int) -> Tensor:
    """One track as finite float32 [1 or 2, samples] at `sample_rate`."""
    if isinstance(track, (str, Path)):
        audio, rate = read_audio(track)
        where = str(track)
    else:
        audio, rate = torch.atleast_2d(torch.as_tensor(track).detach().cpu().to(torch.float32)), sample_rate
        where = f"track {name!r}"
        check_finite(audio, where)
    if audio.ndim != 2 or audio.shape[-1] == 0:
        raise UserError(f"{where}: must be [channels, samples] with at least one sample, not {list(audio.shape)}")
    if audio.shape[0] > 2:
        raise UserError(f"{where}: has {audio.shape[0]} channels; only mono and stereo tracks can be mixed")
    return resample(audio, rate, sample_rate)


def _stack(tracks: list[Tensor]) -> Tensor:
    """Join to [tracks, channels, samples]: silence after the shorter ones, mono doubled beside stereo."""
    channels = max(track.shape[0] for track in tracks)
    out = torch.zeros(len(tracks), channels, max(track.shape[1] for track in tracks))
    for place, track in zip(out, tracks, strict=True):
        place[:, : track.shape[1]] = track
    return out
