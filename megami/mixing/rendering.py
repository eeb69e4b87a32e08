"""From plans to mixes of one song: rendered, brought to their loudness, and able to be rendered again otherwise."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

import torch
from torch import Tensor

from megami.audio import (
    SAMPLE_RATE,
    Multitrack,
    fold_to_mono,
    framed_level_db,
    large_zeros,
    master_and_measure,
    resample,
)
from megami.embeddings import EmbeddingConfig
from megami.errors import warn_of_song
from megami.mixing.amounts import Amounts, between, neutral_plan
from megami.mixing.hearing import TakenFor, sum_by_name
from megami.mixing.mix import Mix, Origin, mix_rate
from megami.mixing.quiet_tracks import raised_noise
from megami.mixing.ready_song import ReadySong
from megami.mixing.wishes import Outcome
from megami.processor import Known
from megami.progress import Progress

if TYPE_CHECKING:
    from megami.mixing.mixer import Mixer

T = TypeVar("T")
QUIETER_LU = 1.0  # than asked for: from there on a mix is named


@dataclass(frozen=True, eq=False)
class Rendering:
    """A song that has been heard, and all that its mixes have in common; plans are of the tracks that play."""

    mixer: Mixer
    ready: ReadySong
    loudness_lufs: float
    taken_for: tuple[TakenFor, ...]
    seed: int
    followed: tuple[str | None, ...] = ()  # stems of another song, by track that plays
    known: tuple[Known, ...] | None = None  # what one mix has measured of the dry tracks, for the others

    def mix(
        self,
        plan: Tensor,
        what: str = "this mix",
        outcomes: tuple[Outcome, ...] = (),
        progress: Progress | None = None,
    ) -> Mix:
        """Render a plan [playing, dim]; warns of what is odd about the mix, which is called `what`."""
        song, levels = self.ready.song, self.ready.levels_db
        wet = self.mixer.process(self.ready.heard, plan, self.seed, progress, self.known)
        with self.mixer.steady():
            mix, loudness = self._finish(plan, _at_rate_of_song(wet, song))
        warn_of_song(too_quiet(what, loudness, self.loudness_lufs))
        for index, margin in self.ready.noisy.items():
            reached = float(framed_level_db(mix.tracks[index], mix.sample_rate).max())
            warn_of_song(raised_noise(what, song.names[index], margin, levels[index], reached))
        return replace(mix, outcomes=outcomes, origin=Origin(self.mixer, song, self))

    def mix_of_all(self, plan: Tensor) -> Mix:
        """As `mix`, by a plan of all tracks of the song [tracks, dim]; what it says of silent ones does not count."""
        return self.mix(plan[list(self.ready.playing)])

    def in_part(self, plans: Tensor, amounts: Amounts) -> Tensor:
        """Plans [mixes, playing, dim] of which only so much is done; themselves without amounts."""
        if not amounts:
            return plans
        nothing = self.neutral()
        return torch.stack([between(self.embedding, nothing, plan, amounts) for plan in plans])

    def neutral(self) -> Tensor:
        """The plan under which nothing is done: [playing, dim]."""
        networks = self.mixer.networks
        preset = networks.preset
        with self.mixer.steady():
            dry = fold_to_mono(self.ready.heard.audio)
            return neutral_plan(dry, preset.embedding, networks.fx_encoder, preset.segment_seconds)

    def neutral_of_all(self) -> Tensor:
        """The same for all tracks of the song [tracks, dim]: zeros for silent ones."""
        return with_silent(self.neutral(), self.ready.playing, len(self.ready.song.names))

    @property
    def embedding(self) -> EmbeddingConfig:
        """What plans are made of."""
        return self.mixer.preset.embedding

    def _finish(self, drawn: Tensor, wet: Tensor) -> tuple[Mix, float]:
        """Give the silent tracks their places and bring the sum to its loudness; also gives that which it reached."""
        song, playing = self.ready.song, self.ready.playing
        names, rate = song.names, mix_rate(song.sample_rate)
        tracks, embeddings = wet, with_silent(drawn, playing, len(names))
        if len(playing) < len(names):
            tracks = large_zeros(len(names), *wet.shape[1:], like=wet)
            for index, track in zip(playing, wet, strict=True):
                tracks[index] = track
        total = sum_by_name([names[index] for index in playing], wet)
        mastered = master_and_measure(total, rate, self.loudness_lufs)
        heard_as = self._of_all(self.taken_for)  # no entries without a stem bank
        followed = self._of_all(self.followed) if any(self.followed) else ()
        mix = Mix(mastered.audio, tracks.mul_(mastered.gain), embeddings, names, heard_as, rate, followed=followed)
        return mix, mastered.loudness_lufs

    def _of_all(self, values: Sequence[T]) -> tuple[T | None, ...]:
        """What is known of the tracks that play, for all tracks: None for the others."""
        by_track = dict(zip(self.ready.playing, values, strict=False))
        return tuple(by_track.get(index) for index in range(len(self.ready.song.names)))


def with_silent(plan: Tensor, playing: Sequence[int], tracks: int) -> Tensor:
    """A plan of the tracks that play [playing, dim] as one of all [tracks, dim]: zeros for the silent ones."""
    return plan.new_zeros(tracks, plan.shape[-1]).index_copy_(0, torch.tensor(list(playing)), plan)


def _at_rate_of_song(wet: Tensor, song: Multitrack) -> Tensor:
    """Wet tracks [tracks, 2, n] at the rate of the song's mixes, and as long as the song, sample by sample."""
    rate = mix_rate(song.sample_rate)
    if rate == SAMPLE_RATE:
        return wet
    out = large_zeros(len(wet), 2, song.num_samples, like=wet)
    for track, place in zip(wet, out, strict=True):
        converted = resample(track, SAMPLE_RATE, rate)[..., : song.num_samples]
        place[:, : converted.shape[-1]] = converted
    return out


def too_quiet(what: str, loudness_lufs: float, target_lufs: float) -> list[str]:
    """A line about a mix that stays quieter than was asked for; none if it does not."""
    if target_lufs - loudness_lufs <= QUIETER_LU:
        return []
    if loudness_lufs == -math.inf:
        return [
            f"{what}: no loudness can be measured (it is constant, below hearing, or very quiet), so it stays as it is"
        ]
    reached = f"{what}: its loudness is {loudness_lufs:.1f} LUFS, not {target_lufs:g}"
    return [f"{reached}: its peaks are too high above it (sparse clicks, or sound below hearing)"]
