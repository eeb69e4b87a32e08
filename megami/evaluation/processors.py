"""How well processors render known effects, against leaving the track dry at the true level and balance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from megami.corpus import Crops
from megami.embeddings import FxEncoder
from megami.evaluation.report import Row
from megami.processor import match_level_per_channel, mid_side_error_db, small_spectral_errors

Render = Callable[[Tensor, Tensor, Tensor], Tensor]
"""(dry [b, 1, n], z [b, dim], content [b, dim]) -> wet [b, 2, n]."""


@dataclass(frozen=True)
class Scores:
    """Errors of one processor on every crop, each [crops]."""

    spectral: np.ndarray
    mid_db: np.ndarray
    side_db: np.ndarray
    cosine: np.ndarray


def leave_dry(dry: Tensor, z: Tensor, content: Tensor) -> Tensor:
    """The baseline: the dry track on both channels; the scores give it the true level and balance."""
    return dry.expand(-1, 2, -1)


@torch.no_grad()
def score(render: Render, crops: Crops, encoder: FxEncoder, batch: int = 10) -> Scores:
    """Render every crop and compare it with its target, each channel brought to the target's level first.

    spectral: multi-scale spectral error on L, R, M, S with the balance in place; mid_db, side_db: mean error of band
    levels; cosine: of the projected effect embeddings.
    """
    parts: list[list[Tensor]] = [[], [], [], []]
    for start in range(0, len(crops), batch):
        item = crops.take(np.arange(start, min(start + batch, len(crops))))
        wet = item["wet"]
        rendered = match_level_per_channel(render(item["dry"], item["z"], item["content"]), wet)
        mid_db, side_db = mid_side_error_db(rendered, wet)
        likeness = F.cosine_similarity(encoder.project(encoder(rendered)), encoder.project(encoder(wet)), dim=-1)
        spectral = small_spectral_errors(rendered, wet, keep_balance=True)
        for part, values in zip(parts, (spectral, mid_db.mean(1), side_db.mean(1), likeness)):
            part.append(values)
    return Scores(*(torch.cat(part).numpy() for part in parts))


def processor_rows(systems: dict[str, Scores], kinds: np.ndarray) -> list[Row]:
    """Rows per system: the spectral error for every kind of chain, and the mean of every score over all crops."""
    order = [k for k in ("engineer", "random", "identity") if k in kinds] + sorted(
        set(kinds) - {"engineer", "random", "identity"}
    )
    rows = []
    for name, scores in systems.items():
        for kind in order:
            chosen = kinds == kind
            rows.append(
                Row(
                    "processor by chain",
                    name,
                    "spectral error",
                    float(scores.spectral[chosen].mean()),
                    int(chosen.sum()),
                    kind,
                )
            )
        count = len(kinds)
        rows.append(Row("processor", name, "spectral error", float(scores.spectral.mean()), count))
        rows.append(Row("processor", name, "mid error (dB)", float(np.nanmean(scores.mid_db)), count))
        rows.append(Row("processor", name, "side error (dB)", float(np.nanmean(scores.side_db)), count))
        rows.append(Row("processor", name, "embedding cosine", float(scores.cosine.mean()), count))
    return rows
