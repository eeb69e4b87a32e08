"""Mixing in two dimensions: where five engineers put the guitar of many songs, its level and its position.

Two numbers instead of a song's whole plan can be drawn, and everything that the book says about distributions of mixes
can be seen on them. The points ship with the book as book/data/guitar_points.npz; the chapters "Many right answers"
and "Diffusion from scratch" use them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from megami.corpus.parallel import build_files, write_arrays
from megami.corpus.songs import load_song
from megami.studio import ENGINEERS, Song
from megami.studio.engineers.decisions import level_over_rest_lu, pan_position
from megami.studio.engineers.listening import activity, region_levels_db

GUITARS = ("acoustic guitar", "electric guitar", "distorted guitar")
REGIONS = ("low", "low mids", "mids", "presence", "high")
CONDITIONS = (
    *(f"guitar's power in the {region} (dB)" for region in REGIONS),
    "share of time in which the guitar plays",
    "number of tracks",
    "number of guitars",
    "number of voices",
)
CONDITION_DIGITS = 4


@dataclass(frozen=True)
class GuitarPoints:
    """Level over the rest (LU) and position (-1 left to 1 right) of one guitar in each of many songs.

    points       [songs, engineers, 2], one mix of each song by each engineer
    conditions   [songs, len(CONDITIONS)], what can be known of the song without a mix of it
    song_seeds   [songs]
    engineers    names, in the order of `points`
    often        [few songs, engineers, mixes, 2]: the first songs again, mixed many times by each engineer
    """

    points: np.ndarray
    conditions: np.ndarray
    song_seeds: np.ndarray
    engineers: tuple[str, ...]
    often: np.ndarray


def read_guitar_points(path: Path | str) -> GuitarPoints:
    """Read the points of `make_guitar_points`."""
    with np.load(path, allow_pickle=False) as file:
        names = tuple(map(str, file["engineers"]))
        return GuitarPoints(file["points"], file["conditions"], file["song_seeds"], names, file["often"])


def make_guitar_points(
    path: Path, songs: Sequence[Path], folder: Path, mixes: int, often_songs: int, often_mixes: int
) -> None:
    """Let all engineers mix the first `mixes` songs that have a guitar, and write to `path` where they put it.

    songs: files of `build_songs`, read in this order until there are enough. The first `often_songs` are mixed
    `often_mixes` times by each engineer. `folder` keeps what is known of each song, so that an interrupted run goes on.
    Raises ValueError if too few of the songs have a guitar.
    """
    chosen = [file for file in songs if guitar_of(load_song(file)) is not None][:mixes]
    if len(chosen) < mixes:
        raise ValueError(
            f"{len(chosen)} of {len(songs)} songs have a guitar beside the lead, but {mixes} are asked for"
        )
    parts = [folder / f"{file.stem}.npz" for file in chosen]
    few, many = slice(None, often_songs), slice(often_songs, None)
    build_files(MeasureSong(chosen[0].parent, often_mixes), parts[few], title="songs mixed often")
    build_files(MeasureSong(chosen[0].parent, 1), parts[many], title="songs mixed once")
    found = [dict(np.load(part, allow_pickle=False)) for part in parts]
    arrays = {
        "points": np.stack([part["points"][:, 0] for part in found]),
        "conditions": np.stack([part["conditions"] for part in found]),
        "song_seeds": np.array([part["seed"] for part in found]),
        "engineers": np.array([engineer.name for engineer in ENGINEERS]),
        "often": np.stack([part["points"] for part in found[few]]),
    }
    write_arrays(path, arrays)


@dataclass(frozen=True)
class MeasureSong:
    """Let every engineer mix the song that a file is named after, `mixes` times, and keep where its guitar went."""

    songs: Path
    mixes: int

    def __call__(self, path: Path) -> None:
        song = load_song(self.songs / path.name)
        guitar = guitar_of(song)
        assert guitar is not None
        points, conditions = points_of(song, guitar, self.mixes), conditions_of(song, guitar)
        write_arrays(path, {"points": points, "conditions": conditions, "seed": np.array(song.seed)})


def guitar_of(song: Song) -> int | None:
    """Give the number of the first guitar that accompanies; None if there is none."""
    for number, (role, instrument) in enumerate(zip(song.roles, song.instruments, strict=True)):
        if instrument in GUITARS and role != "lead":
            return number
    return None


def conditions_of(song: Song, guitar: int) -> np.ndarray:
    """Give what CONDITIONS names, [9]: of the dry guitar, and of the band around it."""
    dry, rate = song.multitrack.audio[guitar].numpy(), song.multitrack.sample_rate
    counts = (
        len(song.roles), sum(name in GUITARS for name in song.instruments), sum(r == "vocal" for r in song.roles),
    )  # fmt: skip
    values = (*region_levels_db(dry, rate), activity(dry, rate), *counts)
    return np.round(np.array(values, dtype=np.float32), CONDITION_DIGITS)


def points_of(song: Song, guitar: int, mixes: int) -> np.ndarray:
    """Give level and position of the guitar in `mixes` mixes by each engineer: [engineers, mixes, 2]."""
    points = np.zeros((len(ENGINEERS), mixes, 2), dtype=np.float32)
    for row, engineer in enumerate(ENGINEERS):
        for seed in range(mixes):
            tracks = engineer.mix(song, seed).tracks.numpy()
            level = level_over_rest_lu(tracks, guitar, song.multitrack.sample_rate)
            points[row, seed] = level, pan_position(tracks[guitar])
    return np.round(points, CONDITION_DIGITS)
