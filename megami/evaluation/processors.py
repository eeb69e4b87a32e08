"""How well processors render known effects, against leaving the track dry at the true level and balance."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from megami.corpus import CorpusConfig, Crops, build_crops
from megami.corpus.space import NAMES
from megami.device import device_of
from megami.embeddings import FxEncoder
from megami.evaluation.listeners import small_encoders
from megami.evaluation.measures.decay import Echo, Tail, measure_tail
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
    systems: dict[str, Render] = {"dry_track": leave_dry, "processor": structured, "processor_tcn": tcn}
    rows = score_rows({name: score(render, material, fx_encoder) for name, render in systems.items()}, material.kinds)
    paths = build_crops(cache, corpus, "test", max(1, crops // 4), workers, tails=True)
    with_tails = Crops.load(paths, networks.preset.embedding, fx_encoder, content_encoder)
    return rows + tail_rows(systems, with_tails, device_of(fx_encoder))


@dataclass(frozen=True)
class TailErrors:
    """Errors of what one processor leaves sounding on every crop, each [crops]; NaN where there is nothing to compare.

    decay: median over octaves of the relative error of T20, 1 where there is a decay and none was made; direct_db:
    absolute error of the direct-to-reverberant ratio; found: whether the echo is there, within 10 ms and 3 dB; made_up:
    whether there is an echo where the target has none.
    """

    decay: np.ndarray
    direct_db: np.ndarray
    found: np.ndarray
    made_up: np.ndarray


ECHO_MS_OFF, ECHO_DB_OFF = 10.0, 3.0


@torch.no_grad()
def hear_tails(render: Render, crops: Crops, device: torch.device | str = "cpu") -> list[Tail]:
    """The tails of all crops, rendered and brought to the target's level per channel; their dry ends in silence."""
    tails = []
    for index in range(len(crops)):
        item = {name: value.to(device) for name, value in crops.take(np.array([index])).items()}
        rendered = match_level_per_channel(render(item["dry"], item["z"], item["content"]), item["wet"])
        tails.append(measure_tail(item["dry"][0].cpu().numpy(), rendered[0].cpu().numpy()))
    return tails


def compare_tails(made: Sequence[Tail], targets: Sequence[Tail], space: Tensor) -> TailErrors:
    """Errors of tails against their targets; space [crops, SPACE] says which chains have reverb, which an echo.

    Decay and direct sound are compared where there is reverb and no echo, whose repeats decay, too. Echoes are compared
    where the target's can be heard when the chain says that it comes.
    """
    errors = []
    for own, target, known in zip(made, targets, space.tolist(), strict=True):
        true = dict(zip(NAMES, known, strict=True))
        decay = direct_db = found = made_up = math.nan
        octaves = ~np.isnan(target.decay_s)
        if true["reverb"] and not true["echo"] and octaves.any():
            decay = float(np.median(np.abs(np.nan_to_num(own.decay_s[octaves]) / target.decay_s[octaves] - 1)))
            direct_db = abs(own.direct_to_reverberant_db - target.direct_to_reverberant_db)
        if true["echo"] and target.echo is not None:
            if abs(target.echo.time_ms - 1000 * math.exp(true["log_echo_time"])) < ECHO_MS_OFF:
                found = float(is_echo(own.echo, target.echo))
        elif not true["echo"] and target.echo is None:
            made_up = float(own.echo is not None)
        errors.append((decay, direct_db, found, made_up))
    return TailErrors(*np.array(errors).T)


def is_echo(own: Echo | None, target: Echo) -> bool:
    """Whether an echo is the target's: within 10 ms and 3 dB."""
    if own is None:
        return False
    return abs(own.time_ms - target.time_ms) <= ECHO_MS_OFF and abs(own.level_db - target.level_db) <= ECHO_DB_OFF


def tail_rows(systems: Mapping[str, Render], crops: Crops, device: torch.device | str = "cpu") -> list[Row]:
    """Rows of what sounds once the dry track is silent: medians over crops for decay, shares for echoes."""
    targets = [
        measure_tail(item["dry"][0].numpy(), item["wet"][0].numpy())
        for item in (crops.take(np.array([index])) for index in range(len(crops)))
    ]
    rows = []
    for name, render in systems.items():
        errors = compare_tails(hear_tails(render, crops, device), targets, crops.space)
        for metric, values in (("decay_error", errors.decay), ("direct_to_reverberant_error_db", errors.direct_db)):
            if not np.isnan(values).all():
                rows.append(median_row(name, metric, values))
        for metric, values in (("echoes_found", errors.found), ("echoes_made_up", errors.made_up)):
            if not np.isnan(values).all():
                rows.append(mean_row(name, metric, values))
    return rows


def median_row(system: str, metric: str, values: np.ndarray) -> Row:
    """Row of the median over crops, and its interval; crops without a value (NaN) are left out."""
    ordered = np.sort(values[~np.isnan(values)])

    def median(weights: np.ndarray) -> float:
        return float(ordered[np.searchsorted(np.cumsum(weights), weights.sum() / 2)])

    return statistic_row(system, metric, len(ordered), median, len(ordered))


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
