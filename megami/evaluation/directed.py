"""Is directing calibrated? Evidence made from a known engineer's mix, and what is drawn from it, before any processor.

Each song of the test split was mixed twice by every engineer. One mix gives the evidence, the others of all engineers
say whose style a drawn track follows: that of the nearest one. Chance is one over the number of engineers.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from megami.corpus.datasets import fingerprint
from megami.corpus.parallel import write_arrays
from megami.corpus.source_hash import source_hash
from megami.evaluation.directed_song import DirectionConfig, Measured, measure_song
from megami.evaluation.measures.distances import kad_row
from megami.evaluation.measures.plan_distance import PlanMetric
from megami.evaluation.plans import engineers_of
from megami.evaluation.results import Row, mean_row
from megami.evaluation.stage import Stage

VALUES = "values"
"""In the file of a song, beside the plans of each system: what was measured, as JSON."""


def direction_rows(stage: Stage, config: DirectionConfig | None = None) -> list[Row]:
    """Measure all test songs of a stage whose songs and features are there; each is kept in its cache once measured.

    Metrics: `followed`, the share of tracks that are not kept that follow the engineer of the evidence; `wish_met`, the
    share of drawn mixes whose plan is within 0.5 dB of the wish, and `wish_error_db`, the mean distance; `strange`, the
    share of wishes that the model had to be held to; `agreement`, the share of a mix's tracks that follow one engineer,
    whoever it is; `spread`, the mean distance in those tracks of two mixes drawn from one evidence; `within`, the share
    of level, pan, width and brightness in which the engineer's own track lies between the least and the largest value
    of 19 draws, which is 0.9 where the draws vary as much as what they stand for (of a wish: pan, width and brightness
    of its track); `kad_decided`, the kernel distance of plans to those of all engineers.
    """
    config = config or DirectionConfig()
    songs = engineers_of(stage)
    metric = PlanMetric.of(stage.mixer.preset.embedding, [song.effects for song in songs])
    folder = stage.cache / "directed" / _mark(stage, config)
    measured = []
    for number, (song, name) in enumerate(zip(tqdm(songs, "songs", disable=None), stage.song_names(), strict=True)):
        file = folder / name
        if not file.exists():
            other = songs[(number + 1) % len(songs)] if len(songs) > 1 else None
            found = measure_song(stage.mixer, song, other, metric, config, stage.seed + number)
            plans = {system: one.numpy() for system, one in found.plans.items()}
            write_arrays(file, {VALUES: np.array(json.dumps(found.values)), **plans})
        with np.load(file, allow_pickle=False) as kept:
            values = json.loads(str(kept[VALUES]))
            measured.append(Measured(values, {name: torch.from_numpy(kept[name]) for name in kept if name != VALUES}))
    return rows_of(measured, [song.effects for song in songs])


def _mark(stage: Stage, config: DirectionConfig) -> str:
    """Short name of all that decides what is measured: code, networks, settings."""
    networks = stage.mixer.networks
    parts = [networks.generator, networks.adaptor, networks.content_encoder, networks.processor]
    marks = [fingerprint(part) for part in (*parts, networks.musicnn, networks.stem_bank) if part is not None]
    code = source_hash("megami.evaluation.directed", without=("megami.published",))
    said = [code, *marks, repr((config, stage.config.corpus, stage.seed, stage.mixer.preset.sampling))]
    return hashlib.sha256("".join(said).encode()).hexdigest()[:12]


def rows_of(measured: Sequence[Measured], theirs: Sequence[Tensor]) -> list[Row]:
    """Rows of means over songs, and of distances of all songs' plans to the engineers' [mixes, tracks, dim]."""
    pairs = {(system, name): None for one in measured for system, names in one.values.items() for name in names}
    rows = [
        mean_row(system, name, [one.values[system][name] for one in measured if name in one.values.get(system, {})])
        for system, name in pairs
    ]
    targets = [plans.flatten(0, 1) for plans in theirs]
    for system in dict.fromkeys(name for one in measured for name in one.plans):
        if all(system in one.plans for one in measured):
            rows.append(kad_row(system, "kad_decided", targets, [one.plans[system].flatten(0, 1) for one in measured]))
    return rows
