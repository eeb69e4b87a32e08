"""What mixing gives: the mix, its wet tracks, and what was decided for each."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from megami.audio import SAMPLE_RATE, db_to_gain, write_audio

FULL_SCALE = 0.999


@dataclass(frozen=True, eq=False)
class Mix:
    """One mix of a song.

    audio [2, samples] is brought to the target loudness and limited; tracks [tracks, 2, samples] are the wet tracks
    whose sum it is but for the limiter; embeddings [tracks, dim] say what was done to each (zeros for silent tracks).
    """

    audio: Tensor
    tracks: Tensor
    embeddings: Tensor
    names: tuple[str, ...]
    sample_rate: int = SAMPLE_RATE

    def save(self, path: str | Path) -> Path:
        """Write the mix as 24-bit WAV or FLAC, by the suffix; raises UserError if the place cannot be written."""
        return write_audio(path, self.audio, self.sample_rate)

    @property
    def turned_down_db(self) -> float:
        """How much all wet tracks are turned down together when saved, so that none clips; mostly 0."""
        peak = max((float(track.abs().max()) for track in self.tracks), default=0.0)
        return 20.0 * math.log10(max(peak / FULL_SCALE, 1.0))

    def save_tracks(self, folder: str | Path, suffix: str = ".wav") -> list[Path]:
        """Write every wet track, NAME.wav or NAME.flac, at its level in the mix less `turned_down_db`."""
        gain = db_to_gain(-self.turned_down_db)
        return [
            write_audio(Path(folder) / f"{_file_name(name)}{suffix}", track * gain, self.sample_rate)
            for name, track in zip(self.names, self.tracks, strict=True)
        ]


def _file_name(name: str) -> str:
    """A track's name as the name of a file; names that do not come from files may hold separators."""
    return re.sub(r"[/\\\0]", "_", name)
