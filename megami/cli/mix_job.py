"""What `megami mix` does: read, mix, write each mix as it is made, and let all files appear together at the end."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from torch import Tensor

from megami.audio import Multitrack, find_song, kept_large, read_multitrack
from megami.audio.track_names import roles_of_names
from megami.cli.manifest import MANIFEST, write_manifest
from megami.cli.mix_description import describe_job, describe_mix, rounded
from megami.cli.mix_page import PAGE, Excerpt, page_console, write_page
from megami.cli.output_folder import appearing_files, check_writable
from megami.cli.plans import PLANS, Kept
from megami.cli.publishing import new_files
from megami.cli.run_feedback import memory_in_words, named_oddities, progress_bar, say_beside_bar
from megami.device import resolve_device, resolve_precision
from megami.errors import UserError
from megami.generator import SamplingOptions
from megami.mixing.amounts import amounts_in_words
from megami.mixing.compat import compat_named
from megami.mixing.direction import Direction, Keep
from megami.mixing.hearing import TakenFor
from megami.mixing.mix import file_name
from megami.mixing.mixer import Mixer
from megami.mixing.options import check_loudness, check_options, check_sampling
from megami.mixing.plan_words import plan_in_words
from megami.mixing.reference import Reference, measured_records, read_weighted
from megami.mixing.wet_stems import hear_wet_stems
from megami.mixing.wishes import read_wishes
from megami.progress import Progress

if TYPE_CHECKING:
    from megami.notebook import Widget

FORMATS = ("wav", "flac")
LONGEST_NAME = 255  # bytes, on most file systems


@dataclass(frozen=True, kw_only=True)
class MixJob:
    """The options of `megami mix`; raises UserError for impossible ones before any file is read."""

    stems: Path
    out: Path
    num_mixes: int = 3
    weights: str = "small"
    weights_dir: Path | None = None
    compat: str = "ours"
    processor: str | None = None
    seed: int = 0
    steps: int | None = None
    guidance: float = 1.0
    temperature: float | None = None
    device: str = "auto"
    precision: str = "auto"
    stems_too: bool = False
    format: str = "wav"
    loudness_lufs: float = -16.0
    page: bool = False
    roles: tuple[str, ...] = ()  # each "TRACK=ROLE"
    roles_from_names: bool = False
    use_all: bool = False
    mono_stems: bool = False
    take: str | None = None  # a former mix, all of which is kept unless `keep` says what
    keep: tuple[str, ...] = ()  # each "TRACK=MIX", or "TRACK" of `take`
    wishes: tuple[str, ...] = ()  # each "TRACK:MEASURE=DB"
    references: tuple[str, ...] = ()  # each "RECORD" or "RECORD:WEIGHT"
    reference_stems: Path | None = None  # a folder of wet stems of another song
    amounts: tuple[str, ...] = ()  # each "0.6" or "RESPECT=0.6"

    def __post_init__(self) -> None:
        check_options(self.num_mixes, self.seed)
        some = SamplingOptions()
        check_sampling(
            some.steps if self.steps is None else self.steps,
            self.guidance,
            some.temperature if self.temperature is None else self.temperature,
        )
        compat_named(self.compat)
        check_loudness(self.loudness_lufs)
        for words in self.roles:
            if not all(words.rpartition("=")):
                raise UserError(f"--role {words}: write the track and what it is, as in --role vox=vocal")
        self.kept.check_out(self.out)
        self.direction()
        if self.format not in FORMATS:
            raise UserError(f"unknown format {self.format!r}: use {' or '.join(FORMATS)}")
        resolve_device(self.device)
        resolve_precision(self.precision)

    @property
    def kept(self) -> Kept:
        """Which tracks are kept from where."""
        return Kept.of(self.take, self.keep)

    @property
    def files_read(self) -> list[Path]:
        """Files beside the stems and the weights that decide what the mixes are like."""
        places = [place.manifest for place in (self.kept.whole, *self.kept.tracks.values()) if place is not None]
        records = [read_weighted(text)[0] for text in self.references]
        wet = [] if self.reference_stems is None else find_song(self.reference_stems).paths
        return [*places, *records, *wet]

    def direction(self, keep: Keep | None = None, references: tuple[Reference, ...] = ()) -> Direction:
        """What is wanted of the mixes; `keep` holds the plans that were read, `references` what was measured."""
        amounts = amounts_in_words(list(self.amounts)) if self.amounts else {}
        for text in self.references:
            read_weighted(text)
        return Direction(keep or {}, read_wishes(self.wishes), amounts=amounts, references=references)

    def roles_of(self, names: tuple[str, ...]) -> dict[str, str]:
        """What tracks of these names are, as far as it was said; what was said of one track goes before its name."""
        by_name = roles_of_names(names) if self.roles_from_names else {}
        said = (words.rpartition("=") for words in self.roles)
        return by_name | {track: role for track, _, role in said}


def run_mix(
    job: MixJob,
    mixer: Mixer | None = None,
    progress: Progress | None = None,
    say: Callable[[str], None] | None = None,
) -> list[Path]:
    """Do the job and return the files that were written; on any failure, and when interrupted, nothing is left behind.

    `mixer` is one that was loaded before, by the options of this job. Without `progress` a bar is shown, without `say`
    what is odd goes to stderr. One mix with its wet tracks is in memory at a time. Files of a former run into the same
    folder are replaced; others, the stems before all, never are: raises UserError where they are in the way, at once
    and again after mixing.
    """
    check_writable(job.out)
    holds_stems = f"{job.out} holds the stems: choose another --out, or the mixes would be taken for stems"
    if job.out.is_dir() and job.stems.is_dir() and job.out.samefile(job.stems):
        raise UserError(holds_stems)
    files = find_song(job.stems, job.use_all)
    stems = files.paths
    if job.out.is_dir() and job.stems.is_dir() and any(job.out.samefile(path.parent) for path in stems):
        raise UserError(holds_stems)
    records = measured_records([read_weighted(text) for text in job.references])
    direction = job.direction(job.kept.read(job.weights), records)
    wet = None if job.reference_stems is None else read_multitrack(job.reference_stems)
    planned = names_to_write(job, list(files.tracks))
    say = say or say_beside_bar
    bar: AbstractContextManager[Progress] = progress_bar(job.num_mixes) if progress is None else nullcontext(progress)
    with memory_in_words(), bar as progress, appearing_files(job.out, stems, say, planned) as partial:
        mixer = mixer or load_mixer(job)
        sampling = mixer.preset.sampling.but(steps=job.steps, guidance=job.guidance, temperature=job.temperature)
        job = replace(job, steps=sampling.steps, temperature=sampling.temperature)
        with named_oddities(say) as oddities:
            song = read_multitrack(files)
            if wet is not None:
                direction = replace(direction, stems=hear_wet_stems(mixer, wet))
            made = write_mixes(job, mixer, song, partial, progress, direction)
            if job.page:
                write_page(partial / PAGE, song, made, job, oddities)
            names = new_files(partial)
            names = sorted([*names, MANIFEST], key=listing_order)
            words = describe_job(job, mixer, song) | {"warnings": oddities, "heard_as": made.heard_as}
            write_manifest(partial, {**words, "mixes": made.described, PLANS: made.plans}, names)
    return [job.out / name for name in names]


def load_mixer(job: MixJob, kind: type[Mixer] = Mixer) -> Mixer:
    """Load the networks as the options of a job say. Raises UserError for missing or damaged files."""
    return kind.from_pretrained(job.weights, job.device, job.processor, job.weights_dir, job.compat, job.precision)


def names_to_write(job: MixJob, tracks: Sequence[str]) -> list[str]:
    """Every file that the job will write, by its name in the output folder.

    Raises UserError where a name is longer than file systems allow.
    """
    names = [MANIFEST, PAGE] if job.page else [MANIFEST]
    for number in range(1, job.num_mixes + 1):
        names.append(f"mix_{number}.{job.format}")
        if job.stems_too:
            names += [f"mix_{number}_tracks/{file_name(track)}.{job.format}" for track in tracks]
    for name in names:
        if len(os.fsencode(PurePath(name).name)) > LONGEST_NAME:
            raise UserError(f"{PurePath(name).name}: too long a name to write this track under: rename its file")
    return names


@dataclass
class Made:
    """What is known of the mixes that were written: descriptions, audio [2, samples] and more for a page, roles."""

    described: list[dict] = field(default_factory=list)
    audio: list[Tensor] = field(default_factory=list)
    consoles: list[Widget] = field(default_factory=list)  # over the wet tracks, where both they and a page are written
    taken_for: dict[str, TakenFor] = field(default_factory=dict)
    plans: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def heard_as(self) -> dict[str, dict]:
        """What each track was taken for, as mixes.json says it."""
        return {name: asdict(taken) | {"share": rounded(taken.share)} for name, taken in self.taken_for.items()}


def write_mixes(
    job: MixJob, mixer: Mixer, song: Multitrack, folder: Path, progress: Progress, direction: Direction
) -> Made:
    """Write the mixes one by one."""
    made = Made()
    excerpt = Excerpt.of(song) if job.page and job.stems_too else None
    sampling = mixer.preset.sampling.but(steps=job.steps, guidance=job.guidance, temperature=job.temperature)
    roles = job.roles_of(song.names)
    mixes = mixer.iterate_mixes(
        song, job.num_mixes, sampling, job.seed, job.loudness_lufs, progress, roles, job.mono_stems, direction
    )
    for one in mixes:  # not enumerate, which would keep the last mix while the next is made
        name = f"mix_{len(made.described) + 1}"
        one.save(folder / f"{name}.{job.format}")
        if job.stems_too:
            one.save_tracks(folder / f"{name}_tracks", f".{job.format}")
        words = describe_mix(one, mixer.preset.embedding, job.stems_too)
        made.described.append({"file": f"{name}.{job.format}", **words})
        made.plans[name] = plan_in_words(one)
        made.taken_for = {track: taken for track, taken in zip(one.names, one.taken_for, strict=True) if taken}
        if job.page:
            made.audio.append(kept_large(one.audio, job.num_mixes))
        if excerpt:
            made.consoles.append(page_console(one, f"Mix {len(made.audio)}", excerpt))
        del one
    progress("finishing", 0, 1)
    return made


def listing_order(name: str) -> tuple[bool, list[str]]:
    """Sort by number where names have numbers, what is about all mixes last."""
    return name in (PAGE, MANIFEST), [part.zfill(9) if part.isdigit() else part for part in re.split(r"(\d+)", name)]
