"""Segments of wet songs for the generator: which tracks play, grouped by class, at one level, in random order (MEGAMI).

The order of steps and all numbers are those of the published training. Chapter "Growing up".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from megami.audio import SILENT_DB, framed_power, level_db

SEGMENT_SAMPLES = 525312
"""11.9 s at 44.1 kHz."""


@dataclass(frozen=True)
class SegmentSettings:
    """How a segment of a song becomes a set of tracks; the defaults are the published numbers, but for `mono_filter`.

    samples: of a segment. most_tracks: that a set may have. sum_level_db: of the loudest 400 ms of the sum of all
    tracks. active_db: level of the whole segment that a track must be above. grouping: how likely tracks of one class
    are grouped although there are few enough. regroupings: rounds of random grouping while there are too many tracks;
    after them, two tracks at a time are joined. random_polarity: whether each track is turned upside down or not by
    chance. mono_filter: measure activity on the average of left and right, as published, which drops wide tracks.
    """

    samples: int = SEGMENT_SAMPLES
    most_tracks: int = 14
    sum_level_db: float = -8.0
    active_db: float = -50.0
    grouping: float = 0.5
    regroupings: int = 3
    random_polarity: bool = True
    mono_filter: bool = False


@dataclass(frozen=True, eq=False)
class TrackSet:
    """Tracks of one segment: audio [tracks, 2, samples], and the class number of each, [tracks]."""

    audio: Tensor
    classes: Tensor

    def __len__(self) -> int:
        return len(self.audio)

    def take(self, places: Sequence[int]) -> TrackSet:
        """The tracks at these places, in this order."""
        return TrackSet(self.audio[list(places)], self.classes[list(places)])


def prepare_segment(
    audio: Tensor, classes: Tensor, settings: SegmentSettings, rng: np.random.Generator
) -> TrackSet | None:
    """Make a set of tracks for the generator of a song's segment; None where no track is active.

    audio [tracks, 2, samples], classes [tracks]. Inactive tracks are left out; by chance, and where there are more than
    `most_tracks`, tracks of one class are summed; the set is brought to its level, tracks are turned upside down by
    chance and put in random order. Published code flips polarity before it sums and measures, so that doubled parts
    cancel: here sums come first.
    """
    found = drop_inactive(TrackSet(audio, classes), settings)
    if not len(found):
        return None
    if rng.random() < settings.grouping:
        found = group_by_class(found, rng)
    found = limit_tracks(found, settings, rng)
    gain = sum_gain(found.audio, settings.sum_level_db)
    if gain is None:
        return None
    found = found.take(rng.permutation(len(found)).tolist())
    signs = rng.choice((-1.0, 1.0), size=len(found)) if settings.random_polarity else np.ones(len(found))
    return TrackSet(found.audio * torch.from_numpy(gain * signs).to(found.audio)[:, None, None], found.classes)


def drop_inactive(tracks: TrackSet, settings: SegmentSettings) -> TrackSet:
    """Leave out tracks whose level over the whole segment, both channels together, is not above `active_db`.

    Published code measures the average of the channels, where a wide track may vanish: `mono_filter`.
    """
    heard = tracks.audio.mean(dim=1, keepdim=True) if settings.mono_filter else tracks.audio
    return tracks.take((level_db(heard) > settings.active_db).nonzero()[:, 0].tolist())


def group_by_class(tracks: TrackSet, rng: np.random.Generator) -> TrackSet:
    """Sum random subsets of the tracks of each class: a class's tracks are shuffled and cut into subsets.

    The size of each subset is uniform from one to what is left. The sum of all tracks stays what it was.
    """
    audio, classes = [], []
    for number in tracks.classes.unique(sorted=True).tolist():
        waiting = rng.permutation((tracks.classes == number).nonzero()[:, 0].numpy()).tolist()
        while waiting:
            size = int(rng.integers(1, len(waiting), endpoint=True))
            audio.append(tracks.audio[waiting[:size]].sum(dim=0))
            classes.append(number)
            waiting = waiting[size:]
    return TrackSet(torch.stack(audio), torch.tensor(classes))


def limit_tracks(tracks: TrackSet, settings: SegmentSettings, rng: np.random.Generator) -> TrackSet:
    """Group until there are no more than `most_tracks`.

    First at random, `regroupings` times at most. Published code then gives the song up (or, in MoisesDB, gives up all
    others by mistake); here two tracks at a time are joined, of the class that has most, and of different classes only
    where each class has one track.
    """
    for _ in range(settings.regroupings):
        if len(tracks) <= settings.most_tracks:
            return tracks
        tracks = group_by_class(tracks, rng)
    while len(tracks) > settings.most_tracks:
        numbers, counts = tracks.classes.unique(return_counts=True)
        largest = numbers[counts.argmax()]
        places = (tracks.classes == largest).nonzero()[:, 0] if counts.max() > 1 else torch.arange(len(tracks))
        one, other = rng.choice(places.numpy(), size=2, replace=False).tolist()
        rest = tracks.take([place for place in range(len(tracks)) if place not in (one, other)])
        joined = tracks.audio[one] + tracks.audio[other]
        classes = torch.cat([rest.classes, tracks.classes[one : one + 1]])
        tracks = TrackSet(torch.cat([rest.audio, joined[None]]), classes)
    return tracks


def sum_level_db(audio: Tensor) -> float:
    """Level in dB of the loudest 400 ms of the sum of tracks [tracks, 2, samples], mean power of both channels."""
    power = framed_power(audio.sum(dim=0)).mean(dim=0).amax()
    return float(10 * torch.log10(power.clamp_min(1e-16)))


def sum_gain(audio: Tensor, target_db: float) -> float | None:
    """The factor that brings the sum of tracks to a level; None where the sum is silent."""
    current_db = sum_level_db(audio)
    return None if current_db < SILENT_DB else 10.0 ** ((target_db - current_db) / 20.0)


def as_stereo(audio: Tensor, samples: int) -> Tensor:
    """A track [1 or 2, n] as [2, samples]: one channel is doubled, shorter audio is repeated, longer audio is cut."""
    if audio.shape[-1] < samples:
        audio = audio.repeat(1, -(-samples // audio.shape[-1]))
    return audio[:, :samples].expand(2, -1)
