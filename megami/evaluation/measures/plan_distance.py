"""How near plans are to those of the engineers, before anything is heard: distances of effect embeddings.

For choices that are made on validation songs, where hearing every mix would take too long.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from megami.embeddings import EmbeddingConfig, decode, split_parts
from megami.evaluation.measures.energy import energy_of_distances
from megami.evaluation.measures.style_coverage import followed_share


def aspects(embedding: EmbeddingConfig, z: Tensor) -> list[Tensor]:
    """What a plan says, in units of its own: learned part, mid and side bands, level, dynamics, balance, width."""
    said = decode(embedding, z)
    return [
        split_parts(embedding, z).fx,
        said["mid_bands_db"],
        said["side_bands_db"].clamp_min(-40),
        said["level_db"],
        torch.cat([said["crest_db"], said["spread_db"]], dim=-1),
        said["imbalance"][..., None],
        said["width"].clamp(0, 2)[..., None],
    ]


@dataclass(frozen=True)
class PlanMetric:
    """Distances of plans: every aspect counts the same, its unit is how much it varies among a song's mixes."""

    embedding: EmbeddingConfig
    units: list[float]

    @staticmethod
    def of(embedding: EmbeddingConfig, songs: Sequence[Tensor]) -> PlanMetric:
        """The metric of some songs: the engineers' plans [mixes, tracks, dim] of each."""
        seen = [aspects(embedding, plans) for plans in songs]
        varied = ([(part[k] - part[k].mean(0)).flatten() for part in seen] for k in range(len(seen[0])))
        return PlanMetric(embedding, [float(torch.cat(part).square().mean().sqrt()) for part in varied])

    def squares(self, a: Tensor, b: Tensor) -> Tensor:
        """Squared distances of the tracks of plans [m, tracks, dim] and [n, tracks, dim]: [m, n, tracks]."""
        pairs = zip(aspects(self.embedding, a), aspects(self.embedding, b), self.units, strict=True)
        return torch.stack([((x[:, None] - y[None]) / unit).square().mean(-1) for x, y, unit in pairs]).mean(0)

    def distances(self, a: Tensor, b: Tensor) -> Tensor:
        """Distances of whole plans [m, tracks, dim] and [n, tracks, dim]: RMS over tracks [m, n]."""
        return self.squares(a, b).mean(-1).sqrt()


def energy_distance(metric: PlanMetric, a: Tensor, b: Tensor) -> float:
    """How differently two sets of plans of one song are distributed: 0 for the same distribution, without bias.

    2 E|A - B| - E|A - A'| - E|B - B'| (Szekely and Rizzo 2013), with different plans only in the last two.
    """
    distances = (metric.distances(*pair) for pair in ((a, b), (a, a), (b, b)))
    return float(energy_of_distances(*distances))


def plan_agreement(metric: PlanMetric, plans: Tensor, theirs: Tensor, engineers: np.ndarray) -> float:
    """How far the tracks of a plan follow one engineer: share of tracks that are nearest to the most frequent one.

    theirs [n, tracks, dim] are the engineers' plans, `engineers` [n] who made them.
    """
    return followed_share(metric.squares(plans, theirs).numpy(), engineers)
