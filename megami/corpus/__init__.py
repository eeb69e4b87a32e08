"""The corpus: studio songs, engineers' mixes, views of chains and crops, rendered once and kept as features."""

from __future__ import annotations

from megami.corpus.datasets import (
    Crops,
    DryTracks,
    MixEmbeddings,
    Views,
    assemble_embeddings,
    load_mixes,
    mix_contents,
    mix_effects,
)
from megami.corpus.features import build_crops, build_features, build_views
from megami.corpus.multitrack_folder import MultitrackFolder
from megami.corpus.songs import SPLITS, CorpusConfig, FrontEnd, build_songs, load_song, song_paths

__all__ = [
    "SPLITS",
    "CorpusConfig",
    "Crops",
    "DryTracks",
    "FrontEnd",
    "MixEmbeddings",
    "MultitrackFolder",
    "Views",
    "assemble_embeddings",
    "build_crops",
    "build_features",
    "build_songs",
    "build_views",
    "load_mixes",
    "load_song",
    "mix_contents",
    "mix_effects",
    "song_paths",
]
