"""Plans of whole bands: how five engineers mix each of many songs, as effect embeddings, and what each track plays.

Small enough to ship with the book (book/data/band_plans.npz), so that a generator can be trained from scratch while one
reads. The chapter "Mixing for a band" uses it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from megami.corpus.datasets import ContentListener, assemble_embeddings, embed_dry
from megami.corpus.features import BuildDry, BuildMix, dry_paths, mix_paths
from megami.corpus.parallel import build_files, write_arrays
from megami.corpus.songs import CorpusConfig, load_song, song_paths
from megami.embeddings import EmbeddingConfig, FxEncoder, renormalise
from megami.studio import ENGINEERS, ROLES

WHOLE = 127  # the largest number of a stored vector is this many steps


@dataclass(frozen=True)
class BandPlans:
    """The engineers' plans of many songs, padded with zeros to the song with the most tracks.

    plans      [songs, engineers, tracks, dim], one mix of each song by each engineer, unit vectors
    contents   [songs, tracks, content dim], what a mixer hears of the dry tracks, unit vectors
    mask       [songs, tracks], true where there is a track
    roles      names of the roles of each song's tracks
    genres, seeds   of each song
    held_out   [songs], true for songs that no network of the preset was trained on
    engineers  names, in the order of `plans`
    """

    plans: Tensor
    contents: Tensor
    mask: Tensor
    roles: tuple[tuple[str, ...], ...]
    genres: tuple[str, ...]
    seeds: tuple[int, ...]
    held_out: Tensor
    engineers: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.plans)

    def take(self, songs: Sequence[int] | Tensor) -> BandPlans:
        """Some of the songs, by number or by a mask of truths."""
        index = torch.as_tensor(songs)
        index = index.nonzero()[:, 0] if index.dtype == torch.bool else index
        words: dict[str, Any] = {
            name: tuple(getattr(self, name)[i] for i in index.tolist()) for name in ("roles", "genres", "seeds")
        }
        tensors: dict[str, Any] = {
            name: getattr(self, name)[index] for name in ("plans", "contents", "mask", "held_out")
        }
        return replace(self, **words, **tensors)


def read_band_plans(path: Path | str, embedding: EmbeddingConfig) -> BandPlans:
    """Read the file of `make_band_plans`; `embedding` says what the plans are made of."""
    with np.load(path, allow_pickle=False) as file:
        counts = file["tracks"].tolist()
        plans = renormalise(embedding, unpack(file["plans"], file["plan_steps"]))  # [engineers, all tracks, dim]
        contents = unpack(file["contents"], file["content_steps"])
        roles = [ROLES[number] for number in file["roles"]]
        starts = np.cumsum([0, *counts])
        return BandPlans(
            pad_tracks(plans.transpose(0, 1), counts).transpose(1, 2),
            pad_tracks(contents, counts),
            torch.arange(max(counts)) < torch.tensor(counts)[:, None],
            tuple(tuple(roles[start : start + n]) for start, n in zip(starts, counts, strict=False)),
            tuple(map(str, file["genres"])),
            tuple(file["seeds"].tolist()),
            torch.from_numpy(file["held_out"]),
            tuple(map(str, file["engineers"])),
        )


def make_band_plans(
    path: Path,
    cache: Path,
    config: CorpusConfig,
    songs: dict[str, int],
    embedding: EmbeddingConfig,
    encoder: FxEncoder,
    content_encoder: ContentListener,
    workers: int | None = None,
) -> None:
    """Let all engineers mix the first songs of some splits, and write plans and contents to `path`.

    songs: how many of each split ({"train": 200, "test": 20}); those of "train" and "extra" are for training. The
    features of tracks and mixes are read from `cache`, a folder of `build_songs`, and made where they are missing, one
    file for each mix, so that an interrupted run goes on.
    """
    parts = [
        plans_of_song(cache, config, split, number, embedding, encoder, content_encoder)
        for split, count in songs.items()
        for number in range(features_of_songs(cache, config, split, count, workers))
    ]
    plans, plan_steps = pack(torch.cat([part["plans"] for part in parts], dim=1))
    contents, content_steps = pack(torch.cat([part["contents"] for part in parts]))
    numbers = [ROLES.index(role) for part in parts for role in part["roles"]]
    write_arrays(
        path,
        {
            "plans": plans,
            "plan_steps": plan_steps,
            "contents": contents,
            "content_steps": content_steps,
            "tracks": np.array([len(part["contents"]) for part in parts], dtype=np.uint8),
            "roles": np.array(numbers, dtype=np.uint8),
            "genres": np.array([part["genre"] for part in parts]),
            "seeds": np.array([part["seed"] for part in parts]),
            "held_out": np.array([split not in ("train", "extra") for split, n in songs.items() for _ in range(n)]),
            "engineers": np.array([engineer.name for engineer in ENGINEERS]),
        },
    )


def features_of_songs(cache: Path, config: CorpusConfig, split: str, count: int, workers: int | None) -> int:
    """Make the features of the first `count` songs of a split and of one mix of each by every engineer; `count`."""
    mixes = config.mixes_per_song * count
    build_files(BuildDry(cache, config), dry_paths(cache, split, config)[:count], workers, f"dry features ({split})")
    build_files(BuildMix(cache, config), mix_paths(cache, split, config)[:mixes], workers, f"mixes ({split})")
    return count


def plans_of_song(
    cache: Path,
    config: CorpusConfig,
    split: str,
    number: int,
    embedding: EmbeddingConfig,
    encoder: FxEncoder,
    content_encoder: ContentListener,
) -> dict:
    """Plans [engineers, tracks, dim], contents [tracks, dim], roles, genre and seed of one song of a split."""
    first = number * config.mixes_per_song
    names = [engineer.name for engineer in ENGINEERS]
    by_engineer: dict[int, Tensor] = {}
    for mix in mix_paths(cache, split, config)[first : first + len(names)]:
        with np.load(mix, allow_pickle=False) as file:
            by_engineer[names.index(str(file["engineer"]))] = assemble_embeddings(embedding, encoder, file)
    song = dry_paths(cache, split, config)[number]
    with np.load(song, allow_pickle=False) as file:
        roles, genre = tuple(map(str, file["roles"])), str(file["genre"])
    return {
        "plans": torch.stack([by_engineer[row] for row in range(len(names))]),
        "contents": embed_dry(content_encoder, song),
        "roles": roles,
        "genre": genre,
        "seed": load_song(song_paths(cache, split, config)[number]).seed,
    }


def pack(vectors: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Round vectors [..., dim] to 8 bits, each in steps of its own: (int8 [..., dim], float16 steps [..., 1]).

    A unit vector of 256 numbers is off by about 1.5 % of its length: less than the least noise that sampling visits.
    """
    steps = (vectors.abs().amax(-1, keepdim=True) / WHOLE).half()
    whole = (vectors / steps.float()).round().clamp(-WHOLE, WHOLE)
    return whole.to(torch.int8).numpy(), steps.numpy()


def unpack(whole: np.ndarray, steps: np.ndarray) -> Tensor:
    """Undo `pack` up to rounding, and bring each vector to unit norm."""
    vectors = torch.from_numpy(whole.astype(np.float32) * steps.astype(np.float32))
    return torch.nn.functional.normalize(vectors, dim=-1)


def pad_tracks(rows: Tensor, counts: Sequence[int]) -> Tensor:
    """Split rows [all tracks, ...] into songs of so many tracks, padded with zeros: [songs, most tracks, ...]."""
    return torch.nn.utils.rnn.pad_sequence(list(rows.split(list(counts))), batch_first=True)
