"""What mixing gives: the mix, its wet tracks, and what was decided for each."""

from __future__ import annotations

import math
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from torch import Tensor

from megami.audio import SAMPLE_RATE, Multitrack, db_to_gain, write_audio
from megami.errors import UserError
from megami.mixing.amounts import between, read_amounts
from megami.mixing.hearing import TakenFor
from megami.mixing.wishes import Outcome

if TYPE_CHECKING:
    from megami.mixing.mixer import Mixer
    from megami.mixing.rendering import Rendering
    from megami.session import TrackSettings

FULL_SCALE = 0.999
LOWEST_MIX_RATE = 8000  # Hz; below, a mix would have nothing of what a processor adds, and no loudness is defined


@dataclass(frozen=True, eq=False)
class Origin:
    """What a mix was made from: the mixer, and the song as it was mixed (mono where its stems were averaged).

    rendering makes mixes of the song by other plans; None for a mix that is no longer what its plan says.
    """

    mixer: Mixer
    song: Multitrack
    rendering: Rendering | None = None


@dataclass(frozen=True, eq=False)
class Mix:
    """One mix of a song.

    audio [2, samples] is brought to the target loudness and limited; tracks [tracks, 2, samples] are the wet tracks
    whose sum it is but for the limiter; embeddings [tracks, dim] say what was done to each (zeros for silent tracks);
    taken_for says what each track was heard as (None for silent tracks, and for networks that have no words for it).
    sample_rate is the song's own; outcomes say what became of the wishes, if there were any; followed names the stem of
    another song that each track was treated like, if there were such; origin is what the mix was made from, for
    `amount`, `towards`, `settings` and `export`, and lasts as long as the mix does.
    """

    audio: Tensor
    tracks: Tensor
    embeddings: Tensor
    names: tuple[str, ...]
    taken_for: tuple[TakenFor | None, ...] = ()
    sample_rate: int = SAMPLE_RATE
    outcomes: tuple[Outcome, ...] = ()
    followed: tuple[str | None, ...] = ()
    origin: Origin | None = field(default=None, repr=False)

    def save(self, path: str | Path) -> Path:
        """Write the mix as 24-bit WAV or FLAC, by the suffix, over a file that is there already.

        Raises UserError if the place cannot be written.
        """
        return write_audio(path, self.audio, self.sample_rate)

    def amount(self, everything: float = 1.0, **some: float | None) -> Mix:
        """Less of what this mix does: at 1 this mix, at 0 the dry tracks as they are, summed.

        `some` are amounts of single respects, for which that of `everything` does not count: level, tone, dynamics,
        space, width (see `megami.mixing.amounts.RESPECTS`). Rendered anew. Raises UserError for other amounts and
        respects, for networks without an effect encoder, and for a mix that no mixer made.
        """
        amounts, rendering = read_amounts(everything, **some), self._rendering()
        return self._part_of_the_way(rendering, rendering.neutral_of_all(), self.embeddings, amounts)

    def towards(self, other: Mix, share: float, **some: float | None) -> Mix:
        """Part of the way to another mix of the same tracks: at 0 this mix, at 1 the other's plan.

        `some` as in `amount`. Rendered anew. Raises UserError if the other mix has other tracks or is of other
        networks, and as `amount` does.
        """
        if set(other.names) != set(self.names):
            raise UserError(f"the other mix has other tracks: {', '.join(other.names)}, not {', '.join(self.names)}")
        theirs = other.embeddings[[other.names.index(name) for name in self.names]]
        if theirs.shape != self.embeddings.shape:
            raise UserError("the other mix was made by networks whose plans have another size")
        amounts, rendering = read_amounts(share, **some), self._rendering()
        return self._part_of_the_way(rendering, self.embeddings, theirs, amounts)

    def _rendering(self) -> Rendering:
        if self.origin is None or self.origin.rendering is None:
            raise UserError("this mix does not know its song: only a mix that a mixer has just made can be changed")
        return self.origin.rendering

    def _part_of_the_way(self, rendering: Rendering, start: Tensor, end: Tensor, amounts: dict[str, float]) -> Mix:
        """The mix between two plans [tracks, dim]; tracks that are silent in one of them stay as in this mix."""
        playing = start.any(-1) & end.any(-1) & self.embeddings.any(-1)
        plan = self.embeddings.clone()
        plan[playing] = between(rendering.embedding, start[playing], end[playing], amounts)
        return rendering.mix_of_all(plan)

    def settings(self) -> dict[str, TrackSettings]:
        """What was done to each track, by its name, in the terms of an engineer: plain numbers with units.

        Read from the knobs of the structured processor; estimated from dry and wet where there are none (the TCN), and
        marked as such. `as_dict()` of each gives what JSON can hold. Renders every track once more. Raises UserError
        for a mix that does not know what it was made from. Chapter 5 explains the chain.
        """
        from megami.mixing.export import strips_of  # here, because most mixes need none of it

        return {strip.settings.name: strip.settings for strip in strips_of(self)}

    def export(self, path: str | Path) -> Path:
        """Write the mix as a session that other programs open: .dawproject, or .rpp with a folder of audio beside it.

        Dry tracks with fader, pan, equaliser, compressor and impulse response, each with its wet track beside it,
        muted. Several mixes as takes of one session: `megami.mixing.export.export_mixes`. Raises UserError for another
        suffix, where something is there already, and where the place cannot be written.
        """
        from megami.mixing.export import export_mixes  # here, because most mixes need none of it

        return export_mixes([self], path)

    @property
    def turned_down_db(self) -> float:
        """How much all wet tracks are turned down together when saved, so that none clips; mostly 0."""
        peak = max((float(track.abs().max()) for track in self.tracks), default=0.0)
        return 20.0 * math.log10(max(peak / FULL_SCALE, 1.0))

    def save_tracks(self, folder: str | Path, suffix: str = ".wav", overwrite: bool = False) -> list[Path]:
        """Write every wet track, NAME.wav or NAME.flac, at its level in the mix less `turned_down_db`.

        The names are those of the stems, so a file that is there already may be a stem: raises UserError, and writes
        nothing, unless it may be overwritten.
        """
        paths = [Path(folder) / f"{file_name(name)}{suffix}" for name in self.names]
        for path in paths:
            if paths.count(path) > 1:
                raise UserError(f"two tracks would be saved as {path.name}: give them other names")
            if not overwrite and os.path.lexists(path):
                raise UserError(f"{path} is there already: save into another folder, or with overwrite=True")
        gain = db_to_gain(-self.turned_down_db)
        return [
            write_audio(path, track * gain, self.sample_rate) for path, track in zip(paths, self.tracks, strict=True)
        ]


def mix_rate(sample_rate: int) -> int:
    """The sample rate of the mixes of a song: its own, but from 8 kHz on."""
    return sample_rate if sample_rate >= LOWEST_MIX_RATE else SAMPLE_RATE


def file_name(name: str) -> str:
    """A track's name as the name of a file; names that do not come from files may hold separators."""
    return re.sub(r"[/\\\0]", "_", name)
