"""Who mixes the segments of a data set's songs: MEGAMI, plain sums that it has to beat, others, and the engineer."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from megami.audio import SAMPLE_RATE, Multitrack, db_to_gain, integrated_loudness
from megami.errors import SongWarning, UserError
from megami.evaluation.other_systems import OtherSystem, read_mix
from megami.evaluation.real_data.settings import DataSettings
from megami.evaluation.real_data.songs import TestSong, dry_segment, engineers_mix
from megami.mixing.mixer import Mixer

REFERENCE, ORACLE = "reference", "engineer_elsewhere"
OWN_SYSTEMS: Mapping[str, str] = {
    "megami": "**MEGAMI**",
    "equal_loudness": "equal loudness",
    "raw_sum": "raw sum",
    ORACLE: "the engineers, other segments (oracle)",
}
"""Names of the rows that are always there, and what the table calls them."""


class MixesSongs(Protocol):
    """Gives the mixes of a song's segments, each [2, samples]."""

    def __call__(self, song: TestSong) -> list[Tensor]: ...


@dataclass(frozen=True)
class Systems:
    """All systems by name; `title` says what the table calls them."""

    mix: dict[str, MixesSongs]
    titles: dict[str, str]


def own_systems(mixer: Mixer, settings: DataSettings) -> dict[str, MixesSongs]:
    """MEGAMI, the two sums, the engineer's mix at these segments (the reference) and at others (the oracle)."""
    return {
        REFERENCE: partial(segments_of_engineer, settings=settings, elsewhere=False),
        "megami": partial(mixed, settings=settings, mix=partial(mix_by_megami, mixer, settings)),
        "equal_loudness": partial(mixed, settings=settings, mix=equally_loud_sum),
        "raw_sum": partial(mixed, settings=settings, mix=lambda dry, seed: dry.sum()),
        ORACLE: partial(segments_of_engineer, settings=settings, elsewhere=True),
    }


def mixed(song: TestSong, settings: DataSettings, mix: Callable[[Multitrack, int], Tensor]) -> list[Tensor]:
    """Mix every segment of a song by itself; a seed comes with each. Where all tracks are silent, so is the mix."""
    found = []
    for number, start in enumerate(song.segments):
        dry = dry_segment(song, start, settings.samples)
        seed = int(np.random.default_rng([settings.seed, number, start]).integers(2**31))
        found.append(torch.zeros(2, settings.samples) if dry is None else mix(dry, seed))
    return found


def mix_by_megami(mixer: Mixer, settings: DataSettings, dry: Multitrack, seed: int) -> Tensor:
    """One draw: the sum of the wet tracks, before mastering. What is odd about a segment is not said for each."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SongWarning)
        (mix,) = mixer.mix(dry, seed=seed, sampling=settings.sampling)
    return mix.tracks.sum(dim=0)


def equally_loud_sum(dry: Multitrack, seed: int) -> Tensor:
    """Every track that sounds as loud as the others (BS.1770), summed in the middle."""
    whole = torch.zeros(2, dry.num_samples)
    for track in dry.audio:
        both = track.expand(2, -1)
        loudness = integrated_loudness(both, SAMPLE_RATE)
        if np.isfinite(loudness):
            whole += both * db_to_gain(-30.0 - loudness)
    return whole


def segments_of_engineer(song: TestSong, settings: DataSettings, elsewhere: bool) -> list[Tensor]:
    """The engineer's mix at the segments that are measured, or at the others."""
    starts = song.others if elsewhere else song.segments
    return [engineers_mix(song.song, start, settings.samples) for start in starts]


def mixes_by_others(system: OtherSystem, settings: DataSettings) -> MixesSongs:
    """Mixes of whole songs, cut where the segments are. A song that the system lacks gives no segments."""

    def cut(song: TestSong) -> list[Tensor]:
        paths = system.mixes.get(song.song.name, ())[:1]
        wholes = [read_mix(path, song.samples)[0] for path in paths]
        return [whole[:, start : start + settings.samples] for whole in wholes for start in song.segments]

    return cut


def check_others(systems: list[OtherSystem], songs: list[TestSong], say: Callable[[str], None]) -> None:
    """Read every mix once, before anything takes long. Raises UserError as `read_mix` does."""
    for system in systems:
        for song in songs:
            for path in system.mixes.get(song.song.name, ())[:1]:
                for words in read_mix(path, song.samples)[1]:
                    say(f"{system.name}: {path.parent.name}/{path.name}: {words}")
    if len({system.name for system in systems}) < len(systems):
        raise UserError("two folders of --systems hold a system of the same name: name one of them otherwise")
