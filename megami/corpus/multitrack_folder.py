"""A folder of songs, each a folder of stems: the simplest multitrack dataset."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from torch.nn.functional import pad

from megami.audio import SAMPLE_RATE, Multitrack, read_multitrack
from megami.audio.folder_layout import is_audio_file, layout_of, visible_entries
from megami.errors import UserError

DRY, WET = "dry", "wet"


def is_song(folder: Path) -> bool:
    """Whether `folder` holds the tracks of one song, directly or as datasets lay them out."""
    try:
        return bool(layout_of(folder).tracks)
    except UserError:
        return False


def same_length(first: Multitrack, second: Multitrack) -> tuple[Multitrack, Multitrack]:
    """Both multitracks with zeros at the end of the shorter one."""
    longest = max(first.num_samples, second.num_samples)
    padded = tuple(replace(song, audio=pad(song.audio, (0, longest - song.num_samples))) for song in (first, second))
    return padded[0], padded[1]


class MultitrackFolder:
    """Songs of a folder as multitracks, one per sub-folder with audio files, sorted by name and read when asked for.

    A song is `root/SONG/*.wav` (or another format that is read), or `root/SONG/dry/*` with its mixed tracks of the same
    names in `root/SONG/wet/*`. Other layouts are those of `read_multitrack`. `dataset[i]` is the dry song resampled to
    `sample_rate`; `dataset.pair(i)` is (dry, wet). Raises UserError where `root` is no folder or holds no song.
    """

    def __init__(self, root: str | Path, sample_rate: int = SAMPLE_RATE) -> None:
        self.root = Path(root)
        self.sample_rate = sample_rate
        if not self.root.is_dir():
            raise UserError(f"{self.root} is not a folder: give the folder that holds one sub-folder per song")
        self.folders = tuple(path for path in visible_entries(self.root) if path.is_dir() and is_song(path))
        if not self.folders and any(is_audio_file(path) for path in visible_entries(self.root)):
            raise UserError(f"{self.root} holds stems itself, no songs: give the folder above it")
        if not self.folders:
            raise UserError(f"{self.root} has no sub-folder with audio files: put each song's stems in its own folder")

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the songs, those of their folders."""
        return tuple(folder.name for folder in self.folders)

    def __len__(self) -> int:
        return len(self.folders)

    def __getitem__(self, index: int) -> Multitrack:
        """The dry song number `index`; raises IndexError past the last one, so that a dataset can be looped over."""
        folder = self.folders[index]
        in_dry = all(path.parent == folder / DRY for _, path in layout_of(folder).tracks)
        return read_multitrack(folder / DRY if in_dry else folder, self.sample_rate)

    def has_pair(self, index: int) -> bool:
        """Whether the song comes with its mixed tracks."""
        folder = self.folders[index]
        return all((folder / kind).is_dir() and is_song(folder / kind) for kind in (DRY, WET))

    def pair(self, index: int) -> tuple[Multitrack, Multitrack]:
        """The dry and the mixed tracks of a song, track by track and equally long.

        Raises UserError where the song has no `dry` and `wet` sub-folders with audio, or their names differ.
        """
        folder = self.folders[index]
        if not self.has_pair(index):
            raise UserError(f"{folder} is no dry/wet pair: put its tracks in sub-folders '{DRY}' and '{WET}'")
        dry = read_multitrack(folder / DRY, self.sample_rate)
        wet = read_multitrack(folder / WET, self.sample_rate)
        if dry.names != wet.names:
            odd = ", ".join(sorted(set(dry.names) ^ set(wet.names)))
            raise UserError(f"{folder}: '{DRY}' and '{WET}' must hold files of the same names; without partner: {odd}")
        return same_length(dry, wet)
