"""What features are computed of, drawn by number from real recordings: sets of wet tracks, and dry clips with effects.

Item number i of a kind depends on the seed, the split and i alone, so any process can draw it, in any order. Chapter
"Growing up".
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import torch
from numpy.random import Generator
from torch import Tensor
from torch.utils.data import Dataset

from megami.audio import SAMPLE_RATE, SILENT_DB, level_db
from megami.corpus.recordings.instruments import INSTRUMENT_CLASSES, class_of_track
from megami.corpus.recordings.random_effects import ADAPTOR_PROBABILITY, PROCESSOR_PROBABILITY, PublishedChain
from megami.corpus.recordings.reading import read_track
from megami.corpus.recordings.responses import ROOMS, Responses
from megami.corpus.recordings.segments import SEGMENT_SAMPLES, SegmentSettings, as_stereo, prepare_segment
from megami.corpus.recordings.songs import RecordedSong, TrackFile, single_source_pairs
from megami.corpus.recordings.splits import SPLITS
from megami.errors import UserError

KINDS = ("mixes", "pairs", "crops")
"""Sets of wet tracks (generator), content before and after effects (adaptor), audio before and after (processor)."""

TRIES = 40
"""Draws of a song for one item; where all fail there is next to nothing to be heard in the recordings."""


@dataclass(frozen=True)
class ClipSettings:
    """How a dry clip is chosen and treated: its length, the level in dB that its mono average must be above, its chain.

    segments_per_file: tried in each file before the next one of the song is taken. recorded: how likely a clip of which
    the recorded wet track is there gets that one in place of a chain; published training has no such pairs.
    """

    samples: int
    active_db: float
    probability: float
    segments_per_file: int = 3
    recorded: float = 0.0


@dataclass(frozen=True)
class DrawSettings:
    """All that decides what is drawn; the defaults are the published numbers.

    mixes: for the generator. pairs, crops: for the adaptor and the effect processor. responses: the rooms of the
    chains' reverb. circular: whether chains shift audio in a circle, as published, so that an end is heard at a
    beginning.
    """

    mixes: SegmentSettings = field(default_factory=SegmentSettings)
    pairs: ClipSettings = ClipSettings(SEGMENT_SAMPLES, -60.0, ADAPTOR_PROBABILITY)
    crops: ClipSettings = ClipSettings(SEGMENT_SAMPLES, -50.0, PROCESSOR_PROBABILITY)
    responses: Responses = ROOMS
    circular: bool = False

    def clips(self, kind: str) -> ClipSettings:
        """The settings of pairs or of crops."""
        return self.pairs if kind == "pairs" else self.crops

    def chain(self, kind: str) -> PublishedChain:
        """What draws the chains of pairs or of crops."""
        return PublishedChain(self.clips(kind).probability, self.responses, self.circular)


@dataclass(frozen=True)
class DrawnItems(Dataset[dict[str, Any]]):
    """Items of one kind by number, as audio; picklable, so that processes can share the work.

    mixes         {"wet": [tracks, 2, n], "instrument": [tracks]}
    pairs, crops  {"dry": [1, n], "wet": [2, n]}

    each with "song", a number into `songs`; "seeds", two numbers for those who listen; and "unread", lines about files
    that could not be read, in whose place others were drawn. Where nothing was found an item has "failure", one line.
    """

    songs: tuple[RecordedSong, ...]
    kind: str
    settings: DrawSettings
    seed: int
    split: str

    def __getitem__(self, index: int) -> dict[str, Any]:
        rng = np.random.default_rng([self.seed, 23, KINDS.index(self.kind), SPLITS.index(self.split), index])
        unread: list[str] = []
        for _ in range(TRIES):
            number = int(rng.integers(len(self.songs)))
            try:
                found = self._draw(self.songs[number], rng)
            except UserError as error:
                unread.append(str(error))
                continue
            if found is not None:
                seeds = rng.integers(2**31, size=2).tolist()
                return {**found, "song": number, "seeds": seeds, "unread": unread}
        words = f"; first: {unread[0]}" if unread else ""
        return {"failure": f"{TRIES} draws of a song in a row found nothing that sounds or can be read{words}"}

    def _draw(self, song: RecordedSong, rng: Generator) -> dict[str, Any] | None:
        if self.kind == "mixes":
            return draw_mix(song, self.settings.mixes, rng)
        return draw_clip(song, self.settings.clips(self.kind), self.settings.chain(self.kind), rng)


def songs_for(songs: tuple[RecordedSong, ...], kind: str) -> tuple[RecordedSong, ...]:
    """The songs that have what a kind is drawn from: wet tracks for mixes, dry tracks for pairs and crops."""
    return tuple(song for song in songs if (song.wet if kind == "mixes" else song.dry))


def draw_mix(song: RecordedSong, settings: SegmentSettings, rng: Generator) -> dict[str, Any] | None:
    """Draw a segment of a song's wet tracks, at its place in the song; None where nothing is active there.

    A stem is multiplied by its published mixing coefficient, where there is one. A song shorter than a segment is
    repeated.
    """
    length = max(track_samples(track.path) for track in song.wet)
    start, count = _place(length, settings.samples, rng)
    audio = torch.stack([as_stereo(_read(track, start, count) * track.gain, settings.samples) for track in song.wet])
    classes = torch.tensor([INSTRUMENT_CLASSES.index(class_of_track(track)) for track in song.wet])
    found = prepare_segment(audio, classes, settings, rng)
    return None if found is None else {"wet": found.audio, "instrument": found.classes}


def draw_clip(song: RecordedSong, settings: ClipSettings, chain: PublishedChain, rng: Generator) -> dict | None:
    """Draw a clip of a song's dry tracks, averaged to mono, and treat it; None where no track is loud enough.

    The tracks are tried in random order, a few segments of each. Published code reads on after the first that is loud
    enough and takes the last, loud or not; here the first is taken.
    """
    partners = {dry.path: wet for dry, wet in single_source_pairs(song)} if rng.random() < settings.recorded else {}
    for number in rng.permutation(len(song.dry)):
        track = song.dry[int(number)]
        length = track_samples(track.path)
        for _ in range(settings.segments_per_file):
            start, count = _place(length, settings.samples, rng)
            turn = int(rng.integers(settings.samples)) if count < settings.samples else 0
            dry = _filled(_read(track, start, count).mean(dim=0, keepdim=True), settings.samples, turn)
            if float(level_db(dry)) <= settings.active_db:
                continue
            if track.path in partners:
                wet = _filled(as_stereo(_read(partners[track.path], start, count), count), settings.samples, turn)
            else:
                wet = torch.from_numpy(chain.apply(dry.numpy(), rng))
            if float(level_db(wet)) > SILENT_DB:
                return {"dry": dry, "wet": wet}
    return None


def _place(length: int, samples: int, rng: Generator) -> tuple[int, int]:
    """First sample of a random segment, and how many there are to be read."""
    count = min(length, samples)
    return int(rng.integers(length - count, endpoint=True)), count


def _read(track: TrackFile, start: int, count: int) -> Tensor:
    """Samples of a track at 44.1 kHz, silence after its end: [1 or 2, count]."""
    return read_track(track, start / SAMPLE_RATE, count / SAMPLE_RATE)


def _filled(audio: Tensor, samples: int, turn: int) -> Tensor:
    """Audio [c, n] as it is, or, where it is too short, repeated, shifted in a circle and cut, as published."""
    if audio.shape[-1] >= samples:
        return audio
    repeated = audio.repeat(1, -(-samples // audio.shape[-1]))
    return repeated.roll(turn, dims=-1)[:, :samples].contiguous()


@lru_cache(maxsize=20000)
def track_samples(path: Path) -> int:
    """Length of a file in samples at 44.1 kHz, by its header where that can be trusted. UserError if it is damaged."""
    try:
        header = soundfile.info(str(path))
    except (soundfile.SoundFileError, OSError, RuntimeError):
        return max(1, read_track(path).shape[-1])
    seconds = header.frames / header.samplerate
    if not 0 < seconds < 24 * 3600:
        return max(1, read_track(path).shape[-1])
    return max(1, round(seconds * SAMPLE_RATE))
