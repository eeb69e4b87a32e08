"""What an impulse response says in two numbers: how loud its reverberation is, and how long it lasts."""

from __future__ import annotations

import numpy as np

from megami.session.settings import ReverbSettings

DIRECT_MS = 25.0  # what comes sooner belongs to the direct sound
NOTHING_DB = -60.0  # energy beside the direct sound: below, there is no room
END_DB = -90.0  # energy of what is cut off a response's end, over all of it
LEAST_REVERB_DB = -40.0
FIT_RANGE_DB = (-5.0, -25.0)  # of the decay curve, as in ISO 3382 (T20)


def has_room(impulse: np.ndarray) -> bool:
    """Whether a response [2, samples] does anything but give both channels the same gain."""
    ideal = np.zeros_like(impulse)
    ideal[:, 0] = impulse[:, 0].mean()
    return bool(np.square(impulse - ideal).sum() > 10 ** (NOTHING_DB / 10) * np.square(ideal).sum())


def without_end(impulse: np.ndarray) -> np.ndarray:
    """The response [2, samples] up to where nothing is heard of it any more."""
    left = np.cumsum(np.square(impulse).sum(0)[::-1])[::-1]
    return impulse[:, : max(1, int(np.count_nonzero(left > 10 ** (END_DB / 10) * left[0])))]


def reverb_of(impulse: np.ndarray, sample_rate: int) -> ReverbSettings | None:
    """Level and 60 dB time of what comes after the direct sound in [2, samples]; None where it is hardly there.

    The time is that of Schroeder's backward integral between -5 and -25 dB, times three (ISO 3382).
    """
    begin = int(DIRECT_MS * sample_rate / 1000)
    power = np.square(impulse).sum(0)
    direct, tail = power[:begin].sum(), power[begin:]
    if not direct or not tail.sum() or 10 * np.log10(tail.sum() / direct) < LEAST_REVERB_DB:
        return None
    curve = 10 * np.log10(np.cumsum(tail[::-1])[::-1] / tail.sum() + 1e-12)
    first, last = (int(np.argmax(curve <= level)) for level in FIT_RANGE_DB)
    if last <= first + 1:
        return None
    slope, _ = np.polyfit(np.arange(first, last) / sample_rate, curve[first:last], 1)
    return ReverbSettings(float(10 * np.log10(tail.sum() / direct)), float(-60 / slope))
