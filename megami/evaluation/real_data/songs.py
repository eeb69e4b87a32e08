"""The songs of a data set that an evaluation is about, and the segments of them: dry tracks, and the engineer's mix."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from megami.audio import SAMPLE_RATE, SILENT_DB, Multitrack, framed_level_db
from megami.corpus.recordings import RecordedSong, Recordings, read_track, split_of
from megami.errors import UserError, as_one_line
from megami.evaluation.other_systems import Say
from megami.evaluation.real_data.settings import DataSettings

FEWEST_SONGS = 2  # intervals are over songs
ACTIVE_DB = -50.0
"""A segment counts where the loudest 400 ms of the engineer's mix lie above this: the published filter."""


@dataclass(frozen=True)
class TestSong:
    """A song, its engineer's mix at 44.1 kHz [2, samples] as levels in time, and where its segments begin.

    samples: length of the mix. segments: where those begin that are mixed; others: where further ones of the same song
    begin, which say how far two parts of one engineer's mix lie apart.
    """

    __test__ = False  # of pytest's own names

    song: RecordedSong
    samples: int
    segments: tuple[int, ...]
    others: tuple[int, ...]


def songs_to_measure(recordings: Recordings, settings: DataSettings, say: Say) -> list[TestSong]:
    """Choose the songs and their segments; `say` hears of songs that are left out, and why.

    Raises UserError where fewer than two songs are left.
    """
    chosen = [
        song
        for song in recordings.songs()
        if settings.split == "all" or split_of(song, settings.seed) == settings.split
    ]
    whole: list[TestSong] = []
    for song in chosen:
        if not song.dry:
            say(f"{as_one_line(song.name)} is left out: it has no dry tracks to mix")
        elif song.mix is None and not song.wet:
            say(f"{as_one_line(song.name)} is left out: it has no mix to compare with")
        else:
            found = with_segments(song, settings)
            if len(found.segments) >= 2:
                whole.append(found)
            else:
                say(f"{as_one_line(song.name)} is left out: it has no two segments of {settings.seconds:.1f} s")
    if len(whole) < FEWEST_SONGS:
        raise UserError(
            f"{recordings.name}: {len(whole)} of {len(recordings.songs())} songs can be measured (split "
            f"{settings.split!r}), and intervals need {FEWEST_SONGS}: use a larger data set, or --split all"
        )
    return whole


def with_segments(song: RecordedSong, settings: DataSettings) -> TestSong:
    """Place segments evenly over a song, where the mix is active, without overlap where it is long enough.

    Twice as many are placed as are measured; every second one is kept for the engineer's own spread.
    """
    mix = engineers_mix(song)
    last = mix.shape[-1] - settings.samples
    if last < 0:
        return TestSong(song, mix.shape[-1], (), ())
    count = min(2 * settings.segments, mix.shape[-1] // settings.samples)
    overlapping = count < 4  # a short song: its segments share what they hold
    starts = np.linspace(0, last, max(4, count) if overlapping else count).round().astype(int).tolist()
    active = [
        start
        for start in dict.fromkeys(starts)
        if float(framed_level_db(mix[:, start : start + settings.samples], SAMPLE_RATE).max()) > ACTIVE_DB
    ]
    return TestSong(song, mix.shape[-1], tuple(active[::2]), tuple(active[1::2]))


def engineers_mix(song: RecordedSong, start: int = 0, samples: int | None = None) -> Tensor:
    """The engineer's mix [2, samples] at 44.1 kHz from sample `start` on, or the sum of its wet tracks."""
    seconds = None if samples is None else samples / SAMPLE_RATE
    if song.mix is not None:
        return stereo(read_track(song.mix, start / SAMPLE_RATE, seconds))
    tracks = [stereo(read_track(track, start / SAMPLE_RATE, seconds)) * track.gain for track in song.wet]
    return added(tracks)


def dry_segment(found: TestSong, start: int, samples: int) -> Multitrack | None:
    """The dry tracks of a segment; None where all are silent."""
    song = found.song
    tracks = [read_track(track, start / SAMPLE_RATE, samples / SAMPLE_RATE) for track in song.dry]
    if all(float(framed_level_db(track, SAMPLE_RATE).max()) < SILENT_DB for track in tracks):
        return None
    channels = max(len(track) for track in tracks)
    audio = torch.stack([track.expand(channels, -1) for track in tracks])
    return Multitrack(distinct([track.name for track in song.dry]), audio, SAMPLE_RATE)


def stereo(audio: Tensor) -> Tensor:
    """Audio of one or two channels on two."""
    return audio.expand(2, -1)


def added(tracks: Sequence[Tensor]) -> Tensor:
    """The sum of [2, samples] of different lengths."""
    whole = torch.zeros(2, max(track.shape[-1] for track in tracks))
    for track in tracks:
        whole[:, : track.shape[-1]] += track
    return whole


def distinct(names: Iterable[str]) -> tuple[str, ...]:
    """Names of tracks, no two alike and none empty."""
    found: list[str] = []
    for number, name in enumerate(names, start=1):
        plain = name.strip() or f"track {number}"
        found.append(plain if plain not in found else f"{plain} ({number})")
    return tuple(found)
