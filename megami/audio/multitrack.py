"""A song as its separate tracks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from megami.audio.arrays import as_float_audio, hint_to_transpose
from megami.audio.large import large_map
from megami.audio.rate import check_rate
from megami.errors import UserError, as_one_line


@dataclass(frozen=True, eq=False)
class Multitrack:
    """The tracks of one song, all of one length, rate and number of channels.

    `audio` is float32 [tracks, channels, samples] with 1 or 2 channels, full scale ±1, in the order of `names`.
    `warnings` are the lines about what reading found odd; what is made of a song with `dataclasses.replace` or `select`
    keeps them. Raises UserError for no tracks, no samples, wrong shape, duplicate or empty names, NaN or infinite
    samples.
    """

    names: tuple[str, ...]
    audio: Tensor
    sample_rate: int
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", tuple(self.names))
        object.__setattr__(self, "warnings", tuple(map(as_one_line, self.warnings)))
        object.__setattr__(self, "audio", as_float_audio(self.audio, "multitrack audio"))
        _check_shape(self.names, self.audio)
        check_names(self.names)
        if not isinstance(self.sample_rate, int):
            raise UserError(f"sample rate must be a whole number of hertz, not {self.sample_rate!r}")
        check_rate(self.sample_rate, "multitrack")
        for name, track in zip(self.names, self.audio, strict=True):
            check_finite(track, f"track {name!r}")

    @property
    def num_tracks(self) -> int:
        """How many tracks there are."""
        return self.audio.shape[0]

    @property
    def num_samples(self) -> int:
        """Length of every track in samples."""
        return self.audio.shape[-1]

    @property
    def seconds(self) -> float:
        """Length of every track in seconds."""
        return self.num_samples / self.sample_rate

    def mono(self) -> Tensor:
        """Mean over channels, [tracks, 1, samples]: what the networks take as dry tracks; a mono song's own audio."""
        if self.audio.shape[1] == 1:
            return self.audio
        return large_map(lambda track: track.mean(dim=0, keepdim=True), self.audio)

    def as_mono(self) -> Multitrack:
        """The same song with every track averaged to mono."""
        return self if self.audio.shape[1] == 1 else replace(self, audio=self.mono())

    def sum(self) -> Tensor:
        """All tracks added as they are, [2, samples] (mono doubled): the raw mix that every mix is compared with."""
        return self.audio.sum(dim=0).expand(2, -1).clone()

    def select(self, indices: Sequence[int]) -> Multitrack:
        """The multitrack of the tracks at `indices`, in that order."""
        indices = [int(index) for index in indices]
        audio = large_map(lambda index: self.audio[index], indices)
        return replace(self, names=tuple(self.names[index] for index in indices), audio=audio)


def check_names(names: Sequence[str]) -> None:
    """Raise UserError where a track has no name or two have the same."""
    if any(not isinstance(name, str) or not name.strip() for name in names):
        raise UserError("every track needs a name that is not empty")
    duplicates = sorted({name for name in names if list(names).count(name) > 1})
    if duplicates:
        raise UserError(f"more than one track is named {', '.join(map(repr, duplicates))}: give each its own name")


def check_finite(audio: Tensor, what: str) -> None:
    """Raise UserError, naming `what`, where a sample is NaN or infinite."""
    if not torch.isfinite(audio).all():
        raise UserError(f"{what} has NaN or infinite samples: export it again or leave it out")


def _check_shape(names: tuple[str, ...], audio: Tensor) -> None:
    if audio.ndim != 3 or audio.shape[1] not in (1, 2):
        hint = hint_to_transpose(tuple(audio.shape))
        raise UserError(f"multitrack audio must be [tracks, 1 or 2 channels, samples], not {list(audio.shape)}{hint}")
    if audio.shape[0] == 0 or audio.shape[-1] == 0:
        raise UserError("a multitrack needs at least one track and one sample")
    if len(names) != audio.shape[0]:
        raise UserError(f"{len(names)} names for {audio.shape[0]} tracks")
