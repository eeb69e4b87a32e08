"""Mixing in two dimensions: where five engineers put the guitar of many songs, its level and its position.

Two numbers instead of a song's whole plan can be drawn, and everything that the book says about distributions of mixes
can be seen on them. The points ship with the book as book/data/guitar_points.npz; the chapters "Many right answers"
and "Diffusion from scratch" use them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from megami.corpus.parallel import build_files, write_arrays
from megami.corpus.songs import load_song
from megami.embeddings import dynamics_features
from megami.studio import ENGINEERS, Song
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
DIGITS = 4


@dataclass(frozen=True)
class GuitarPoints:
    """Level over the rest (dB) and position (-1 left to 1 right) of one guitar in each of many songs.

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


def level_over_rest_db(dynamics: np.ndarray, track: int) -> float:
    """Give the level of one wet track over that of all others together, in dB.

    dynamics: [tracks, 8] of `megami.embeddings.dynamics_features`, whose first two are the levels of the left and the
    right channel in their loudest 400 ms. Powers of channels and tracks add up.
    """
    power = (10 ** (dynamics[:, :2].astype(np.float64) / 10)).sum(-1)
    return float(10 * np.log10(power[track] / np.delete(power, track).sum()))


def pan_position(dynamics: np.ndarray) -> np.ndarray:
    """Give the position of wet tracks between the loudspeakers, [tracks]: -1 left, 0 middle, 1 right.

    It is where a pan pot of constant power would stand that shared out the tracks' energies like this. dynamics:
    [tracks, 8] of `megami.embeddings.dynamics_features`, whose last is the imbalance of energy.
    """
    imbalance = np.clip(dynamics[:, -1].astype(np.float64), -1, 1)
    return 4 / math.pi * np.arctan2(np.sqrt(1 + imbalance), np.sqrt(1 - imbalance)) - 1


def guitar_of(song: Song) -> int | None:
    """Give the number of the first guitar that accompanies; None if there is none."""
    for number, (role, instrument) in enumerate(zip(song.roles, song.instruments, strict=True)):
        if instrument in GUITARS and role != "lead":
            return number
    return None


def conditions_of(song: Song, guitar: int) -> np.ndarray:
    """Give what CONDITIONS names, [9]: of the dry guitar, and of the band around it."""
    dry, rate = song.multitrack.audio[guitar].numpy(), song.multitrack.sample_rate
    values = (
        *region_levels_db(dry, rate),
        activity(dry, rate),
        len(song.roles),
        sum(name in GUITARS for name in song.instruments),
        sum(role == "vocal" for role in song.roles),
    )
    return np.round(np.array(values, dtype=np.float32), DIGITS)


def point_of(dynamics: np.ndarray, guitar: int) -> np.ndarray:
    """Give level and position of the guitar, [2], from the descriptors of a mix's tracks [tracks, 8]."""
    point = level_over_rest_db(dynamics, guitar), pan_position(dynamics)[guitar]
    return np.round(np.array(point, dtype=np.float32), DIGITS)


def make_guitar_points(
    path: Path, songs: Sequence[Path], folder: Path, number: int, often_songs: int, often_mixes: int
) -> None:
    """Write where all engineers put the guitar of the first `number` songs that have one.

    songs: files of `build_songs` whose mixes `build_features` has described beside them; they are read in this order
    until there are enough. The first `often_songs` are mixed anew, `often_mixes` times by each engineer, which `folder`
    keeps, so that an interrupted run goes on. Raises ValueError if too few of the songs have a guitar.
    """
    chosen = [file for file in songs if guitar_of(load_song(file)) is not None][:number]
    if len(chosen) < number:
        raise ValueError(
            f"{len(chosen)} of {len(songs)} songs have a guitar beside the lead, but {number} are asked for"
        )
    often = [folder / file.name for file in chosen[:often_songs]]
    build_files(MixOften(chosen[0].parent, often_mixes), often, title="songs mixed often")
    found = [measure_song(file) for file in tqdm(chosen, desc="guitars", mininterval=1.0)]
    arrays = {
        "points": np.stack([points for points, _, _ in found]),
        "conditions": np.stack([conditions for _, conditions, _ in found]),
        "song_seeds": np.array([seed for _, _, seed in found]),
        "engineers": np.array([engineer.name for engineer in ENGINEERS]),
        "often": np.stack([np.load(file, allow_pickle=False)["points"] for file in often]),
    }
    write_arrays(path, arrays)


def measure_song(path: Path) -> tuple[np.ndarray, np.ndarray, int]:
    """Give a song's points [engineers, 2], its conditions and its seed, from the corpus."""
    song = load_song(path)
    guitar = guitar_of(song)
    assert guitar is not None
    points = np.zeros((len(ENGINEERS), 2), dtype=np.float32)
    names = [engineer.name for engineer in ENGINEERS]
    for file in described_mixes(path):
        with np.load(file, allow_pickle=False) as mix:
            points[names.index(str(mix["engineer"]))] = point_of(mix["dynamics"], guitar)
    return points, conditions_of(song, guitar), song.seed


def described_mixes(path: Path) -> list[Path]:
    """Give the files of `build_features` for the mixes of a song, one by each engineer."""
    return [path.parents[1] / "mixes" / f"{path.stem}_{number:02d}.npz" for number in range(len(ENGINEERS))]


@dataclass(frozen=True)
class MixOften:
    """Let every engineer mix the song that a file is named after, `mixes` times, and keep where its guitar went."""

    songs: Path
    mixes: int

    def __call__(self, path: Path) -> None:
        song = load_song(self.songs / path.name)
        guitar = guitar_of(song)
        assert guitar is not None
        points = [
            [point_of(dynamics_features(engineer.mix(song, seed).tracks).numpy(), guitar) for seed in range(self.mixes)]
            for engineer in ENGINEERS
        ]
        write_arrays(path, {"points": np.array(points)})
