"""What `megami export` does: make the mixes of a folder once more, see that they are the same, and write them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from megami import __version__
from megami.audio import find_song, framed_level_db, read_multitrack
from megami.cli.manifest import MANIFEST, as_json, read_manifest
from megami.cli.mix_page import readable
from megami.cli.output_folder import check_writable
from megami.cli.plans import Place
from megami.cli.run_feedback import memory_in_words, named_oddities, progress_bar
from megami.device import resolve_device
from megami.embeddings import stereo_width
from megami.errors import UserError
from megami.mixing.direction import Direction
from megami.mixing.export import UNITS, export_mixes, strips_of
from megami.mixing.mix import Mix
from megami.mixing.mixer import Mixer
from megami.presets import PRESETS
from megami.progress import Progress
from megami.session.new_files import appearing_beside, check_free
from megami.session.reaper import media_folder
from megami.session.session import safe_names

TARGETS = {"dawproject": ".dawproject", "rpp": ".rpp", "stems": " stems", "settings": " settings.json"}
LARGEST_DIFFERENCE_DB = 0.5  # of a track's level in the mix: other devices and versions round otherwise
LARGEST_DIFFERENCE = 0.05  # of its width
DIRECTED = ("keep", "wishes", "amounts", "references", "reference_stems")
"""In mixes.json: what was asked of mixes that were not drawn freely."""


@dataclass(frozen=True)
class ExportJob:
    """The options of `megami export`; raises UserError for impossible ones before any audio is read."""

    mixes: Path
    to: str
    stems: Path | None = None
    out: Path | None = None
    numbers: tuple[int, ...] = ()
    weights: str | None = None
    weights_dir: Path | None = None
    device: str = "auto"

    def __post_init__(self) -> None:
        if self.to not in TARGETS:
            raise UserError(f"--to {self.to}: choose one of {', '.join(TARGETS)}")
        resolve_device(self.device)


def run_export(job: ExportJob) -> Path:
    """Do the job and return what was written; on any failure, and when interrupted, nothing is left behind.

    What is there already is never replaced: raises UserError, before mixing and again after it. The mixes that are
    exported, with their wet tracks, are all in memory.
    """
    words = words_of(job.mixes)
    numbers = chosen(job.numbers, len(words["mixes"]))
    stems = stems_of(job, words)
    out = checked_out(job, words, stems)
    with (
        memory_in_words(),
        progress_bar(max(numbers), "megami export", len(numbers)) as progress,
        named_oddities(),
    ):
        mixes = mixed_again(job, words, stems, numbers, progress)
        progress("finishing", 0, 1)
        if job.to in ("dawproject", "rpp"):
            return export_mixes(mixes, out, str(words["stems"]), progress)
        with appearing_beside(out) as partial:
            if job.to == "stems":
                for number, mix in zip(numbers, mixes, strict=True):
                    mix.save_tracks(partial / out.name / f"mix_{number}")
            else:
                described = describe_settings(words, numbers, mixes, progress)
                (partial / out.name).write_text(as_json(described), encoding="utf-8")
    return out


def words_of(folder: Path) -> dict[str, Any]:
    """What mixes.json says. Raises UserError where `megami mix` wrote none there, or somebody changed it."""
    if not read_manifest(folder):
        raise UserError(f"{folder} has no {MANIFEST} as megami mix writes it: give the folder that megami mix wrote")
    words: dict[str, Any] = json.loads((folder / MANIFEST).read_bytes())
    needed = ("stems", "weights", "processor", "compat", "seed", "steps", "guidance", "temperature", "mixes")
    missing = [name for name in needed if name not in words]
    if missing:
        raise UserError(f"{folder / MANIFEST} is of an older version (no {', '.join(missing)}): mix again")
    return words


def chosen(numbers: Sequence[int], count: int) -> list[int]:
    """The numbers of the mixes to export, from 1, in order; all where none is named."""
    for number in numbers:
        if not 1 <= number <= count:
            raise UserError(f"--mix {number}: the folder has mixes 1 to {count}")
    return sorted(set(numbers)) or list(range(1, count + 1))


def stems_of(job: ExportJob, words: dict[str, Any]) -> Path:
    """The folder of dry tracks. Raises UserError where it is not said: mixes.json has its name, not its place."""
    if job.stems is None:
        raise UserError(f"say where the dry tracks {words['stems']!r} lie: --stems FOLDER")
    return job.stems


def checked_out(job: ExportJob, words: dict[str, Any], stems: Path) -> Path:
    """Where to write. Raises UserError where something is there already, or among the stems, and for a wrong suffix."""
    song = safe_names((str(words["stems"]),))[0][3:]
    out = job.out or job.mixes / f"{song}{TARGETS[job.to]}"
    if job.to != "stems" and out.suffix.lower() != (suffix := Path(f"song{TARGETS[job.to]}").suffix):
        raise UserError(f"{out}: give --out a name that ends in {suffix}")
    check_free(out)
    if job.to == "rpp":
        check_free(out.with_name(media_folder(out.stem)))
    check_writable(out.parent)
    if stems.is_dir() and out.parent.is_dir() and stems.samefile(out.parent):
        raise UserError(f"{stems} holds the stems: choose another --out, or what is written would be taken for stems")
    return out


def mixed_again(
    job: ExportJob, words: dict[str, Any], stems: Path, numbers: Sequence[int], progress: Progress
) -> list[Mix]:
    """The mixes of these numbers. Raises UserError where they are not those that mixes.json tells of."""
    weights = job.weights or str(words["weights"])
    if job.weights is None and weights not in PRESETS:
        raise UserError(
            f"the mixes were made with weights of the folder {weights!r}: say where it is, --weights FOLDER"
        )
    song = read_multitrack(find_song(stems, bool(words.get("use_all", False))))
    mixer = Mixer.from_pretrained(
        weights,
        job.device,
        str(words["processor"]),
        job.weights_dir,
        str(words["compat"]),
        str(words.get("precision", "fp32")),
    )
    sampling = mixer.preset.sampling.but(
        steps=words["steps"], guidance=words["guidance"], temperature=words["temperature"]
    )
    roles = {name: role for name, role in words.get("roles", {}).items() if name in song.names}
    mono_stems, level = bool(words.get("mono_stems", False)), words["target_loudness_lufs"]

    def again(count: int, direction: Direction | None = None) -> Iterator[Mix]:
        return mixer.iterate_mixes(song, count, sampling, words["seed"], level, progress, roles, mono_stems, direction)

    made: Iterator[tuple[int, Mix]]
    if any(words.get(name) for name in DIRECTED):  # what it followed may be gone; what was decided is written down
        plans = {number: Place(job.mixes / MANIFEST, f"mix_{number}").read(weights) for number in numbers}
        made = ((number, next(again(1, Direction(plan)))) for number, plan in plans.items())
    else:
        made = enumerate(again(max(numbers)), 1)  # a mix depends on its number, not on how many there are
    mixes = []
    for number, mix in made:
        if number in numbers:
            check_same(mix, words["mixes"][number - 1], number, stems)
            mixes.append(mix)
        del mix  # not kept while the next one is made
    return mixes


def check_same(mix: Mix, told: dict[str, Any], number: int, stems: Path) -> None:
    """Raise UserError unless the tracks of a mix are as loud, and stand as wide, as mixes.json says that they were."""
    tracks = told["tracks"]
    same = list(mix.names) == list(tracks)
    for wet, words in zip(mix.tracks, tracks.values(), strict=False):
        if words == "silent" or not same:
            continue
        levels = framed_level_db(wet, mix.sample_rate).tolist()
        pairs = zip(levels, words["level_in_mix_db"], strict=True)
        same = all(before is None or abs(now - before) < LARGEST_DIFFERENCE_DB for now, before in pairs)
        width, before = float(stereo_width(wet)), words["width_in_mix"]
        same = same and (before is None or abs(width - before) < LARGEST_DIFFERENCE * (1 + before))
    if not same:
        raise UserError(
            f"mix {number}, made again from {stems}, is not the one in the folder: the stems, the weights or the "
            "version are others, or it was mixed with a --role that is not recorded; mix again, then export"
        )


def describe_settings(
    words: dict[str, Any], numbers: Sequence[int], mixes: Sequence[Mix], progress: Progress
) -> dict[str, Any]:
    """The settings of mixes as JSON holds them."""
    described = []
    for number, mix in zip(numbers, mixes, strict=True):
        strips = strips_of(mix, progress, f"settings of mix {number}")
        tracks = [strip.settings.as_dict() | {"name": readable(strip.settings.name)} for strip in strips]
        described.append({"file": words["mixes"][number - 1]["file"], "tracks": tracks})
    return {"megami": __version__, "song": words["stems"], "units": UNITS, "mixes": described}
