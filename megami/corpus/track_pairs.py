"""Pairs of tracks: what the content encoder hears of a track dry, and of the same track wet, with what was done to it.

Small enough to ship with the book (book/data/track_pairs.npz), so that a domain adaptor can be trained from scratch
while one reads. The chapter "Domain adaptation" uses it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from megami.adaptation.ear_encoder import LEAST_SPREAD
from megami.corpus.band_plans import pack, unpack
from megami.corpus.datasets import ContentListener, assemble_embeddings, embed_pair
from megami.corpus.features import BuildDry, BuildMix, dry_paths, mix_paths
from megami.corpus.parallel import build_files, write_arrays
from megami.corpus.songs import CorpusConfig
from megami.embeddings import EmbeddingConfig, FxEncoder, renormalise
from megami.studio import ENGINEERS, INSTRUMENTS


@dataclass(frozen=True)
class TrackPairs:
    """Tracks as they are heard dry and wet; the pairs of one song stand together.

    dry_heard   [pairs, 250], MusiCNN's features and tags of the dry track
    wet_heard   [pairs, 250], of the same track in an engineer's mix
    dry, wet    [pairs, content dim], content of both by the preset's content encoder, unit vectors
    effects     [pairs, dim], effect embedding of the wet track, unit vectors
    instrument  [pairs], numbers of INSTRUMENTS
    engineer    [pairs], numbers of ENGINEERS
    song        [pairs], numbers of songs
    held_out    [pairs], true for songs that no network of the preset was trained on
    """

    dry_heard: Tensor
    wet_heard: Tensor
    dry: Tensor
    wet: Tensor
    effects: Tensor
    instrument: Tensor
    engineer: Tensor
    song: Tensor
    held_out: Tensor

    def __len__(self) -> int:
        return len(self.dry)

    def take(self, pairs: Sequence[int] | Tensor) -> TrackPairs:
        """Some of the pairs, by number or by a mask of truths."""
        index = torch.as_tensor(pairs)
        return TrackPairs(*(getattr(self, part.name)[index] for part in fields(self)))

    def instrument_names(self) -> list[str]:
        """The instrument of each pair, as the studio names it."""
        return [INSTRUMENTS[number] for number in self.instrument.tolist()]


UNIT_VECTORS = ("dry", "wet", "effects")
HEARD = ("dry_heard", "wet_heard")
NUMBERS = ("instrument", "engineer", "song")


def read_track_pairs(path: Path | str, embedding: EmbeddingConfig) -> TrackPairs:
    """Read the file of `make_track_pairs`; `embedding` says what the effect embeddings are made of."""
    with np.load(path, allow_pickle=False) as file:
        parts = {name: torch.from_numpy(file[name].astype(np.int64)) for name in NUMBERS}
        parts |= {name: unpack(file[name], file[f"{name}_steps"]) for name in UNIT_VECTORS}
        for name in HEARD:
            standard = file[name].astype(np.float32) * file[f"{name}_steps"].astype(np.float32)
            parts[name] = torch.from_numpy(standard * file["spread"] + file["centre"])
        parts["effects"] = renormalise(embedding, parts["effects"])
        return TrackPairs(held_out=torch.from_numpy(file["held_out"]), **parts)


def make_track_pairs(
    path: Path,
    cache: Path,
    config: CorpusConfig,
    splits: Sequence[str],
    embedding: EmbeddingConfig,
    encoder: FxEncoder,
    content: ContentListener,
    workers: int | None = None,
) -> None:
    """Hear the tracks of all songs of some splits dry and in one mix each, and write the pairs to `path`.

    Songs of the splits "train" and "extra" are for training. The engineers take turns: song s of a split is mixed by
    engineer s mod 5. The features are read from `cache`, a folder of `build_songs`, and made where they are missing,
    one file for each song and mix, so that an interrupted run goes on.
    """
    parts: list[dict[str, Tensor]] = []
    for split in splits:
        songs, mixes = dry_paths(cache, split, config), mix_paths(cache, split, config)[:: config.mixes_per_song]
        build_files(BuildDry(cache, config), songs, workers, f"dry features ({split})")
        build_files(BuildMix(cache, config), mixes, workers, f"mixes ({split})")
        for mix, song in zip(mixes, songs, strict=True):
            part = pairs_of_mix(mix, song, embedding, encoder, content)
            held_out = torch.full_like(part["instrument"], split not in ("train", "extra"), dtype=torch.bool)
            parts.append({**part, "song": torch.full_like(part["instrument"], len(parts)), "held_out": held_out})
    write_pairs(path, {name: torch.cat([part[name] for part in parts]) for name in parts[0]})


def write_pairs(path: Path, pairs: Mapping[str, Tensor]) -> None:
    """Write the parts of `TrackPairs` in 8 bits, each vector in steps of its own; what was heard, standardised.

    Raises ValueError for numbers (of a song, for instance) beyond 255.
    """
    centre, spread = pairs["dry_heard"].mean(dim=0), pairs["dry_heard"].std(dim=0) + LEAST_SPREAD
    arrays = {"centre": centre.numpy(), "spread": spread.numpy(), "held_out": pairs["held_out"].numpy()}
    for name in (*UNIT_VECTORS, *HEARD):
        vectors = (pairs[name] - centre) / spread if name in HEARD else pairs[name]
        arrays[name], arrays[f"{name}_steps"] = pack(vectors)
    for name in NUMBERS:
        if int(pairs[name].max()) > 255:
            raise ValueError(f"a {name} of number {int(pairs[name].max())} does not fit into 8 bits")
        arrays[name] = pairs[name].numpy().astype(np.uint8)
    write_arrays(path, arrays)


def pairs_of_mix(
    mix: Path, song: Path, embedding: EmbeddingConfig, encoder: FxEncoder, content: ContentListener
) -> dict[str, Tensor]:
    """Give the parts of `TrackPairs` of one mix, but for what depends on which song it is.

    mix, song: files of `BuildMix` and `BuildDry`.
    """
    wet, dry = embed_pair(content, mix, song)
    names = [engineer.name for engineer in ENGINEERS]
    with np.load(mix, allow_pickle=False) as file:
        effects = assemble_embeddings(embedding, encoder, file)
        engineer = names.index(str(file["engineer"]))
        wet_heard = torch.from_numpy(file["wet_heard"][0])  # over the whole song
    with np.load(song, allow_pickle=False) as file:
        dry_heard = torch.from_numpy(file["heard"])
        instrument = torch.tensor([INSTRUMENTS.index(str(name)) for name in file["instruments"]])
    return {
        "dry_heard": dry_heard,
        "wet_heard": wet_heard,
        "dry": dry,
        "wet": wet[0],
        "effects": effects,
        "instrument": instrument,
        "engineer": torch.full((len(dry),), engineer),
    }
