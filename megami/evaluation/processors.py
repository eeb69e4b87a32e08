"""How well processors render known effects, against leaving the track dry at the true level and balance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from megami.corpus import CorpusConfig, Crops, build_crops
from megami.device import device_of
from megami.embeddings import FxEncoder
from megami.evaluation.listeners import small_encoders
from megami.evaluation.results import Row, mean_row, statistic_row
from megami.mixing.pretrained import Networks
from megami.presets import load_network
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
    device = device_of(encoder)
    for start in range(0, len(crops), batch):
        taken = crops.take(np.arange(start, min(start + batch, len(crops))))
        item = {name: value.to(device) for name, value in taken.items()}
        wet = item["wet"]
        rendered = match_level_per_channel(render(item["dry"], item["z"], item["content"]), wet)
        mid_db, side_db = mid_side_error_db(rendered, wet)
        likeness = F.cosine_similarity(encoder.project(encoder(rendered)), encoder.project(encoder(wet)), dim=-1)
        spectral = small_spectral_errors(rendered, wet, keep_balance=True)
        for part, values in zip(parts, (spectral, mid_db.mean(1), side_db.mean(1), likeness), strict=True):
            part.append(values.cpu())
    return Scores(*(torch.cat(part).numpy() for part in parts))


def processor_rows(
    networks: Networks, folder: Path, cache: Path, corpus: CorpusConfig, crops: int, workers: int | None = None
) -> list[Row]:
    """Both processors of a folder of weights against the dry track at true level and balance, on unseen tracks."""
    fx_encoder, content_encoder = small_encoders(networks)
    paths = build_crops(cache, corpus, "test", crops, workers)
    material = Crops.load(paths, networks.preset.embedding, fx_encoder, content_encoder)
    structured, tcn = (
        load_network(folder, name).to(device_of(fx_encoder)) for name in ("processor_structured", "processor_tcn")
    )
    scores = {
        "dry_track": score(leave_dry, material, fx_encoder),
        "processor": score(structured, material, fx_encoder),
        "processor_tcn": score(tcn, material, fx_encoder),
    }
    return score_rows(scores, material.kinds)


def score_rows(scores: dict[str, Scores], kinds: np.ndarray) -> list[Row]:
    """Rows of every processor: means over all crops, spectral errors of each kind of chain, and the error_ratio.

    That is the mean spectral error over that of the system "dry_track". Errors of bands that are nowhere heard are NaN
    and left out.
    """
    rows = []
    for name, own in scores.items():
        rows.append(mean_row(name, "spectral_error", own.spectral))
        rows.append(mean_row(name, "mid_error_db", own.mid_db))
        rows.append(mean_row(name, "side_error_db", own.side_db))
        rows.append(mean_row(name, "embedding_cosine", own.cosine))
        rows += [mean_row(name, f"spectral_error_{kind}", own.spectral[kinds == kind]) for kind in np.unique(kinds)]
        if name != "dry_track":
            rows.append(ratio_row(name, "error_ratio", own.spectral, scores["dry_track"].spectral))
    return rows


def ratio_row(system: str, metric: str, errors: np.ndarray, baseline: np.ndarray) -> Row:
    """Mean error over the mean error of a baseline on the same crops."""
    return statistic_row(system, metric, len(errors), lambda w: float(w @ errors / (w @ baseline)), len(errors))
