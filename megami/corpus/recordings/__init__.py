"""Recorded songs: MedleyDB, MoisesDB, MUSDB18-HQ, folders of one's own and the studio's songs behind one interface."""

from __future__ import annotations

from megami.corpus.recordings.build_shards import FeatureSettings, build_feature_shards, feature_settings
from megami.corpus.recordings.drawn_items import KINDS, ClipSettings, DrawSettings
from megami.corpus.recordings.instruments import INSTRUMENT_CLASSES, class_of_track, instrument_class
from megami.corpus.recordings.layouts import LAYOUTS, open_recordings
from megami.corpus.recordings.listening import Listeners
from megami.corpus.recordings.random_effects import PublishedChain
from megami.corpus.recordings.reading import read_track
from megami.corpus.recordings.responses import RecordedResponses, SyntheticResponses, recorded_responses
from megami.corpus.recordings.segments import SegmentSettings, TrackSet, prepare_segment
from megami.corpus.recordings.shard_loader import shard_loader
from megami.corpus.recordings.shards import FeatureShards
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
    "KINDS",
    "LAYOUTS",
    "SPLITS",
    "ClipSettings",
    "DrawSettings",
    "FeatureSettings",
    "FeatureShards",
    "ListedRecordings",
    "Listeners",
    "PublishedChain",
    "RecordedResponses",
    "RecordedSong",
    "Recordings",
    "SegmentSettings",
    "SyntheticResponses",
    "TrackFile",
    "TrackSet",
    "build_feature_shards",
    "class_of_track",
    "feature_settings",
    "instrument_class",
    "open_recordings",
    "prepare_segment",
    "read_track",
    "recorded_responses",
    "shard_loader",
    "single_source_pairs",
    "split_of",
]
