"""All systems compared with the engineers: distances, coverage, precision, joint behaviour, pairwise metrics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from megami.evaluation.engineers import engineer_rows
from megami.evaluation.measures.descriptors import LEVEL
from megami.evaluation.measures.distances import fad_row, kad_by_role_row, kad_row
from megami.evaluation.measures.style_coverage import (
    Heard,
    Scale,
    agreement,
    coverage,
    level_distance_db,
    panning_balance,
    precision,
    same_engineer_radius,
    style_directions,
)
from megami.evaluation.mixes_alone import Yardstick, mix_rows, pair_rows, repeated
from megami.evaluation.results import Row, mean_row, range_row, statistic_row


@dataclass(frozen=True)
class SongSet:
    """What was heard of one system, song by song."""

    system: str
    heard: list[Heard]
    embeddings: list[Tensor]  # [mixes, tracks, dim]
    pairs: np.ndarray  # [songs, metrics]; no songs for the reference itself
    plans: list[Tensor] | None  # the embeddings as they were decided, before the processor

    @staticmethod
    def load(folder: Path, names: Sequence[str], system: str) -> SongSet:
        """Read the files that `HearMixes` wrote, and the plans behind them."""
        heard, embeddings, pairs, plans = [], [], [], []
        for name in names:
            with np.load(folder / system / name, allow_pickle=False) as file:
                heard.append(Heard(file["tracks"], file["mixes"], file["lead_over_rest_db"]))
                embeddings.append(torch.from_numpy(file["z"]))
                if "pairs" in file:
                    pairs.append(file["pairs"].mean(0))
            with np.load(folder / "plans" / system / name, allow_pickle=False) as file:
                if "z" in file:
                    plans.append(torch.from_numpy(file["z"]))
        return SongSet(system, heard, embeddings, np.array(pairs), plans or None)


def comparison_rows(sets: Sequence[SongSet], roles: Sequence[Tensor], engineers: Sequence, mixes: int) -> list[Row]:
    """Rows of every system; `engineers` say, per song, who made the mixes of "reference" and "engineers", and how."""
    by_name = {item.system: item for item in sets}
    reference, others = by_name["reference"], by_name["engineers"]
    styles = [song.names[:mixes] for song in engineers]
    their_styles = [song.names[mixes : 2 * mixes] for song in engineers]
    scale = Scale.of(reference.heard)
    planes = [style_directions(ref, names, scale) for ref, names in zip(reference.heard, styles, strict=True)]
    material = (reference.heard, others.heard, styles, their_styles, scale)
    spaces: dict[str, tuple[float, Sequence[np.ndarray | None]]] = {
        "": (same_engineer_radius(*material), [None] * len(planes)),
        "_of_style": (same_engineer_radius(*material, planes), planes),
    }
    yardstick = Yardstick.of(reference.heard, others.heard, styles, their_styles)
    rows = engineer_rows(reference.heard, styles)
    for system in sets:
        if system.system == "reference":
            continue
        rows += distance_rows(system, reference, roles, mixes)
        if system.plans is not None:
            rows.append(decided_row(system.system, system.plans, [song.effects for song in engineers], mixes))
        pairs = list(zip(system.heard, reference.heard, styles, strict=True))
        rows.append(mean_row(system.system, "agreement", [agreement(*pair, scale) for pair in pairs]))
        balance = [panning_balance(own) for own in system.heard]
        if not np.isnan(balance).all():
            rows.append(mean_row(system.system, "panning_balance", balance))
        for suffix, (radius, along) in spaces.items():
            right = [
                precision(own.take(slice(0, mixes)), ref, scale, radius, plane)
                for (own, ref, _), plane in zip(pairs, along, strict=True)
            ]
            rows.append(mean_row(system.system, f"precision{suffix}", right))
            covered = [
                coverage(own, ref, names, scale, radius, plane)
                for (own, ref, names), plane in zip(pairs, along, strict=True)
            ]
            rows.append(mean_row(system.system, f"coverage{suffix}", covered))
        rows.append(lead_row(system, reference))
        rows += mix_rows(system.system, system.heard, yardstick, mixes)
        rows.append(track_level_row(system))
        if len(system.pairs):
            rows += pair_rows(system.system, system.pairs)
    return rows


def distance_rows(system: SongSet, reference: SongSet, roles: Sequence[Tensor], mixes: int) -> list[Row]:
    """Kernel and Frechet distances on embeddings of rendered tracks, and on descriptors of tracks."""

    def tracks_of(source: SongSet) -> list[Tensor]:
        return [repeated(song, mixes).flatten(0, 1) for song in source.embeddings]

    def described(source: SongSet) -> list[Tensor]:
        return [torch.from_numpy(repeated(song.tracks, mixes)).double().flatten(0, 1) for song in source.heard]

    name, rows = system.system, []
    for metric, source in (("embedding", tracks_of), ("descriptor", described)):
        target, own = source(reference), source(system)
        if metric == "descriptor":
            unit = torch.cat(target).std(0) + 1e-6
            target, own = ([song / unit for song in side] for side in (target, own))
        rows.append(kad_row(name, f"kad_{metric}", target, own))
        rows.append(kad_by_role_row(name, f"kad_{metric}_by_role", target, own, roles, (mixes, mixes)))
        rows.append(fad_row(name, f"fad_{metric}", target, own))
    return rows


def decided_row(system: str, plans: Sequence[Tensor], effects: Sequence[Tensor], mixes: int) -> Row:
    """Kernel distance of plans to the engineers' own embeddings, both [mixes, tracks, dim] per song.

    Plans have the levels of the engineers' mixes as they were made, not of those that are heard at one loudness.
    """
    target, own = ([repeated(song, mixes).flatten(0, 1) for song in side] for side in (effects, plans))
    return kad_row(system, "kad_decided", target, own)


def lead_row(system: SongSet, reference: SongSet) -> Row:
    """Distance of the levels of the lead against all else from those of the engineers, in LU (Wasserstein)."""

    def distance(weights: np.ndarray) -> float:
        chosen = [s for s, count in enumerate(weights) for _ in range(int(count))]
        levels = [np.concatenate([side.heard[s].lead_over_rest_db for s in chosen]) for side in (system, reference)]
        return level_distance_db(*levels)

    count = sum(len(song.mixes) for song in system.heard)
    return statistic_row(system.system, "lead_level_distance_db", len(system.heard), distance, count, draws=200)


def track_level_row(system: SongSet) -> Row:
    """Median and range of the level of a track relative to its mix, in dB, over all mixes of a system."""
    relative = np.concatenate([(song.tracks[..., LEVEL] - song.mixes[:, None, LEVEL]).ravel() for song in system.heard])
    return range_row(system.system, "track_level_db", relative)
