"""Folding stereo tracks to mono: what the networks hear and decide from, while the track itself keeps its image."""

from __future__ import annotations

import torch
from torch import Tensor

from megami.audio.large import large_map
from megami.audio.multitrack import Multitrack

LEAST_KEPT_DB = -6.0
"""Channels cancel if their sum keeps less of their power than this; unrelated channels keep -3 dB, equal ones all."""


def has_image(track: Tensor) -> bool:
    """Whether the channels of a track [channels, samples] differ."""
    return len(track) == 2 and not torch.equal(track[0], track[1])


def channels_cancel(track: Tensor) -> bool:
    """Whether the sum of the channels of a track [channels, samples] loses more than 6 dB, and their difference less.

    Without what is constant in them, which nobody hears.
    """
    if not has_image(track):
        return False
    centred = track.double() - track.mean(dim=-1, keepdim=True)
    kept = centred.mean(dim=0).square().mean()
    return bool(kept < 10.0 ** (LEAST_KEPT_DB / 10.0) * centred.square().mean())


def fold_to_mono(audio: Tensor) -> Tensor:
    """Fold [tracks, 1 or 2, samples] to [tracks, 1, samples]: the mean of the channels.

    Where channels cancel, half of left minus right, which then keeps more than the sum does. Equal channels give
    exactly the one.
    """
    if audio.shape[1] == 1:
        return audio
    return large_map(_folded, audio)


def _folded(track: Tensor) -> Tensor:
    """One track [2, samples] as [1, samples]."""
    folded = (track[0] - track[1]) / 2.0 if channels_cancel(track) else track.mean(dim=0)
    return folded[None]


def cancelling_tracks(song: Multitrack) -> list[str]:
    """A line for each track whose channels cancel when they are summed."""
    return [
        f"track {name!r}: its channels cancel when summed (one is upside down, or nearly): it was heard as left minus "
        "right, and will be missing where the mix is played in mono"
        for name, track in zip(song.names, song.audio, strict=True)
        if channels_cancel(track)
    ]
