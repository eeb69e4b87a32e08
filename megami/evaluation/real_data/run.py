"""Measuring systems on a data set: distances to the engineers' mixes, and differences from each."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from megami.audio import SAMPLE_RATE
from megami.corpus.parallel import write_arrays
from megami.corpus.source_hash import source_hash
from megami.evaluation.measures.distances import kad_row
from megami.evaluation.measures.pairwise import pairwise_metrics
from megami.evaluation.mixes_alone import PAIRWISE
from megami.evaluation.other_systems import OtherSystem
from megami.evaluation.real_data.ears import Ear
from megami.evaluation.real_data.settings import DataSettings
from megami.evaluation.real_data.songs import TestSong
from megami.evaluation.real_data.systems import (
    ORACLE,
    REFERENCE,
    MixesSongs,
    mixes_by_others,
    own_systems,
    segments_of_engineer,
)
from megami.evaluation.render import match_loudness
from megami.evaluation.results import Row, mean_row
from megami.evaluation.tables import SONGS
from megami.mixing.mixer import Mixer

PAIRS = "pairs"


@dataclass(frozen=True)
class Heard:
    """What was heard of a system: by ear and song, features [segments, d]; by song, pairwise differences [metrics].

    A song that the system lacks is not there.
    """

    features: dict[str, dict[str, Tensor]]
    pairs: dict[str, np.ndarray]

    @property
    def songs(self) -> list[str]:
        """The songs that the system mixed."""
        return list(next(iter(self.features.values())))


@dataclass(frozen=True)
class Listening:
    """Hears songs one by one, and keeps what it heard: a run that was interrupted goes on where it stopped.

    key: everything beside the system and the song that decides what is heard, as `key_of` gives it.
    """

    ears: Sequence[Ear]
    settings: DataSettings
    cache: Path
    key: str

    def hear(self, name: str, state: str, mix: MixesSongs, songs: Sequence[TestSong]) -> Heard:
        """Hear a system's mixes of all songs; `state` changes with the mixes, where they are files."""
        features: dict[str, dict[str, Tensor]] = {ear.metric: {} for ear in self.ears}
        pairs: dict[str, np.ndarray] = {}
        for song in tqdm(songs, desc=f"mixes by {name}", mininterval=1.0, leave=False):
            found = self._song(name, state, mix, song)
            for ear in self.ears if found else ():
                features[ear.metric][song.song.name] = torch.from_numpy(found[ear.metric])
            if PAIRS in found:
                pairs[song.song.name] = found[PAIRS]
        return Heard(features, pairs)

    def _song(self, name: str, state: str, mix: MixesSongs, song: TestSong) -> Mapping[str, np.ndarray]:
        where = json.dumps([self.key, name, state, state_of_files(song.song.files), song.segments, song.others])
        path = self.cache / f"{hashlib.sha256(where.encode(errors='surrogatepass')).hexdigest()[:32]}.npz"
        if path.exists():
            with np.load(path, allow_pickle=False) as kept:
                return dict(kept)
        mixes = [self._level(one) for one in mix(song)]
        found: dict[str, np.ndarray] = {}
        if mixes:
            found = {ear.metric: ear.hear(torch.stack(mixes)).numpy() for ear in self.ears}
        if mixes and name not in (REFERENCE, ORACLE):
            reference = [self._level(one) for one in segments_of_engineer(song, self.settings, False)]
            each = [pairwise_metrics(a[None], b[None]) for a, b in zip(reference, mixes, strict=True)]
            found[PAIRS] = np.array([[values[metric] for metric in PAIRWISE] for values in each]).mean(0)
        write_arrays(path, found)
        return found

    def _level(self, mix: Tensor) -> Tensor:
        return match_loudness(mix[None], self.settings.target_lufs, SAMPLE_RATE)[0]


def key_of(mixer: Mixer, ears: Sequence[Ear], settings: DataSettings, weights: str) -> str:
    """What decides how songs are mixed and heard: settings, weights, ears and code."""
    code = source_hash("megami.evaluation.real_data", "megami.mixing")
    words = [asdict(settings), weights, asdict(mixer.preset.sampling), [(ear.metric, ear.state) for ear in ears], code]
    return json.dumps([*words, str(mixer.device)])


def state_of_files(paths: Sequence[Path]) -> list[tuple[str, int, int]]:
    """Name, size and time of files: what changes with them, without reading them."""
    found = [(path, path.stat()) for path in paths]
    return [(path.name, state.st_size, state.st_mtime_ns) for path, state in found]


def measure(
    listening: Listening, songs: Sequence[TestSong], mixer: Mixer, others: Sequence[OtherSystem] = ()
) -> list[Row]:
    """Rows of all systems: how many songs each has, KAD by every ear, and mean differences from the engineer's mix.

    A system that lacks songs is held against the engineers' mixes of those that it has.
    """
    systems = {name: ("", mix) for name, mix in own_systems(mixer, listening.settings).items()}
    systems |= {other.name: (other.digest(), mixes_by_others(other, listening.settings)) for other in others}
    reference = listening.hear(REFERENCE, *systems.pop(REFERENCE), songs)
    rows: list[Row] = []
    for name, (state, mix) in systems.items():
        rows += rows_of(name, listening.hear(name, state, mix, songs), reference, listening.ears, len(songs))
    return rows


def rows_of(name: str, heard: Heard, reference: Heard, ears: Sequence[Ear], songs: int) -> list[Row]:
    """Rows of one system; none where it has fewer than two songs, of which no distance can be told."""
    own = heard.songs
    if len(own) < 2:
        return []
    rows = [Row(name, SONGS, len(own), len(own), len(own), songs)]
    for ear in ears:
        target = [reference.features[ear.metric][song].double() for song in own]
        mixes = [heard.features[ear.metric][song].double() for song in own]
        if ear.scaled:
            unit = torch.cat(target).std(0) + 1e-6
            target, mixes = ([song / unit for song in side] for side in (target, mixes))
        rows.append(kad_row(name, ear.metric, target, mixes))
    if heard.pairs:
        pairs = np.array([heard.pairs[song] for song in own])
        rows += [mean_row(name, metric, pairs[:, index]) for index, metric in enumerate(PAIRWISE)]
    return rows
