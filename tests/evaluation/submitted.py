"""What tests of the benchmark share: a studio of short songs made by hand, and mixes of them by others."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from handmade import handmade_song

from megami.audio import SAMPLE_RATE, write_audio
from megami.corpus import CorpusConfig
from megami.evaluation import results
from megami.evaluation.stage import EvaluationConfig

SONGS = ("test_0000", "test_0001", "test_0002")
CORPUS = CorpusConfig(train_songs=2, test_songs=3, seconds=1.0, mixes_per_song=10)
CONFIG = EvaluationConfig(CORPUS, 2, 2, mixes=5, many_mixes=5, chains=10, crops=6, sampler_songs=0)


def compose(seed: int, genre: str, seconds: float, voices: str):
    return replace(handmade_song(seed, seconds, without=("guitar b", "pad")), genre=genre, seed=seed)


def without_soundfont(patch: pytest.MonkeyPatch) -> None:
    """Let the studio play songs made by hand, and draw few samples for intervals: all else is as it always is."""
    song_weights = results.song_weights
    patch.setattr("megami.corpus.songs.find_soundfont", lambda: None)
    patch.setattr("megami.corpus.songs.find_synthesisers", dict)
    patch.setattr("megami.corpus.songs.compose_song", compose)
    patch.setattr(results, "song_weights", lambda songs, draws=0: song_weights(songs, 30))


def noise(seed: int = 0, channels: int = 2, seconds: float = 1.0, rate: int = SAMPLE_RATE) -> np.ndarray:
    """Quiet noise [channels, samples]."""
    return 0.1 * np.random.default_rng(seed).normal(size=(channels, round(seconds * rate))).astype(np.float32)


def write_mix(
    folder: Path, song: str, audio: np.ndarray | None = None, name: str = "mix_1.wav", rate=SAMPLE_RATE
) -> Path:
    """Write a mix of a song, noise unless it is given, into its folder."""
    return write_audio(folder / song / name, noise() if audio is None else audio, rate)
