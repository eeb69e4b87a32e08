"""Recorded songs: MedleyDB, MoisesDB, MUSDB18-HQ, folders of one's own and the studio's songs behind one interface."""

from __future__ import annotations

from megami.corpus.recordings.instruments import INSTRUMENT_CLASSES, class_of_track, instrument_class
from megami.corpus.recordings.layouts import LAYOUTS, open_recordings
from megami.corpus.recordings.reading import read_track
from megami.corpus.recordings.songs import (
    ListedRecordings,
    RecordedSong,
    Recordings,
    TrackFile,
    single_source_pairs,
)
from megami.corpus.recordings.splits import SPLITS, split_of

__all__ = [
    "INSTRUMENT_CLASSES",
    "LAYOUTS",
    "SPLITS",
    "ListedRecordings",
    "RecordedSong",
    "Recordings",
    "TrackFile",
    "class_of_track",
    "instrument_class",
    "open_recordings",
    "read_track",
    "single_source_pairs",
    "split_of",
]
