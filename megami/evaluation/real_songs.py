"""Real songs have no reference mixes; but one can check: is every track heard, and does none drown the rest?"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from megami.audio import (
    SAMPLE_RATE,
    Multitrack,
    db_to_gain,
    fold_to_mono,
    framed_power,
    integrated_loudness,
    resample,
)
from megami.audio.track_names import role_of_name
from megami.errors import UserError
from megami.evaluation.measures.descriptors import NAMES, descriptors
from megami.presets.weight_files import write_atomically
from megami.studio.engineers.engineer import MIX_LEVEL_DB
from megami.studio.engineers.listening import framed_level

INAUDIBLE_DB = -30.0  # of a track below the mix, where it plays
DOMINATING_DB = -0.7  # a track that makes up 85 % of the mix's power where it plays
BURIED_LU = -8.0  # a vocal this far below all other tracks together
PLAYS_DB = 30.0  # a track plays where its dry level is within this of its loudest moment


@dataclass(frozen=True)
class Checked:
    """A mix at the level of all mixes: descriptors by name, and how loud its tracks are.

    track_level_db is relative to the mix; over_rest_lu is the loudness (BS.1770) over that of all others together.
    """

    title: str
    mix: dict[str, float]
    track_level_db: np.ndarray  # [tracks], where the track plays; NaN for silent tracks
    over_rest_lu: np.ndarray  # [tracks]; NaN for silent tracks and for a song of one

    @property
    def inaudible(self) -> list[int]:
        """Tracks that cannot be heard where they play."""
        return [int(i) for i in np.flatnonzero(self.track_level_db < INAUDIBLE_DB)]

    @property
    def dominating(self) -> list[int]:
        """Tracks beside which the others hardly count; none in a song of one or two tracks."""
        if len(self.track_level_db) < 3:
            return []
        return [int(i) for i in np.flatnonzero(self.track_level_db > DOMINATING_DB)]


def check_mix(title: str, dry: Tensor, wet: Tensor, sample_rate: int) -> Checked:
    """Measure one mix: dry [tracks, 1, n], wet [tracks, 2, n]."""
    mix = sum_of(wet)
    gain = db_to_gain(MIX_LEVEL_DB - framed_level(mix.numpy(), sample_rate))
    wet, mix = wet * gain, mix * gain
    levels = levels_in_mix(dry, wet, sample_rate)
    named = dict(zip(NAMES, descriptors(mix[None], sample_rate)[0].tolist(), strict=True))
    return Checked(title, named, levels, over_rest_lu(wet, sample_rate))


def levels_in_mix(dry: Iterable[Tensor], wet: Tensor, sample_rate: int) -> np.ndarray:
    """Level of each wet track [tracks, 2, n] in dB of their sum, where the dry one [1, n] plays; NaN for silent ones.

    Where a dry track plays, is measured in frames of 400 ms: the median over those within PLAYS_DB of its loudest.
    """
    whole = _power(sum_of(wet), sample_rate)
    levels = []
    for source, track in zip(dry, wet, strict=True):
        heard = _power(source, sample_rate)
        plays = heard > heard.max() * 10 ** (-PLAYS_DB / 10)
        if heard.max() < 1e-6:
            levels.append(np.nan)
            continue
        power = _power(track, sample_rate)
        levels.append(float(np.median(10 * np.log10((power[plays] + 1e-12) / (whole[plays] + 1e-12)))))
    return np.array(levels)


def sum_of(wet: Tensor) -> Tensor:
    """The sum of wet tracks [tracks, 2, n], one at a time: they may lie in a file that memory does not hold."""
    whole = torch.zeros_like(wet[0])
    for track in wet:
        whole += track
    return whole


def flags_of_mix(song: Multitrack, wet: Tensor, sample_rate: int, taken_for: Sequence[str] = ()) -> list[str]:
    """Say in a line each which tracks of a mix are inaudible or drown the rest, and which vocals are buried.

    wet [tracks, 2, n] is at `sample_rate`, in the order of the song's tracks; taken_for says what each was heard as.
    """
    length = wet.shape[-1]
    dry = (
        F.pad(heard, (0, length - heard.shape[-1]))  # where rates differ, by a sample or so
        for heard in (resample(fold_to_mono(track[None])[0], song.sample_rate, sample_rate) for track in song.audio)
    )
    checked = Checked("", {}, levels_in_mix(dry, wet, sample_rate), np.full(len(wet), np.nan))
    lines = [
        f"{song.names[track]} is {word} ({checked.track_level_db[track]:.1f} dB of the mix)"
        for word, tracks in (("inaudible", checked.inaudible), ("dominating", checked.dominating))
        for track in tracks
    ]
    vocals = vocals_among(song.names, taken_for)
    for track, under in zip(vocals, over_rest_lu(wet, sample_rate, vocals), strict=True):
        if under < BURIED_LU:
            lines.append(f"the vocal {song.names[track]} lies {-under:.1f} LU under the rest")
    return lines


def vocals_among(names: Sequence[str], taken_for: Sequence[str]) -> list[int]:
    """Which tracks were taken for vocals, or have names that say that they are."""
    return [
        index
        for index, name in enumerate(names)
        if role_of_name(name) == "vocal" or "".join(taken_for[index : index + 1]).startswith("vocal")
    ]


def over_rest_lu(wet: Tensor, sample_rate: int, tracks: Sequence[int] | None = None) -> np.ndarray:
    """Loudness of each wet track [tracks, 2, n] over that of the others' sum, in LU: [tracks], or of the given ones."""
    whole, asked = sum_of(wet), list(range(len(wet)) if tracks is None else tracks)
    own = np.array([integrated_loudness(wet[track], sample_rate) for track in asked])
    rest = np.array([integrated_loudness(whole - wet[track], sample_rate) for track in asked])
    with np.errstate(invalid="ignore"):
        return np.where(np.isfinite(own) & np.isfinite(rest), own - rest, np.nan)


def _power(audio: Tensor, sample_rate: int) -> np.ndarray:
    """Mean power [frames] of [channels, n] over its channels, in frames of 400 ms."""
    return framed_power(audio.double(), sample_rate).mean(0).numpy()


def raw_sum_of(song: Multitrack) -> Tensor:
    """The dry tracks on both channels, at the system's rate: [tracks, 2, n]."""
    dry = resample(song.mono(), song.sample_rate, SAMPLE_RATE)
    return dry.expand(-1, 2, -1).contiguous().to(torch.float32)


@dataclass(frozen=True)
class RealSong:
    """The mixes of one song, the raw sum first, and the names of its tracks.

    taken_for: role and instrument that each track was taken for; empty where the networks have no words for it.
    """

    tracks: tuple[str, ...]
    mixes: tuple[Checked, ...]
    taken_for: tuple[str, ...] = ()

    @property
    def vocals(self) -> list[int]:
        """Tracks that were taken for vocals, or whose names say that they are."""
        return vocals_among(self.tracks, self.taken_for)


def write_real_songs(path: Path, songs: dict[str, RealSong], made_by: dict[str, Any]) -> None:
    """Keep what was measured about real songs as JSON, whole or not at all. Raises UserError if that cannot be done."""
    kept = {
        title: {
            "tracks": song.tracks,
            "taken_for": song.taken_for,
            "mixes": [
                {
                    "title": one.title,
                    "mix": {name: round(value, 3) for name, value in one.mix.items()},
                    "track_level_db": numbers_or_none(one.track_level_db),
                    "over_rest_lu": numbers_or_none(one.over_rest_lu),
                }
                for one in song.mixes
            ],
        }
        for title, song in songs.items()
    }
    text = json.dumps({"made_by": made_by, "songs": kept}, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    write_atomically(path, text.encode("utf-8"))


def numbers_or_none(values: np.ndarray) -> list[float | None]:
    """Values as JSON has them: three decimals, null for what is not a number."""
    return [None if np.isnan(value) else round(float(value), 3) for value in values]


def read_real_songs(path: Path) -> tuple[dict[str, RealSong], dict[str, Any]]:
    """Read a file of `write_real_songs`: (songs by title, made_by). Raises UserError if it is not one."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        songs = {
            title: RealSong(
                tuple(song["tracks"]), tuple(_read_mix(one) for one in song["mixes"]), tuple(song["taken_for"])
            )
            for title, song in content["songs"].items()
        }
        return songs, content["made_by"]
    except (OSError, ValueError, KeyError, TypeError):
        raise UserError(
            f"{path} has no measured songs: write it with scripts/compare_real_songs.py --out {path}"
        ) from None


def _read_mix(one: dict[str, Any]) -> Checked:
    levels, over_rest = (
        np.array([np.nan if value is None else value for value in one[key]])
        for key in ("track_level_db", "over_rest_lu")
    )
    return Checked(one["title"], one["mix"], levels, over_rest)
