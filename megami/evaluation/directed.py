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
from megami.evaluation.directed_song import ORACLE, DirectionConfig, Measured, measure_song
from megami.evaluation.measures.distances import kad_between_groups_row, kad_row
from megami.evaluation.measures.kad import median_bandwidth
from megami.evaluation.measures.plan_distance import PlanMetric
from megami.evaluation.plans import Engineered, engineers_of
from megami.evaluation.results import Row, mean_row
from megami.evaluation.stage import Stage

VALUES, GIVERS = "values", "givers"
"""In the file of a song, beside the plans of each system: what was measured, as JSON; who gave the evidence."""


def direction_rows(stage: Stage, config: DirectionConfig | None = None) -> list[Row]:
    """Measure all test songs of a stage whose songs and features are there; each is kept in its cache once measured.

    Metrics: `followed`, the share of tracks that are not kept that follow the engineer of the evidence; `wish_met`, the
    share of drawn mixes whose plan is within 0.5 dB of the wish, and `wish_error_db`, the mean distance; `strange`, the
    share of wishes that the model had to be held to; `agreement`, the share of a mix's tracks that follow one engineer,
    whoever it is; `spread`, the mean distance in those tracks of two mixes drawn from one evidence; `within`, the share
    of level, pan, width and brightness in which the engineer's own track lies between the least and the largest value
    of 19 draws, which is 0.9 where the draws vary as much as what they stand for (of a wish: pan, width and brightness
    of its track); `kad_decided`, the kernel distance of plans to those of all engineers; `kad_same_engineer` and
    `kad_other_engineers`, that of plans drawn from one engineer's evidence to other mixes by the same one, and to those
    by each of the others.
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
            said = {VALUES: np.array(json.dumps(found.values)), GIVERS: np.array(found.givers)}
            write_arrays(file, {**said, **{system: one.numpy() for system, one in found.plans.items()}})
        with np.load(file, allow_pickle=False) as kept:
            plans = {name: torch.from_numpy(kept[name]) for name in kept if name not in (VALUES, GIVERS)}
            measured.append(Measured(json.loads(str(kept[VALUES])), plans, tuple(map(str, kept[GIVERS]))))
    return rows_of(measured, songs)


def _mark(stage: Stage, config: DirectionConfig) -> str:
    """Short name of all that decides what is measured: code, networks, settings."""
    networks = stage.mixer.networks
    parts = [networks.generator, networks.adaptor, networks.content_encoder, networks.processor]
    marks = [fingerprint(part) for part in (*parts, networks.musicnn, networks.stem_bank) if part is not None]
    code = source_hash("megami.evaluation.directed", without=("megami.published",))
    said = [code, *marks, repr((config, stage.config.corpus, stage.seed, stage.mixer.preset.sampling))]
    return hashlib.sha256("".join(said).encode()).hexdigest()[:12]


def rows_of(measured: Sequence[Measured], songs: Sequence[Engineered]) -> list[Row]:
    """Rows of means over songs, and of distances of all songs' plans to the engineers'."""
    pairs = {(system, name): None for one in measured for system, names in one.values.items() for name in names}
    rows = [
        mean_row(system, name, [one.values[system][name] for one in measured if name in one.values.get(system, {})])
        for system, name in pairs
    ]
    targets = [song.effects.flatten(0, 1) for song in songs]
    for system in dict.fromkeys(name for one in measured for name in one.plans):
        if all(system in one.plans for one in measured):
            if system != ORACLE:  # whose plans are among the targets
                drawn = [one.plans[system].flatten(0, 1) for one in measured]
                rows.append(kad_row(system, "kad_decided", targets, drawn))
            rows += rows_by_engineer(system, measured, songs)
    return rows


def rows_by_engineer(system: str, measured: Sequence[Measured], songs: Sequence[Engineered]) -> list[Row]:
    """Distances of plans to the first mixes of the engineer of the evidence, and to those of each of the others.

    Engineers who did not give evidence of every song are left out.
    """
    givers = [name for name in sorted(set(measured[0].givers)) if all(name in one.givers for one in measured)]
    drawn = {giver: [one.plans_by(giver, system).flatten(0, 1) for one in measured] for giver in givers}
    firsts = {giver: [_first_by(giver, song).flatten(0, 1) for song in songs] for giver in givers}
    bandwidth = median_bandwidth(torch.cat([song for own in firsts.values() for song in own]))
    metrics = {
        "kad_same_engineer": [(firsts[giver], drawn[giver]) for giver in givers],
        "kad_other_engineers": [(firsts[one], drawn[giver]) for giver in givers for one in givers if one != giver],
    }
    return [kad_between_groups_row(system, name, pairs, bandwidth) for name, pairs in metrics.items() if pairs]


def _first_by(engineer: str, song: Engineered) -> Tensor:
    """The mixes [mixes, tracks, dim] of an engineer that are never evidence: of each engineer's mixes the first."""
    first = song.names[: len(np.unique(song.names))]
    return song.effects[: len(first)][torch.from_numpy(first == engineer)]
