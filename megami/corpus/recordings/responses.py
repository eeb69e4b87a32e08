"""Impulse responses for the published reverb: recorded ones from a folder, or rooms made by this package."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.random import default_rng

from megami.audio import SAMPLE_RATE, read_audio, resample
from megami.audio.folder_layout import is_audio_file
from megami.effects.reverb import room_response
from megami.errors import UserError


class Responses(Protocol):
    """Impulse responses by number."""

    def __len__(self) -> int: ...

    def load(self, number: int, sample_rate: int = SAMPLE_RATE) -> np.ndarray:
        """The response with that number, direct sound included: float32 [2, samples], not to be written into."""
        ...

    def mark(self) -> list[str]:
        """What these responses are, for the key of a cache."""
        ...


@dataclass(frozen=True)
class SyntheticResponses:
    """Rooms made by this package: a direct sound, then reflections and noise that decays exponentially, in stereo.

    Decays from 0.2 to 3 s, high frequencies damped from 1.5 to 12 kHz on, and a reverb 12 to 0 dB below the direct
    sound; all drawn by the response's number.
    """

    count: int = 400

    def __len__(self) -> int:
        return self.count

    def load(self, number: int, sample_rate: int = SAMPLE_RATE) -> np.ndarray:
        rng = default_rng([7, number])
        decay_s, damping_hz = np.exp(rng.uniform(np.log((0.2, 1500.0)), np.log((3.0, 12000.0)))).tolist()
        start = int(rng.uniform(0.0, 0.02) * sample_rate)
        room = room_response(decay_s, damping_hz, number, sample_rate)
        response = np.zeros((2, start + room.shape[-1]), dtype=np.float32)
        response[:, start:] = np.float32(10 ** (rng.uniform(-12.0, 0.0) / 20)) * room
        response[:, 0] += 1.0
        return response

    def mark(self) -> list[str]:
        return [f"{self.count} rooms of this package"]


ROOMS = SyntheticResponses()
"""What stands in for recorded responses where there are none."""


@dataclass(frozen=True)
class RecordedResponses:
    """Impulse responses from audio files: one channel is doubled, of more than two the first two are taken."""

    paths: tuple[Path, ...]
    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.paths)

    def load(self, number: int, sample_rate: int = SAMPLE_RATE) -> np.ndarray:
        """Read a response at this rate. Raises UserError for a file that cannot be read, or is silent."""
        return _load(self.paths[number], sample_rate)

    def mark(self) -> list[str]:
        return [f"{name} {path.stat().st_size}" for name, path in zip(self.names, self.paths, strict=True)]


@lru_cache(maxsize=64)
def _load(path: Path, sample_rate: int) -> np.ndarray:
    audio, rate = read_audio(path)
    response = resample(audio[:2], rate, sample_rate).expand(2, -1).contiguous().numpy()
    if not response.any():
        raise UserError(f"{path}: an impulse response of nothing but zeros")
    response.flags.writeable = False
    return response


def recorded_responses(folder: str | Path) -> RecordedResponses:
    """List the impulse responses in a folder and all folders below it. Raises UserError where there are none."""
    root = Path(folder)
    if not root.is_dir():
        raise UserError(f"{root}: no such folder of impulse responses")
    paths = tuple(sorted(path for path in root.rglob("*") if path.is_file() and is_audio_file(path)))
    if not paths:
        raise UserError(f"{root}: holds no audio file, so no impulse response")
    return RecordedResponses(paths, tuple(path.relative_to(root).as_posix() for path in paths))
