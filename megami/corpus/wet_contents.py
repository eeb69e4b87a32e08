"""Content of wet tracks in five mixes of each song: how differently one song sounds to a content encoder.

Small enough to ship with the book (book/data/wet_contents.npz), beside the plans of the same mixes
(`megami.corpus.band_plans`). The chapter "Domain adaptation" uses it to show what adapted content gives away.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from megami.corpus.band_plans import BandPlans, features_of_songs, pack, pad_tracks, unpack
from megami.corpus.datasets import ContentListener, embed_pair
from megami.corpus.features import dry_paths, mix_paths
from megami.corpus.parallel import write_arrays
from megami.corpus.songs import CorpusConfig, load_song, song_paths
from megami.studio import ENGINEERS


def read_wet_contents(path: Path | str, bands: BandPlans) -> tuple[BandPlans, Tensor]:
    """Read the file of `make_wet_contents`: those of the bands that it knows, and the content of their wet tracks.

    Content is [songs, engineers, tracks, content dim], unit vectors, padded with zeros as the plans of the bands are.
    """
    with np.load(path, allow_pickle=False) as file:
        counts, seeds = file["tracks"].tolist(), file["seeds"].tolist()
        contents = unpack(file["contents"], file["content_steps"])  # [engineers, all tracks, dim]
    kept = bands.take([bands.seeds.index(seed) for seed in seeds])
    padded = pad_tracks(contents.transpose(0, 1), counts).transpose(1, 2)
    wider = padded.new_zeros(*padded.shape[:2], kept.mask.shape[1], padded.shape[-1])
    wider[:, :, : padded.shape[2]] = padded
    return kept, wider


def make_wet_contents(
    path: Path,
    cache: Path,
    config: CorpusConfig,
    songs: dict[str, int],
    content: ContentListener,
    workers: int | None = None,
) -> None:
    """Hear the wet tracks in every engineer's mix of the first songs of some splits, and write it to `path`, in 8 bits.

    `songs`, `cache` and `workers` as for `make_band_plans`; so are the mixes.
    """
    places = [
        (split, number)
        for split, count in songs.items()
        for number in range(features_of_songs(cache, config, split, count, workers))
    ]
    parts = [contents_of_song(cache, config, split, number, content) for split, number in places]
    contents, steps = pack(torch.cat(parts, dim=1))
    seeds = [load_song(song_paths(cache, split, config)[number]).seed for split, number in places]
    write_arrays(
        path,
        {
            "contents": contents,
            "content_steps": steps,
            "tracks": np.array([part.shape[1] for part in parts], dtype=np.uint8),
            "seeds": np.array(seeds),
        },
    )


def contents_of_song(cache: Path, config: CorpusConfig, split: str, number: int, content: ContentListener) -> Tensor:
    """Content [engineers, tracks, dim] of the wet tracks of one song of a split, over the whole song."""
    first, names = number * config.mixes_per_song, [engineer.name for engineer in ENGINEERS]
    song = dry_paths(cache, split, config)[number]
    by_engineer: dict[int, Tensor] = {}
    for mix in mix_paths(cache, split, config)[first : first + len(names)]:
        with np.load(mix, allow_pickle=False) as file:
            engineer = names.index(str(file["engineer"]))
        by_engineer[engineer] = embed_pair(content, mix, song)[0][0]
    return torch.stack([by_engineer[row] for row in range(len(names))])
