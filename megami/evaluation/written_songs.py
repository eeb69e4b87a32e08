"""The test songs as files that any system can mix: a folder of dry stems for each song, and a list of what is in it."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import soundfile
from tqdm import tqdm

from megami import __version__
from megami.audio import write_audio
from megami.audio.files import as_given
from megami.errors import UserError
from megami.evaluation.other_systems import LIST
from megami.evaluation.run import commit
from megami.presets.weight_files import json_bytes, write_atomically
from megami.studio import HELD_OUT_GENRES, Song

README = "README.md"
WORDS = """\
# The test songs of the MEGAMI book

{count} songs of {seconds:g} seconds, each a folder of dry mono stems (FLAC, 24 bit, 44.1 kHz) that begin and end
together. `{list}` says of every song its seed, genre, length and tracks, and of every track what plays, and hashes.
The project's studio composed and played them on this computer, from seeds. As with the sample songs of the book,
nobody claims rights in them (CC0 1.0).

The task: mix each song to stereo, as often as your system has something different to say; up to {most} mixes of a song
are measured. Put them into folders of the system and of the song, with the names that the songs have here, for example

    my_systems/my_system/test_0000/mix_1.wav
    my_systems/my_system/test_0000/mix_2.wav
    my_systems/my_system/test_0001/mix_1.wav

and measure them with

    megami evaluate {quick}--systems my_systems --out my_results.json

The page *The benchmark* of the book has the rules, and says what the row tells.
"""


def check_free(out: Path) -> None:
    """Raise UserError where something is in the folder that songs are to be written to."""
    try:
        if out.exists() and next(out.iterdir(), None) is not None:
            holds = "holds test songs already" if (out / LIST).exists() else "is not empty"
            raise UserError(f"{out} {holds}, and nothing is written over: choose another folder")
    except OSError as error:
        raise UserError(f"{out}: cannot be read ({error.strerror})") from None


def write_songs(out: Path, songs: dict[str, Song], most: int, quick: bool) -> Path:
    """Write the stems of songs by name, a list of them and a README into a new or empty folder; returns the list.

    All of it or nothing, unless the process is killed. `most` mixes of a song are measured, `quick` is the option of
    the command that measures them. Raises UserError where something is in the folder, or it cannot be written.
    """
    check_free(out)
    made = not out.exists()
    partial: Path | None = None
    moved: list[Path] = []
    try:
        out.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(prefix=".megami-songs-", dir=out))
        words = {name: write_stems(partial / name, song) for name, song in tqdm(songs.items(), desc="writing songs")}
        seconds = next(iter(songs.values())).multitrack.seconds
        facts = {"megami": __version__, "commit": commit(), "quick": quick, "songs": words}
        write_atomically(partial / LIST, json_bytes(facts))
        text = WORDS.format(count=len(songs), seconds=seconds, list=LIST, most=most, quick="--quick " if quick else "")
        write_atomically(partial / README, text.encode("utf-8"))
        for name in [*songs, README, LIST]:
            if (out / name).exists():
                raise UserError(f"{out / name} came meanwhile, and nothing is written over: choose another folder")
            (partial / name).rename(out / name)
            moved.append(out / name)
    except OSError as error:
        _take_back(moved)
        raise UserError(f"writing into {out} failed ({error.strerror or error}): choose another folder") from None
    except BaseException:
        _take_back(moved)
        raise
    finally:
        if partial is not None:
            shutil.rmtree(partial, ignore_errors=True)
        if made and out.is_dir() and next(out.iterdir(), None) is None:
            out.rmdir()
    return out / LIST


def write_stems(folder: Path, song: Song) -> dict[str, Any]:
    """Write the dry tracks of a song, and return what the list says of it.

    `samples_sha256` is of the samples as soundfile.read(dtype="int32") gives them, little-endian, so that another
    encoder's FLAC, or a WAV, can be compared.
    """
    tracks = []
    rate = song.multitrack.sample_rate
    for index, name in enumerate(song.multitrack.names):
        path = write_audio(folder / f"{index + 1:02d} {file_name(name)}.flac", song.multitrack.audio[index], rate)
        samples, _ = soundfile.read(as_given(path), dtype="int32")
        tracks.append(
            {
                "file": path.name,
                "role": song.roles[index],
                "instrument": song.instruments[index],
                "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
                "samples_sha256": hashlib.sha256(samples.astype("<i4").tobytes()).hexdigest(),
            }
        )
    return {
        "seed": song.seed,
        "genre": song.genre,
        "genre_held_out": song.genre in HELD_OUT_GENRES,
        "sample_rate": rate,
        "samples": song.multitrack.num_samples,
        "tracks": tracks,
    }


def file_name(track: str) -> str:
    """The name of a track with nothing in it that some system does not allow in the name of a file."""
    return "".join(sign if sign.isalnum() or sign in " -_" else "_" for sign in track).strip()


def _take_back(paths: Sequence[Path]) -> None:
    """Remove what was moved into place, all of which this run wrote."""
    for path in paths:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
