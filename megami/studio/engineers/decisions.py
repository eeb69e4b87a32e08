"""Two decisions of an engineer, measured on the wet tracks: how loud a track is against the rest, and where it is."""

from __future__ import annotations

import math

import numpy as np

from megami.studio.engineers.listening import loudness


def level_over_rest_lu(tracks: np.ndarray, track: int, sample_rate: int) -> float:
    """Give the loudness of one wet track over that of all others together, in LU.

    tracks: [tracks, 2, samples], at least two of them, of which `track` is measured. Source: ITU-R BS.1770 (gated
    loudness). The chapter "Many right answers" draws it.
    """
    rest = np.delete(tracks, track, axis=0).sum(0)
    return loudness(tracks[track], sample_rate) - loudness(rest, sample_rate)


def pan_position(track: np.ndarray) -> float:
    """Give the position of a wet track [2, samples] between the loudspeakers: -1 left, 0 middle, 1 right.

    It is where a pan pot of constant power would stand that shared out the track's energy like this. Silence is in the
    middle. The chapter "Many right answers" draws it.
    """
    left, right = np.sqrt(np.square(track, dtype=np.float64).mean(-1))
    return 4 / math.pi * math.atan2(right, left) - 1 if left + right > 0 else 0.0
