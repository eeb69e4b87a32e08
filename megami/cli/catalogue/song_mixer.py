"""Mixing song after song with networks that are loaded once, and what is known of each afterwards."""

from __future__ import annotations

import json
import time
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from megami.audio import Multitrack, find_song
from megami.cli.catalogue.sameness import settings_of, stems_seen
from megami.cli.manifest import MANIFEST, file_sha256
from megami.cli.mix_job import MixJob, load_mixer, run_mix
from megami.errors import UserError, as_one_line
from megami.mixing.mix import Mix
from megami.mixing.mixer import Mixer
from megami.progress import Progress, silent


@dataclass(frozen=True)
class Song:
    """A song to mix: its name in the catalogue, and its job, whose `out` is the song's own folder."""

    name: str
    job: MixJob


@dataclass(frozen=True)
class Ended:
    """What became of a song: the line of the ledger if it was mixed, else what the problem was.

    said: what is odd about it, in a line each. is_bug: the problem is not the user's, and `trace` says where it lies.
    """

    name: str
    line: dict[str, Any] | None = None
    problem: str = ""
    said: tuple[str, ...] = ()
    is_bug: bool = False
    trace: str = ""


class FlaggingMixer(Mixer):
    """A mixer that also says of each mix that it makes which tracks nobody hears, or which drown the rest."""

    flags: list[str]

    def iterate_mixes(self, song: Multitrack, *arguments: Any, **options: Any) -> Iterator[Mix]:
        """Do as any mixer, and keep the flags of these mixes."""
        from megami.evaluation.real_songs import flags_of_mix  # here, because a mix by itself needs none of it

        self.flags = []
        for number, one in enumerate(super().iterate_mixes(song, *arguments, **options), start=1):
            taken_for = ["" if taken is None else taken.role for taken in one.taken_for]
            found = flags_of_mix(song, one.tracks, one.sample_rate, taken_for)
            self.flags += [f"mix {number}: {as_one_line(line)}" for line in found]
            yield one
            del one


class SongMixer:
    """Mixes one song after the other; holds the networks.

    `options` is a job whose weights, processor and compat count. Raises UserError where these cannot be loaded.
    """

    def __init__(self, options: MixJob, device: str, weights_sha256: str, threads: int | None = None) -> None:
        if threads is not None:
            torch.set_num_threads(threads)
        self.weights_sha256 = weights_sha256
        mixer = load_mixer(replace(options, device=device), FlaggingMixer)
        assert isinstance(mixer, FlaggingMixer)
        self.mixer = mixer

    def mix(self, song: Song, progress: Progress = silent) -> Ended:
        """Mix a song into its folder. What goes wrong with it is said, not raised; an interruption is raised."""
        said: list[str] = []
        begun = time.monotonic()
        try:
            # Before it is mixed: who changes a stem meanwhile will find the song mixed anew.
            tracks = stems_seen(find_song(song.job.stems, song.job.use_all))
            settings = settings_of(song.job, self.weights_sha256)
            run_mix(song.job, self.mixer, progress, said.append)
            row = {**row_of(song.job.out, self.mixer.flags), "mixing_s": round(time.monotonic() - begun, 1)}
        except (UserError, OSError) as error:
            return Ended(song.name, problem=in_one_line(error), said=tuple(said))
        except Exception as error:
            problem = f"a fault of this program, which we would like to know of ({type(error).__name__}: {error})"
            return Ended(song.name, None, in_one_line(problem), tuple(said), True, traceback.format_exc())
        line = {
            "song": song.name,
            "stems": str(song.job.stems.resolve()),
            "settings": settings,
            "tracks": tracks,
            "mixes": file_sha256(song.job.out / MANIFEST),
            "row": row,
        }
        return Ended(song.name, line, said=tuple(said))


def row_of(out: Path, flags: list[str]) -> dict[str, Any]:
    """What the report says of a song that was mixed into `out`."""
    words = json.loads((out / MANIFEST).read_bytes())
    return {
        "tracks": words["tracks"],
        "seconds": words["seconds"],
        "takes": len(words["mixes"]),
        "loudness_lufs": [one["loudness_lufs"] for one in words["mixes"]],
        "warnings": words["warnings"],
        "flags": flags,
        "finished_utc": datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S"),
    }


def in_one_line(problem: object) -> str:
    """What went wrong, without line breaks."""
    if isinstance(problem, OSError):
        problem = f"{problem.filename or 'input or output'}: {problem.strerror or problem}"
    return as_one_line(" ".join(str(problem).split()))
