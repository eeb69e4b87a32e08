"""The benchmark for others: mixes by any system, held against the engineers' mixes of the test songs.

The songs, the engineers' mixes and what is heard of them are those of `megami evaluate`, in the same cache.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from megami.audio import SAMPLE_RATE
from megami.corpus import build_features, build_songs, load_song, song_paths
from megami.evaluation.adding_rows import FLOOR
from megami.evaluation.comparison import SongSet
from megami.evaluation.measures.descriptors import descriptors
from megami.evaluation.measures.pairwise import pairwise_metrics
from megami.evaluation.mixes_alone import Yardstick, heard_alone, mix_rows, pair_rows
from megami.evaluation.other_systems import OtherSystem, read_mix
from megami.evaluation.plans import engineers_of, write_engineers
from megami.evaluation.render import PAIRED, HearMixes, match_loudness, mixer_of
from megami.evaluation.results import Row
from megami.evaluation.run import commit, hear
from megami.evaluation.stage import CHAIN_SYSTEMS, EMBEDDING_SYSTEMS, TRUE_DRY, EvaluationConfig, Stage
from megami.evaluation.tables import SONGS, TABLES
from megami.studio import Song

OWN_NAMES = frozenset((*CHAIN_SYSTEMS, *EMBEDDING_SYSTEMS, TRUE_DRY)).union(*(table.systems for table in TABLES))
"""Names of rows that are this project's own."""


def song_names(config: EvaluationConfig) -> list[str]:
    """Names of the test songs, as folders of mixes have them."""
    return [f"test_{index:04d}" for index in range(config.corpus.test_songs)]


def song_samples(config: EvaluationConfig) -> int:
    """Length of a test song in samples."""
    return round(config.corpus.seconds * SAMPLE_RATE)


def measure_systems(systems: Sequence[OtherSystem], stage: Stage) -> list[Row]:
    """Rows of other systems, and of what they lie between: the engineers' other mixes, and the raw sum.

    Measured is what stereo mixes alone tell (`megami.evaluation.mixes_alone`), at the loudness of all mixes. A system
    that lacks songs is held against the engineers' mixes of those that it has. Raises UserError as `read_mix` does,
    without the SoundFont, and for a cache of other settings or code.
    """
    corpus = stage.config.corpus
    build_songs(stage.cache, corpus, ("test",), stage.workers)
    build_features(stage.cache, corpus, ("test",), stage.workers)
    yardstick, floor = hear_engineers(stage)
    songs = [load_song(path) for path in song_paths(stage.cache, "test", corpus)]
    firsts = [first_mix(stage, song, name) for song, name in zip(songs, stage.song_names(), strict=True)]
    count = stage.config.mixes
    rows = mix_rows(FLOOR, floor.heard, yardstick, count)
    raw = [heard_alone(describe([song.multitrack.sum()], stage)[0]) for song in songs]
    rows += mix_rows("raw_sum", raw, yardstick, count)
    names = song_names(stage.config)
    for system in systems:
        numbers = [names.index(song) for song in system.mixes]
        heard, pairs = [], []
        for song in tqdm(numbers, desc=f"mixes by {system.name}", mininterval=1.0):
            length = songs[song].multitrack.num_samples
            mixes = [read_mix(path, length)[0] for path in system.mixes[names[song]]]
            described, own_pairs = describe(mixes, stage, firsts[song])
            heard.append(heard_alone(described))
            pairs.append(own_pairs)
        rows.append(Row(system.name, SONGS, len(numbers), len(numbers), len(numbers), len(names)))
        rows += mix_rows(system.name, heard, yardstick.on(numbers), count)
        rows += pair_rows(system.name, np.array(pairs))
    return rows


def hear_engineers(stage: Stage) -> tuple[Yardstick, SongSet]:
    """What others are held against, and the engineers' other mixes, which are the floor."""
    engineers, count = engineers_of(stage), stage.config.mixes
    write_engineers(stage, engineers)
    sets = []
    for system in ("reference", FLOOR):
        hear(stage, system)
        sets.append(SongSet.load(stage.folders[system], stage.song_names(), system))
    styles = [song.names[:count] for song in engineers], [song.names[count : 2 * count] for song in engineers]
    return Yardstick.of(sets[0].heard, sets[1].heard, *styles), sets[1]


@torch.no_grad()
def first_mix(stage: Stage, song: Song, name: str) -> Tensor:
    """The engineers' mix [2, n] of a song that pairwise metrics compare with."""
    listening = HearMixes(stage.cache, stage.cache, stage.weights, target_lufs=stage.config.target_lufs)
    with np.load(stage.plan("reference", name), allow_pickle=False) as plan:
        return listening.render(song, plan, 0, mixer_of(stage.weights)).sum(0)


@torch.no_grad()
def describe(mixes: Sequence[Tensor], stage: Stage, first: Tensor | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Descriptors [mixes, d] of mixes [2, n] at the loudness of all, and pairwise metrics of the first against another.

    The metrics are [metrics], or empty without `first`.
    """
    level = [match_loudness(mix[None], stage.config.target_lufs, SAMPLE_RATE) for mix in mixes]
    described = np.stack([descriptors(mix)[0].numpy() for mix in level])
    if first is None:
        return described, np.empty(0)
    pairs = [list(pairwise_metrics(first[None], mix).values()) for mix in level[:PAIRED]]
    return described, np.mean(pairs, axis=0)


def origin_of(system: OtherSystem, command: str) -> dict[str, Any]:
    """How the row of a system was made: its songs, how many mixes, their hash, the command, the code's commit."""
    return {
        "songs": list(system.mixes),
        "mixes": sum(map(len, system.mixes.values())),
        "sha256": system.digest(),
        "command": command,
        "commit": commit(),
    }
