"""A session: for every take, each dry track in a channel of its own with the wet track beside it, muted."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from megami.session.devices import Device, balance_gains, play

SILENT_POWER = 1e-12
UNSAFE = re.compile(r'[\x00-\x1f<>:"/\\|?*`\']')  # in names of files, on one system or another
LONGEST_NAME = 60


@dataclass(frozen=True, eq=False)
class Channel:
    """A track that plays one clip from the start: audio [1 or 2, samples] through devices, fader and pan.

    file: where the clip lies in the session. volume: amplitude of the fader. pan: -1 left to 1 right, as a balance.
    """

    name: str
    file: str
    audio: np.ndarray
    volume: float = 1.0
    pan: float = 0.0
    muted: bool = False
    devices: tuple[Device, ...] = ()

    def render(self, sample_rate: int) -> np.ndarray:
        """What is heard of it when it is not muted: [2, samples]."""
        return play(self.devices, self.audio, sample_rate) * self.volume * balance_gains(self.pan)[:, None]


@dataclass(frozen=True, eq=False)
class TrackPair:
    """A track twice: dry with all that is done to it, and as it was rendered (wet, muted)."""

    dry: Channel
    wet: Channel

    def residual_db(self, sample_rate: int) -> float:
        """The null test: power of what is left when the wet track is taken from the played dry one, over its own.

        -inf where nothing is left or the wet track is silent.
        """
        wet = self.wet.render(sample_rate)
        power = np.square(wet).sum()
        left = np.square(self.dry.render(sample_rate) - wet).sum()
        if power < SILENT_POWER or left == 0.0:
            return -math.inf
        return float(10 * math.log10(left / power))


@dataclass(frozen=True, eq=False)
class Take:
    """One mix of the song; all takes but one are muted as groups."""

    name: str
    tracks: tuple[TrackPair, ...]
    muted: bool = False

    def channels(self) -> Iterator[Channel]:
        """All channels, each dry one before its wet one."""
        for pair in self.tracks:
            yield from (pair.dry, pair.wet)


@dataclass(frozen=True, eq=False)
class Session:
    """Takes of one song at one sample rate; ceiling_db: of the limiter on the master, where there is one."""

    title: str
    sample_rate: int
    takes: tuple[Take, ...]
    ceiling_db: float | None = None

    @property
    def seconds(self) -> float:
        """Length of the longest clip."""
        lengths = [channel.audio.shape[-1] for take in self.takes for channel in take.channels()]
        return max(lengths, default=0) / self.sample_rate

    def null_test(self, take: int = 0) -> dict[str, float]:
        """Residual of every track of a take in dB: how far our own reading of the session is from the wet track.

        What the equalisers and compressors of another program make of the same numbers is not said by this.
        """
        return {pair.dry.name: pair.residual_db(self.sample_rate) for pair in self.takes[take].tracks}


def safe_names(names: tuple[str, ...]) -> list[str]:
    """A file name without suffix for each track: numbered, so no two are the same, and valid on every system."""
    return [
        f"{number:02d} {UNSAFE.sub('_', name).strip(' .')[:LONGEST_NAME] or 'track'}"
        for number, name in enumerate(names, 1)
    ]
