"""Tracks that hardly sound: which are too quiet to be mixed, and which are noise that a mix would turn up."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from megami.audio import SAMPLE_RATE, SILENT_DB, framed_level_db
from megami.processor.render import SHORTEST_SECONDS

NOTHING_DB = -90.0  # a track whose loudest 400 ms lie below this holds the noise of 16 bits or less, and is not missed
NOISE_BELOW_DB = -45.0  # recordings of which anything is louder were made to be heard
LEAST_SIGNAL_TO_NOISE_DB = 10.0
NOISE_FRAME_S = 0.05  # short enough for the pauses between notes
QUIETEST_SHARE = 0.1  # of the time that a track is not digital silence: what sounds then is its noise
TURNED_UP_DB = 6.0


def levels_db(audio: Tensor) -> list[float]:
    """Level of the loudest 400 ms of the louder channel of each track of [tracks, channels, samples] in dB.

    Each channel is judged by itself, since a sum may be quieter than both.
    """
    short = max(0, int(SHORTEST_SECONDS * SAMPLE_RATE) - audio.shape[-1])
    return [float(framed_level_db(F.pad(track, (0, short)), SAMPLE_RATE).max()) for track in audio]


def left_out(names: Sequence[str], levels: Sequence[float]) -> list[str]:
    """A line for each track that has a sound, but one too quiet to take part."""
    return [
        f"track {name!r} is left out, for its loudest 400 ms lie at {level:.0f} dB, below {SILENT_DB:g} dB: if it is "
        "to be heard, turn its file up"
        for name, level in zip(names, levels, strict=True)
        if NOTHING_DB <= level < SILENT_DB
    ]


def signal_to_noise_db(track: Tensor) -> float:
    """How far the loudest 400 ms of [channels, samples] lie above the quietest tenth of the time, in frames of 50 ms.

    Digital silence does not count.
    """
    frame = round(NOISE_FRAME_S * SAMPLE_RATE)
    power = F.pad(track, (0, -track.shape[-1] % frame)).unflatten(-1, (-1, frame)).square().mean(dim=-1).amax(dim=0)
    playing = power[power > 10.0 ** (2.0 * NOTHING_DB / 10.0)].sort().values
    if not len(playing):
        return 0.0
    noise_db = float(10.0 * torch.log10(playing[int(QUIETEST_SHARE * len(playing))]))
    return float(framed_level_db(track, SAMPLE_RATE).max()) - noise_db


def noisy_tracks(dry: Tensor, levels: Sequence[float]) -> dict[int, float]:
    """Which of [tracks, channels, samples] are quiet and less than 10 dB above their noise, and how far they are."""
    found = {}
    for index, (track, level) in enumerate(zip(dry, levels, strict=True)):
        if SILENT_DB <= level < NOISE_BELOW_DB:
            margin = signal_to_noise_db(track)
            if margin < LEAST_SIGNAL_TO_NOISE_DB:
                found[index] = margin
    return found


def raised_noise(what: str, name: str, margin_db: float, dry_db: float, wet_db: float) -> list[str]:
    """A line about a noisy track that a mix turns up; none if it hardly does."""
    if wet_db - dry_db < TURNED_UP_DB:
        return []
    return [
        f"{what}: track {name!r} may be mostly noise (its loudest 400 ms lie {margin_db:.0f} dB above its pauses)"
        f" and is turned up by {wet_db - dry_db:.0f} dB, from {dry_db:.0f} to {wet_db:.0f} dB: clean it or leave it out"
    ]
