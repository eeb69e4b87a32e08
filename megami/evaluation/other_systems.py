"""Mixes of the test songs by other systems: where they lie, how they are read, and what is odd about them.

A folder for each system, in it a folder for each song, in it one or several mixes; or the folders of the songs alone,
for one system. Nothing in them is written to. The page *The benchmark* of the book describes the task.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import pad

from megami.audio import SAMPLE_RATE, integrated_loudness, resample
from megami.audio.files import read_audio_file
from megami.audio.folder_layout import is_audio_file, visible_entries
from megami.audio.kinds import why_not_read
from megami.errors import UserError, as_one_line

LIST = "songs.json"
"""What is in a folder of test songs, as `megami.evaluation.written_songs` lists it."""
Say = Callable[[str], None]
SHORTER_S = 0.05  # what an encoder may lose; a mix that is shorter than the song by more is not all there
LONGER_S = 10.0  # the longest tail; a mix that is longer than the song by more is not of this song
FULL_SCALE = 0.99996  # the loudest sample of 16 bits is 32767/32768
CLIPPED_RUN, CLIPPED_RUNS = 3, 3
LONGEST_NAME = 60
FEWEST_SONGS = 2  # intervals are over songs


@dataclass(frozen=True)
class OtherSystem:
    """A system by the name of its folder, and its mixes: files by name of the test song, in the order of the songs."""

    name: str
    mixes: dict[str, tuple[Path, ...]]

    def digest(self) -> str:
        """Sixteen digits that change with any of the mixes."""
        digest = hashlib.sha256()
        for song, path in ((song, path) for song, paths in self.mixes.items() for path in paths):
            digest.update(f"{song}/{path.name}\0".encode(errors="surrogateescape"))
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
        return digest.hexdigest()[:16]


def find_systems(folder: Path, songs: Sequence[str], taken: Collection[str], most: int, say: Say) -> list[OtherSystem]:
    """Find the systems in `folder`, with at most `most` mixes of each of `songs`, the first by name.

    A folder that has folders of songs itself is one system. `say` hears, in a line each, of what is left out or
    missing. Raises UserError for a folder without mixes, for a system with fewer than FEWEST_SONGS songs, and for a
    name that is among those `taken` or cannot stand in a table.
    """
    if (folder / LIST).exists():
        raise UserError(f"{folder}: holds the dry songs, as {LIST} says: give the folder of what was mixed of them")
    within = [entry for entry in visible_entries(folder) if entry.is_dir()]
    alone = any(entry.name in songs for entry in within)
    found = {}
    for place in [folder.absolute()] if alone else within:
        mixes = _mixes_of(place, songs, say)
        if mixes:
            found[place.resolve().name if alone else place.name] = mixes
        elif not alone:
            say(f"{place} has no mixes in a folder of a test song, so it is no system")
    if not found:
        raise UserError(f"{folder}: has no mixes: put them into SYSTEM/SONG/, where SONG is {songs[0]} to {songs[-1]}")
    for name, mixes in found.items():
        _check_name(name, taken)
        _check_songs(name, mixes, songs, say)
        if many := [song for song, paths in mixes.items() if len(paths) > most]:
            say(f"{name}: of {_listed(many)} there are more than {most} mixes; the first {most} by name are measured")
    return [OtherSystem(name, {s: paths[:most] for s, paths in mixes.items()}) for name, mixes in found.items()]


def _mixes_of(place: Path, songs: Sequence[str], say: Say) -> dict[str, tuple[Path, ...]]:
    """The mixes in the folders of the songs, in the order of both; `say` hears of what lies beside them."""
    entries = visible_entries(place)
    strange = [entry.name for entry in entries if entry.is_dir() and entry.name not in songs]
    named = {entry.name: entry for entry in entries if entry.is_dir() and entry.name in songs}
    if named and strange:
        say(f"{place.name}: not among the {len(songs)} test songs, so not measured: {_listed(strange)}")
    if loose := [entry.name for entry in entries if is_audio_file(entry)]:
        say(f"{place.name}: in no folder of a song, so not measured: {_listed(loose)}")
    mixes = {}
    for song in (song for song in songs if song in named):
        files = [entry for entry in visible_entries(named[song]) if not entry.is_dir()]
        audio = [path for path in files if is_audio_file(path)]
        for path in files:
            if path not in audio and (reason := why_not_read(path)):
                say(f"{place.name}: {song}/{path.name} is not read: {reason}")
        if audio:
            mixes[song] = tuple(sorted(audio, key=_by_number))
    return mixes


def _by_number(path: Path) -> list[tuple[int, str]]:
    """Sorts mix_2 before mix_10."""
    return [(int(part), "") if part.isdecimal() else (0, part) for part in re.split(r"(\d+)", path.name)]


def _listed(names: Sequence[str]) -> str:
    """The first names, and how many there are beyond."""
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return as_one_line(", ".join(names[:3])) + more


def _check_name(name: str, taken: Collection[str]) -> None:
    fits = name[:1].isalnum() and all(sign.isalnum() or sign in " ._+-()" for sign in name)
    if not fits or len(name) > LONGEST_NAME:
        raise UserError(
            f"{as_one_line(name)!r} cannot stand in a table: name the system's folder with letters, digits, blanks "
            f"and ._+-(), {LONGEST_NAME} at most"
        )
    if name in taken or name.startswith("engineer "):
        raise UserError(f"{name!r} is the name of a row of this project's own: name the system's folder otherwise")


def _check_songs(name: str, mixes: dict[str, tuple[Path, ...]], songs: Sequence[str], say: Say) -> None:
    missing = [song for song in songs if song not in mixes]
    if len(mixes) < FEWEST_SONGS:
        raise UserError(
            f"{name}: has mixes of {len(mixes)} of {len(songs)} test songs, and its intervals need {FEWEST_SONGS}: "
            f"missing are {_listed(missing)}"
        )
    if missing:
        say(
            f"{name}: its row stands on {len(mixes)} of {len(songs)} songs, so rows on all songs are no fair "
            f"comparison; missing: {_listed(missing)}"
        )


def read_mix(path: Path, samples: int) -> tuple[Tensor, tuple[str, ...]]:
    """Read a mix of a song of so many samples as [2, samples] at SAMPLE_RATE, and say what is odd about it.

    Another rate is converted, mono is doubled, a tail is cut off, and an end that an encoder lost is silent. Raises
    UserError, naming the file, for what is no audio, silent, of more than two channels, or not as long as the song.
    """
    file = read_audio_file(path)
    audio, odd = file.audio, list(file.oddities)
    if audio.shape[0] > 2:
        raise UserError(f"{path}: has {audio.shape[0]} channels: mixes are stereo")
    if audio.shape[0] == 1:
        odd.append("mono, so heard on both channels")
    if is_clipped(audio):
        odd.append("clipped, so the distortion is measured too")
    if file.sample_rate != SAMPLE_RATE:
        odd.append(f"not at {SAMPLE_RATE} Hz, so converted")
        audio = resample(audio, file.sample_rate, SAMPLE_RATE)
    beyond_s = (audio.shape[-1] - samples) / SAMPLE_RATE
    if not -SHORTER_S <= beyond_s <= LONGER_S:
        lasts = f"lasts {audio.shape[-1] / SAMPLE_RATE:.2f} s, and the song {samples / SAMPLE_RATE:.2f} s"
        raise UserError(f"{path}: {lasts}: a mix begins and ends with the dry tracks of its song")
    if beyond_s > SHORTER_S:
        odd.append("longer than the song, so cut at its end")
    audio = pad(audio[..., :samples], (0, max(0, samples - audio.shape[-1]))).expand(2, -1).contiguous()
    if math.isinf(integrated_loudness(audio, SAMPLE_RATE)):
        raise UserError(f"{path}: is silent: mix it again, or leave it out")
    return audio, tuple(odd)


def is_clipped(audio: Tensor) -> bool:
    """Whether waves are cut off at full scale: several times, so many samples in a row of [channels, samples]."""
    for side in (audio, -audio):
        high = (side >= FULL_SCALE) & (side <= 1.0)
        in_a_row = high.unfold(-1, CLIPPED_RUN, 1).all(-1) if high.shape[-1] >= CLIPPED_RUN else high[..., :0]
        begins = in_a_row & ~torch.roll(in_a_row, 1, -1)
        if int(begins.sum()) >= CLIPPED_RUNS:
            return True
    return False


def check_mixes(systems: Sequence[OtherSystem], samples: int, say: Say) -> None:
    """Read every mix once, before anything takes long; `say` hears of each kind of oddity of a system in one line.

    Raises UserError as `read_mix` does.
    """
    for system in systems:
        found: dict[str, list[str]] = {}
        for song, path in each_mix(system):
            for words in read_mix(path, samples)[1]:
                found.setdefault(words, []).append(f"{song}/{path.name}")
        for words, names in found.items():
            say(f"{system.name}: {words}: {_listed(names)}")


def each_mix(system: OtherSystem) -> Iterator[tuple[str, Path]]:
    """Every mix of a system, song by song."""
    return ((song, path) for song, paths in system.mixes.items() for path in paths)
