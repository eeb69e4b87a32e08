"""Decisions that tracks make together, read from plans before anything is heard.

A mixer may treat every track well and still make a bad mix, if the treatments do not fit each other. The chapter
"Mixing for a band" measures that with these.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from megami.embeddings import EmbeddingConfig, decode, split_parts
from megami.evaluation.measures.style_coverage import balance_of_positions


def track_levels_db(embedding: EmbeddingConfig, plans: Tensor) -> Tensor:
    """Level of each track of plans [..., dim], both channels together: [...] in dB."""
    return power_db(db_power(decode(embedding, plans)["level_db"]).sum(-1))


def pan_db(embedding: EmbeddingConfig, plans: Tensor) -> Tensor:
    """Level of right over left of each track of plans [..., dim]: [...] in dB, within 20."""
    left, right = decode(embedding, plans)["level_db"].unbind(-1)
    return (right - left).clamp(-20, 20)


def mix_levels_db(embedding: EmbeddingConfig, plans: Tensor) -> Tensor:
    """Level of each whole mix, if its tracks add up in power: plans [mixes, tracks, dim] -> [mixes] in dB.

    An engineer brings every mix to about the same level, so it hardly varies where tracks are decided together.
    """
    return power_db(db_power(track_levels_db(embedding, plans)).sum(-1))


def over_rest_db(embedding: EmbeddingConfig, plans: Tensor, track: int) -> Tensor:
    """Level of one track over that of all others together: plans [mixes, tracks, dim] -> [mixes] in dB."""
    power = db_power(track_levels_db(embedding, plans))
    return power_db(power[:, track]) - power_db(power.sum(-1) - power[:, track])


def panning_balance_of_plans(embedding: EmbeddingConfig, plans: Tensor) -> float:
    """How well the panned tracks of plans [mixes, tracks, dim] answer each other; see `panning_balance`."""
    return balance_of_positions(pan_db(embedding, plans).numpy(), track_levels_db(embedding, plans).numpy())


def leaning_together(embedding: EmbeddingConfig, plans: Tensor) -> float:
    """How far the tracks of a mix lean the same way in what the effect encoder hears: -1 to 1, 0 if independent.

    plans [mixes, tracks, dim] of one song. What a track's effects have that is not usual for that track is compared
    with the same of every other track of the mix, by cosine. A shared room, or one engineer's taste, make it positive.
    """
    learned = split_parts(embedding, plans).fx
    away = F.normalize(learned - learned.mean(0), dim=-1)  # [mixes, tracks, fx_dim]
    tracks = away.shape[1]
    likeness = away @ away.transpose(-1, -2)
    return float(
        (likeness.sum((-1, -2)) - likeness.diagonal(dim1=-2, dim2=-1).sum(-1)).mean() / (tracks * (tracks - 1))
    )


def shuffle_takes(plans: Tensor, generator: torch.Generator) -> Tensor:
    """Exchange tracks between takes: each track of a mix comes from a take of its own, and every plan is used once.

    plans [mixes, tracks, dim]; each track by itself is distributed exactly as before, so whatever changes was decided
    together.
    """
    columns = [plans[torch.randperm(len(plans), generator=generator), track] for track in range(plans.shape[1])]
    return torch.stack(columns, dim=1)


def db_power(level_db: Tensor) -> Tensor:
    """Decibels as power."""
    return 10 ** (level_db / 10)


def power_db(power: Tensor) -> Tensor:
    """Power as decibels."""
    return 10 * power.log10()
