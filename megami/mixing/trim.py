"""Trims: faders and pans that are moved after a mix was made, by hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch

from megami.audio import db_to_gain, master_and_measure
from megami.audio.large import large_map
from megami.errors import UserError
from megami.mixing.hearing import known_track, sum_by_name
from megami.mixing.mix import Mix
from megami.session.devices import balance_gains

LARGEST_TRIM_DB = 40.0


@dataclass(frozen=True)
class Trim:
    """What is done to a wet track: a gain in dB, and a balance from -1 (left) to 1 (right) on top of its own.

    The balance turns the far channel down and leaves the near one. Raises UserError for numbers that mean nothing.
    """

    gain_db: float = 0.0
    pan: float = 0.0

    def __post_init__(self) -> None:
        for what, value, most in (("gain", self.gain_db, LARGEST_TRIM_DB), ("pan", self.pan, 1.0)):
            if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= most:
                raise UserError(f"the {what} of a trim must be a number from {-most:g} to {most:g}, not {value!r}")

    @property
    def gains(self) -> torch.Tensor:
        """Amplitudes of left and right: [2, 1]."""
        return torch.from_numpy(balance_gains(self.pan)).float()[:, None] * db_to_gain(self.gain_db)


def trimmed(mix: Mix, trims: Mapping[str, Trim], loudness_lufs: float = -16.0) -> Mix:
    """A mix whose wet tracks are turned up or down and panned, by name; their sum is mastered again.

    loudness_lufs: what the new sum is brought to. The mix itself stays as it is, and is what comes back without trims.
    A trimmed mix has settings and can be exported, but knows no amounts: those are of the plan, which has no trims.
    Raises UserError for tracks that the mix does not have.
    """
    moved = {known_track(name, mix.names): trim for name, trim in trims.items() if trim != Trim()}
    if not moved:
        return mix
    gains = [moved.get(name, Trim()).gains for name in mix.names]
    tracks = large_map(lambda index: mix.tracks[index] * gains[index], range(len(mix.names)))
    mastered = master_and_measure(sum_by_name(mix.names, tracks), mix.sample_rate, loudness_lufs)
    origin = None if mix.origin is None else replace(mix.origin, rendering=None)
    return replace(mix, audio=mastered.audio, tracks=tracks.mul_(mastered.gain), origin=origin)
