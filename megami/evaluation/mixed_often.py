"""One shipped song, mixed many times by every engineer: a distribution of mixes that is known well in many dimensions.

Of each track in each mix it keeps the two numbers that the book draws (level over the rest, position), the twenty
descriptors, and what the Mix Gym measures in a passage of eight seconds. They ship as book/data/mixed_often.npz for the
chapters "What a mix engineer does" and "Many right answers".
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from megami.corpus.guitar_points import level_over_rest_db, pan_position
from megami.corpus.parallel import build_files, write_arrays
from megami.embeddings import dynamics_features
from megami.evaluation.measures.descriptors import descriptors
from megami.evaluation.measures.tracks_in_mix import track_measures
from megami.studio import ENGINEERS, Song
from megami.studio.sample_songs import sample_song

DIGITS = 4
PASSAGE_S = (4.0, 12.0)
"""The part of the song that the Mix Gym plays."""
KEPT = ("points", "descriptors", "measures")


@dataclass(frozen=True)
class MixedOften:
    """What many mixes of one song did to each track.

    points       [engineers, mixes, tracks, 2]: level over the rest (dB), position (-1 left to 1 right)
    descriptors  [engineers, mixes, tracks, 20], in the order and units of `descriptors.NAMES`
    measures     [engineers, mixes, tracks, 5] of PASSAGE_S, in the order and units of `tracks_in_mix.NAMES`
    tracks, engineers  names; mix k of an engineer is `engineer.mix(song, seed=k)`
    """

    points: np.ndarray
    descriptors: np.ndarray
    measures: np.ndarray
    tracks: tuple[str, ...]
    engineers: tuple[str, ...]


def read_mixed_often(path: Path | str) -> MixedOften:
    """Read the file of `make_mixed_often`."""
    with np.load(path, allow_pickle=False) as file:
        names = (tuple(map(str, file[key])) for key in ("tracks", "engineers"))
        return MixedOften(file["points"], file["descriptors"], file["measures"], *names)


def porch_light(samples: Path | str) -> Song:
    """Give the sample song Porch Light, out of the folder of sample songs, as engineers take it."""
    return sample_song(Path(samples) / "porch_light")


def make_mixed_often(path: Path, samples: Path, folder: Path, mixes: int) -> None:
    """Let every engineer mix Porch Light `mixes` times, and write to `path` what became of its tracks.

    `folder` keeps what is known of each mix, so that an interrupted run goes on.
    """
    parts = [[folder / f"{engineer:02}_{seed:04}.npz" for seed in range(mixes)] for engineer in range(len(ENGINEERS))]
    by_seed = [part for of_one_seed in zip(*parts, strict=True) for part in of_one_seed]
    build_files(MeasureMix(samples), by_seed, title="mixes of Porch Light")
    found = [[dict(np.load(part, allow_pickle=False)) for part in row] for row in parts]
    arrays = {key: np.stack([[one[key] for one in row] for row in found]) for key in KEPT}
    arrays["tracks"] = np.array(porch_light(samples).multitrack.names)
    arrays["engineers"] = np.array([engineer.name for engineer in ENGINEERS])
    write_arrays(path, arrays)


@dataclass(frozen=True)
class MeasureMix:
    """Make the mix that a file is named after, by engineer and seed, and keep what became of its tracks."""

    samples: Path

    def __call__(self, path: Path) -> None:
        engineer, seed = map(int, path.stem.split("_"))
        found = measure_mix(porch_light(self.samples), engineer, seed)
        write_arrays(path, dict(zip(KEPT, found, strict=True)))


def measure_mix(song: Song, engineer: int, seed: int) -> tuple[np.ndarray, ...]:
    """Give what one mix did to its tracks: points [tracks, 2], descriptors [tracks, 20], measures [tracks, 5]."""
    wet, rate = ENGINEERS[engineer].mix(song, seed).tracks, song.multitrack.sample_rate
    dynamics = dynamics_features(wet, rate).numpy()
    levels = [level_over_rest_db(dynamics, track) for track in range(len(wet))]
    points = np.stack([np.array(levels), pan_position(dynamics)], axis=-1)
    measures = track_measures(wet[..., passage(rate)], rate).numpy()
    return tuple(
        np.round(found.astype(np.float32), DIGITS) for found in (points, descriptors(wet, rate).numpy(), measures)
    )


def passage(sample_rate: int) -> slice:
    """The samples of PASSAGE_S."""
    return slice(*(round(second * sample_rate) for second in PASSAGE_S))
