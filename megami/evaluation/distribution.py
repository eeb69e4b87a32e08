"""Does the generator draw from the engineers' distribution? Distances between sets of effect embeddings."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from megami.corpus import MixEmbeddings
from megami.embeddings import EmbeddingConfig, renormalise
from megami.evaluation.kad import kernel_distance, kernel_distance_by_class
from megami.evaluation.report import Row

Sets = Sequence[Tensor]
"""One tensor [mixes, tracks, dim] per song."""


def random_training_mixes(songs: Sequence[int], mixes: int, training: MixEmbeddings, seed: int = 0) -> list[Tensor]:
    """Give every track the embedding of some track of one random training mix: right in general, blind to the song.

    songs: number of tracks of each song -> per song [mixes, tracks, dim].
    """
    rng = np.random.default_rng(seed)
    answer = []
    for tracks in songs:
        drawn = []
        for _ in range(mixes):
            source = training.effects[int(rng.integers(len(training.effects)))]
            drawn.append(source[torch.from_numpy(rng.permutation(max(tracks, len(source)))[:tracks] % len(source))])
        answer.append(torch.stack(drawn))
    return answer


def mean_embedding(songs: Sequence[int], mixes: int, training: MixEmbeddings, config: EmbeddingConfig) -> list[Tensor]:
    """Give every track the mean of all training embeddings: what a squared error would like best."""
    mean = renormalise(config, torch.cat(training.effects).mean(0, keepdim=True))
    return [mean.expand(mixes, tracks, -1) for tracks in songs]


def flatten(sets: Sets) -> Tensor:
    """All tracks of all mixes of all songs: [items, dim]."""
    return torch.cat([song.flatten(0, 1) for song in sets])


def role_numbers(roles: Sequence[Sequence[int]], mixes: int) -> Tensor:
    """Role of every item of `flatten`, given the roles of each song's tracks."""
    return torch.cat([torch.tensor(song).repeat(mixes) for song in roles])


def distance_rows(reference: Sets, systems: dict[str, Sets], roles: Sequence[Sequence[int]]) -> list[Row]:
    """Kernel distance x 100 of every system to the reference mixes, over all tracks together and within roles.

    All systems share one bandwidth, the median distance within the reference (KAD, as MEGAMI reports it).
    """
    target = flatten(reference)
    target_roles = role_numbers(roles, len(reference[0]))
    rows = []
    for name, sets in systems.items():
        items = flatten(sets)
        item_roles = role_numbers(roles, len(sets[0]))
        together = float(kernel_distance(target, items))
        within = float(kernel_distance_by_class(target, items, target_roles, item_roles))
        rows.append(Row("generator", name, "KAD, all tracks", together, len(items)))
        rows.append(Row("generator", name, "KAD within roles", within, len(items)))
    return rows
