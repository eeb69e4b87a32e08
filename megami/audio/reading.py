"""Reading a whole song: a folder, a list of files, or named arrays."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad

from megami.audio.arrays import as_float_audio, hint_to_transpose
from megami.audio.broadcast import start_offsets
from megami.audio.files import read_audio_file
from megami.audio.large import kept_large, large_zeros
from megami.audio.multitrack import Multitrack, check_finite, check_names
from megami.audio.rate import SAMPLE_RATE
from megami.audio.resampling import resample
from megami.audio.song_files import SongFiles, find_song, given_files
from megami.audio.sum_of_others import mixes_of_others
from megami.errors import UserError, warn_of_song

Track = str | Path | Tensor | np.ndarray


@dataclass(frozen=True)
class _Read:
    """A track as it was read: [1 or 2, samples], what it is called in messages, when it begins.

    sample_rate in Hz; None for arrays, which are at the song's rate.
    """

    audio: Tensor
    what: str
    oddities: tuple[str, ...] = ()
    start_seconds: Fraction | None = None
    sample_rate: int | None = None

    def at_rate(self, sample_rate: int, among: int) -> _Read:
        """The same track, converted, and kept as `kept` does."""
        if self.sample_rate in (None, sample_rate):
            return self
        audio = resample(self.audio, self.sample_rate, sample_rate)
        return replace(self, audio=audio, sample_rate=sample_rate).kept(among)

    def kept(self, among: int) -> _Read:
        """The same track, out of memory where `among` tracks of its size would take much."""
        audio = kept_large(self.audio, among)
        return self if audio is self.audio else replace(self, audio=audio)


def read_multitrack(
    source: str | Path | Sequence[str | Path] | Mapping[str, Track] | SongFiles,
    sample_rate: int | None = None,
    use_all: bool = False,
) -> Multitrack:
    """Read tracks from a folder, a list of files, or a dict of names to files or arrays, sorted by name.

    Files may have any rate, bit depth and length: each is resampled to `sample_rate` (None: that of most files; 44.1
    kHz, or else the highest, where several are as many), moved to the start time that it states (broadcast WAV), and
    padded with silence to the end of the last. Of a folder, files that are mixes of the others, masters or click tracks
    are left out, unless `use_all`; left and right files are joined. Arrays are [samples] or [channels, samples],
    already at that rate (44.1 kHz where there are no files), floats of full scale ±1 or whole numbers as in WAV files.
    The result is mono when every track is, else stereo with mono tracks doubled. What is odd but can be read is warned
    of (SongWarning), and kept as `warnings` of the song. Raises UserError, naming the culprit, for anything unreadable.
    """
    if isinstance(source, Mapping):
        files, tracks = None, _read_named(source)
    else:
        files = _files(source, use_all)
        count = len(files.tracks)
        tracks = {name: _read_files(files.tracks[name]).kept(count) for name in sorted(files.tracks)}
    sample_rate = sample_rate or _rate_of_most(tracks.values())
    tracks = {name: track.at_rate(sample_rate, len(tracks)) for name, track in tracks.items()}
    tracks, moved = _moved_to_start(tracks, sample_rate)
    oddities = [line for track in tracks.values() for line in track.oddities]
    names, audio = list(tracks), _stack([track.audio for track in tracks.values()])
    if files is not None:
        mixes, lines = _mixes(audio, sample_rate, [track.what for track in tracks.values()], files.leave_out_mixes)
        oddities = [*files.oddities, *oddities]
        moved += lines
        if mixes:
            kept = [index for index in range(len(names)) if index not in mixes]
            names = [names[index] for index in kept]
            audio = _stack([tracks[name].audio for name in names])  # anew: the mix may be longer, or alone be stereo
    song = Multitrack(tuple(names), audio, sample_rate, (*oddities, *moved))
    warn_of_song(song.warnings)  # at the end, so that a song that cannot be read ends in one line
    return song


def _files(source: object, use_all: bool) -> SongFiles:
    """Which files to read as which tracks."""
    if isinstance(source, SongFiles):
        return source
    if isinstance(source, (str, Path)):
        return find_song(source, use_all)
    if isinstance(source, Sequence):
        return given_files(source)
    raise UserError(f"cannot read tracks from {type(source).__name__}: give a folder, a list of files or a dict")


def _rate_of_most(tracks: Iterable[_Read]) -> int:
    """The sample rate that most files have; of several that are as many, the networks' own or else the highest."""
    counts = Counter(track.sample_rate for track in tracks if track.sample_rate is not None)
    return max(counts, key=lambda rate: (counts[rate], rate == SAMPLE_RATE, rate), default=SAMPLE_RATE)


def _read_named(named: Mapping[str, Track]) -> dict[str, _Read]:
    """The tracks of a dict, sorted."""
    if not named:
        raise UserError("no tracks given: name at least one audio file")
    check_names(list(named))
    tracks = {}
    for name, track in sorted(named.items()):
        if isinstance(track, (str, Path)):
            tracks[name] = _read_files((track,)).kept(len(named))
        else:
            tracks[name] = _read_array(track, f"track {name!r}")
    return tracks


def _read_files(paths: tuple[str | Path, ...]) -> _Read:
    """A track from its file, or from the left and the right one."""
    parts = [read_audio_file(path) for path in paths]
    audio = parts[0].audio if len(parts) == 1 else torch.cat([part.audio for part in parts])
    _check_channels(audio, str(paths[0]))
    oddities = tuple(line for part in parts for line in part.oddities)
    name = " and ".join(Path(path).name for path in paths)
    return _Read(audio, name, oddities, parts[0].start_seconds, parts[0].sample_rate)


def _read_array(track: object, what: str) -> _Read:
    """A track from an array."""
    audio = torch.atleast_2d(as_float_audio(track, what).detach().cpu())
    check_finite(audio, what)
    _check_channels(audio, what)
    return _Read(audio, what)


def _check_channels(audio: Tensor, what: str) -> None:
    if audio.ndim != 2 or audio.shape[-1] == 0:
        raise UserError(f"{what}: must be [channels, samples] with at least one sample, not {list(audio.shape)}")
    if audio.shape[0] > 2:
        hint = hint_to_transpose(tuple(audio.shape)) or "; only mono and stereo tracks can be mixed"
        raise UserError(f"{what}: has {audio.shape[0]} channels{hint}")


def _moved_to_start(tracks: dict[str, _Read], sample_rate: int) -> tuple[dict[str, _Read], list[str]]:
    """The tracks with silence before those that state a later start, and lines about these."""
    starts = {name: track.start_seconds for name, track in tracks.items()}
    seconds = {name: track.audio.shape[-1] / sample_rate for name, track in tracks.items()}
    offsets, lines = start_offsets(starts, seconds)
    moved = {
        name: replace(tracks[name], audio=pad(tracks[name].audio, (round(offset * sample_rate), 0)))
        for name, offset in offsets.items()
        if offset
    }
    return tracks | moved, [f"{tracks[name].what} {words}" for name, words in lines]


def _mixes(audio: Tensor, sample_rate: int, called: list[str], leave_out: bool) -> tuple[list[int], list[str]]:
    """The tracks to leave out since they are mixes of the others, and a line for each that is one."""
    mixes = mixes_of_others(audio, sample_rate)
    if len(mixes) == len(called):
        return [], []
    if not leave_out:
        return [], [f"{called[index]} is a mix of the others, by its sound, and is mixed with them" for index in mixes]
    why = "was left out: by its sound it is a mix of the others; take it in with --use-all (in Python: use_all=True)"
    return mixes, [f"{called[index]} {why}" for index in mixes]


def _stack(tracks: list[Tensor]) -> Tensor:
    """Join to [tracks, channels, samples]: silence after the shorter ones, mono doubled beside stereo."""
    channels = max(track.shape[0] for track in tracks)
    out = large_zeros(len(tracks), channels, max(track.shape[1] for track in tracks))
    for place, track in zip(out, tracks, strict=True):
        place[:, : track.shape[1]] = track
    return out
