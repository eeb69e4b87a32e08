"""Songs whose samples are of another scale than ±1: what is far too loud is turned down before anything is measured."""

from __future__ import annotations

from dataclasses import replace

import torch

from megami.audio.large import large_map
from megami.audio.multitrack import Multitrack

LOUDEST_FLOAT = 1000.0  # times full scale; beyond it, no mixer was only turned up too far


def within_scale(song: Multitrack) -> tuple[Multitrack, list[str]]:
    """Give a song whose tracks are within a thousand times full scale, and a line about each that was turned down.

    Those are brought to a peak of full scale: powers of 1e15 and more overflow single precision, and all would be NaN.
    """
    peaks = torch.stack([track.abs().amax() for track in song.audio])
    loud = peaks > LOUDEST_FLOAT
    if not bool(loud.any()):
        return song, []
    lines = [
        f"track {name!r} has a peak of {float(peak):.3g} times full scale: it was turned down to full scale"
        for name, peak, too_loud in zip(song.names, peaks, loud, strict=True)
        if too_loud
    ]
    divisors = torch.where(loud, peaks, 1.0)
    audio = large_map(lambda index: song.audio[index] / divisors[index], range(len(song.audio)))
    return replace(song, audio=audio), lines
