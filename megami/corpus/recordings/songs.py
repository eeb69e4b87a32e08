"""What a data set knows of its songs before any audio is read: one form for all data sets, the studio included."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True)
class TrackFile:
    """One audio file of a song.

    instrument: the data set's own label, "" if it has none. group: what the data set files it under (MedleyDB's stem
    "S01", MoisesDB's "vocals"), "" if it has no groups. gain: the factor by which the track goes into the mix, where
    the data set publishes one (MedleyDB's mixing coefficients); `read_track` does not apply it.
    """

    path: Path
    name: str
    instrument: str
    group: str = ""
    gain: float = 1.0


@dataclass(frozen=True)
class RecordedSong:
    """What a data set knows of a song.

    dry: raw or dry tracks, wet: processed stems, each empty where there are none. mix: the engineer's stereo mix.
    paired: whether dry[i] and wet[i] are the same source. missing: files that the metadata names and that are not
    there; they are not among the tracks. notes: lines about what was odd when the folder was read. flags: what the
    metadata warns of ("bleed"). published_split: where the song stands in a published list ("train", "validation",
    "test"), "" in none.
    """

    dataset: str
    name: str
    dry: tuple[TrackFile, ...]
    wet: tuple[TrackFile, ...]
    mix: Path | None
    paired: bool
    artist: str = ""
    genre: str = ""
    missing: tuple[Path, ...] = ()
    notes: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    published_split: str = ""

    @property
    def files(self) -> tuple[Path, ...]:
        """All audio files of the song: dry, wet, mix."""
        mix = () if self.mix is None else (self.mix,)
        return (*(track.path for track in (*self.dry, *self.wet)), *mix)


class Recordings(Protocol):
    """One interface for every data set, the studio included."""

    @property
    def name(self) -> str:
        """What the data set is called."""
        ...

    def songs(self) -> tuple[RecordedSong, ...]:
        """All songs, sorted by name; no audio is read."""
        ...


@dataclass(frozen=True)
class ListedRecordings:
    """Recordings whose songs have been listed."""

    name: str
    listed: tuple[RecordedSong, ...]

    def songs(self) -> tuple[RecordedSong, ...]:
        """All songs, sorted by name; no audio is read."""
        return self.listed


def single_source_pairs(song: RecordedSong) -> tuple[tuple[TrackFile, TrackFile], ...]:
    """Pairs (dry, wet) of one source each, also where other tracks of the song have no partner.

    A paired song gives all its tracks. Else the stems that one raw track alone was made into (MedleyDB: a stem with one
    raw file); a stem of several raw tracks has no dry track of its own.
    """
    if song.paired:
        return tuple(zip(song.dry, song.wet, strict=True))
    by_group: dict[str, list[TrackFile]] = {}
    for track in song.dry:
        by_group.setdefault(track.group, []).append(track)
    return tuple(
        (by_group[stem.group][0], stem) for stem in song.wet if stem.group and len(by_group.get(stem.group, ())) == 1
    )


def unique_names(names: Sequence[str]) -> list[str]:
    """The names with a number after each that is there more than once: ["a", "a", "b"] -> ["a 1", "a 2", "b"]."""
    taken = set(names)
    counts: dict[str, int] = {}
    out = []
    for name in names:
        if list(names).count(name) == 1:
            out.append(name)
            continue
        counts[name] = counts.get(name, 0) + 1
        while (numbered := f"{name} {counts[name]}") in taken:
            counts[name] += 1
        taken.add(numbered)
        out.append(numbered)
    return out
