"""What `megami mix` does with many songs: whatever is not yet done, in one long run that may end at any time."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from tqdm import tqdm

from megami.audio import SongFiles, find_song
from megami.cli.catalogue.ledger import LEDGER, REPORT, Ledger
from megami.cli.catalogue.processes import Setting, mix_in_processes
from megami.cli.catalogue.report import BEFORE, FAILED, MIXED, TO_DO, Reported, report_of
from megami.cli.catalogue.sameness import is_done, same_stems, settings_of
from megami.cli.catalogue.song_mixer import Ended, Song, SongMixer, in_one_line
from megami.cli.catalogue.songs import Listed, names_of
from megami.cli.dead_runs import only_run, remove_empty
from megami.cli.mix_job import MixJob
from megami.cli.output_folder import check_writable, missing_folders
from megami.cli.run_feedback import say_beside_bar
from megami.device import resolve_device
from megami.errors import UserError
from megami.mixing.pretrained import weights_sha256


@dataclass(frozen=True)
class Outcome:
    """What a run left: the folders of all songs that are mixed, and the report; what to say of those that are not.

    bug: some song met a fault of this program.
    """

    paths: tuple[Path, ...]
    problem: str = ""
    bug: bool = False


@dataclass(frozen=True)
class Hands:
    """Who mixes: processes on each of some devices, or actors on the Ray cluster at an address."""

    devices: tuple[str, ...]
    jobs: int = 0  # 0: one on each device; of a cluster, one on each machine or GPU
    ray: str | None = None

    def __post_init__(self) -> None:
        if self.jobs < 0:
            raise UserError("--jobs must be 1 or more")
        for device in self.devices if self.ray is None else ():
            resolve_device(device)
        if self.ray is not None and (len(self.devices) > 1 or self.devices[0] not in ("auto", "cpu", "cuda")):
            raise UserError("with --ray, the cluster chooses among its devices: --device auto, cpu or cuda")

    @property
    def setting_devices(self) -> tuple[str, ...]:
        """The device of each process."""
        return tuple(device for device in self.devices for _ in range(max(1, self.jobs)))

    def mix(self, songs: Sequence[Song], options: MixJob, weights: str, bar: tqdm) -> Iterator[Ended]:
        """Mix songs and give what became of each, in the order in which they end."""
        devices = self.setting_devices
        on_cpu = sum(resolve_device(device).type == "cpu" for device in devices) if self.ray is None else 1
        threads = max(1, torch.get_num_threads() // on_cpu) if on_cpu > 1 else None
        setting = Setting(options, weights, devices, threads)
        if self.ray is not None:
            from megami.cli.catalogue.on_ray import mix_on_ray

            yield from mix_on_ray(songs, setting, self.ray, self.jobs)
        elif len(devices) > 1 and len(songs) > 1:
            yield from mix_in_processes(songs, setting)
        else:
            mixer = SongMixer(options, devices[0], weights)
            for song in songs:

                def progress(stage: str, done: int, total: int, name: str = song.name) -> None:
                    bar.set_postfix_str(f"{name}: {stage}" + (f", {done + 1} of {total}" if total > 1 else ""))

                yield mixer.mix(song, progress)


def run_catalogue(listed: Sequence[Listed], options: MixJob, hands: Hands) -> Outcome:
    """Mix every song into a folder of its own below `options.out`.

    Done songs are left alone. A song that cannot be mixed is named, and the others go on. One run at a time may be at
    work in the folder. Raises UserError, with nothing mixed, for impossible options, names and places.
    """
    out = options.out
    check_writable(out)
    jobs = [job_of(song, options) for song in listed]
    made = missing_folders(out)
    try:
        out.mkdir(parents=True, exist_ok=True)
        with only_run(out):
            ledger = Ledger.of(out)
            ledger.check_report()
            names = names_of(listed, known_names(jobs, ledger), (LEDGER, REPORT))
            songs = [Song(name, replace(job, out=out / name)) for name, job in zip(names, jobs, strict=True)]
            return Catalogue(songs, options, ledger).run(hands)
    except OSError as error:
        reason = error.strerror or str(error)
        raise UserError(f"writing into {out} failed ({reason}): free some space or choose another --out") from None
    finally:
        remove_empty(made)


def known_names(jobs: Sequence[MixJob], ledger: Ledger) -> dict[str, str]:
    """What songs are called in the ledger, by the whole path of their stems, also if these were moved."""
    known = ledger.names
    listed = {str(job.stems.resolve()) for job in jobs}
    moved = {name: line for name, line in ledger.songs.items() if line["stems"] not in listed}
    for job in jobs:
        place = job.stems.resolve()
        alike = [name for name, line in moved.items() if Path(line["stems"]).name == place.name]
        if str(place) in known or not alike:
            continue
        with suppress(UserError, OSError):  # which is named when the song's turn comes
            files = find_song(job.stems, job.use_all)
            known |= {str(place): name for name in alike if same_stems(moved[name].get("tracks"), files)}
    return known


def job_of(song: Listed, options: MixJob) -> MixJob:
    """The job of one song. Raises UserError that says where an impossible option was listed."""
    try:
        return replace(options, stems=song.stems, **song.options)
    except UserError as error:
        raise UserError(f"{song.where}: {error}") from None


class Catalogue:
    """The songs of a run, and what has become of each so far."""

    def __init__(self, songs: Sequence[Song], options: MixJob, ledger: Ledger) -> None:
        self.songs, self.options, self.ledger = songs, options, ledger
        self.states: dict[str, str] = {song.name: TO_DO for song in songs}
        self.problems: dict[str, str] = {}
        self.bug = False

    def run(self, hands: Hands) -> Outcome:
        """Mix what is not done, and write the report in any case."""
        weights = weights_sha256(self.options.weights, self.options.weights_dir)
        with tqdm(total=len(self.songs), desc="megami mix", unit="song", leave=False, disable=None) as bar:
            to_mix = list(self.not_done(weights, bar))
            try:
                for ended in hands.mix(to_mix, self.options, weights, bar) if to_mix else ():
                    self.note(ended)
                    bar.update()
            except (KeyboardInterrupt, SystemExit):
                say_beside_bar(f"{len(self.done)} of {len(self.songs)} songs are mixed: run it again to go on")
                raise
            finally:
                report = self.ledger.write_report(self.report())
        if report is None:
            raise UserError(f"{self.ledger.path.parent / REPORT} was changed meanwhile, so it stays as it is")
        problem = f"{len(self.problems)} of {len(self.songs)} songs could not be mixed: {report} says why"
        return Outcome((*self.done, report), problem if self.problems else "", self.bug)

    @property
    def done(self) -> list[Path]:
        """The folders of all songs that are mixed."""
        return [song.job.out for song in self.songs if self.states[song.name] in (MIXED, BEFORE)]

    def not_done(self, weights: str, bar: tqdm) -> Iterator[Song]:
        """Songs that are still to be mixed; names those that cannot be. Raises UserError where stems would be lost."""
        found: dict[str, SongFiles] = {}
        for song in self.songs:
            try:
                found[song.name] = find_song(song.job.stems, song.job.use_all)
            except (UserError, OSError) as error:
                self.failed(song.name, in_one_line(error))
        check_apart([self.ledger.path.parent, *(song.job.out for song in self.songs)], found.values())
        for song in self.songs:
            if song.name in found:
                line = self.ledger.songs.get(song.name)
                try:
                    same = is_done(line, settings_of(song.job, weights), found[song.name], song.job.out)
                except UserError as error:
                    self.failed(song.name, in_one_line(error))
                    continue
                if same:
                    self.states[song.name] = BEFORE
                    bar.update()
                else:
                    yield song
            else:
                bar.update()

    def note(self, ended: Ended) -> None:
        """Write down what became of a song, and say what is odd about it."""
        for words in ended.said:
            say_beside_bar(f"{ended.name}: {words}")
        if ended.line is None:
            if ended.is_bug:
                self.bug = True
                tqdm.write(ended.trace, file=sys.stderr)
            self.failed(ended.name, ended.problem)
            return
        self.ledger.add(ended.line)
        self.states[ended.name] = MIXED
        for flag in ended.line["row"]["flags"]:
            say_beside_bar(f"{ended.name}: {flag}")

    def failed(self, name: str, problem: str) -> None:
        """A song that is not mixed, and why."""
        self.states[name], self.problems[name] = FAILED, problem
        say_beside_bar(f"{name}: not mixed: {problem}")

    def report(self) -> str:
        """What there is to say of every song, in the order of the list."""
        rows = []
        for song in self.songs:
            state = self.states[song.name]
            line = self.ledger.songs.get(song.name, {}) if state in (MIXED, BEFORE) else {}
            problem = self.problems.get(song.name, "")
            rows.append(
                Reported(song.name, str(song.job.stems), str(song.job.out), state, line.get("row", {}), problem)
            )
        return report_of(rows)


def check_apart(outs: Sequence[Path], songs: Iterable[SongFiles]) -> None:
    """Raise UserError if stems lie directly in one of these folders: mixes among them would be taken for stems."""
    places: dict[tuple[int, int], Path] = {}
    for out in outs:
        with suppress(OSError):  # not there yet
            places[out.stat().st_dev, out.stat().st_ino] = out
    for folder in {path.parent for files in songs for path in files.paths}:
        with suppress(OSError):
            if held := places.get((folder.stat().st_dev, folder.stat().st_ino)):
                raise UserError(f"{held} holds stems: choose another --out, or the mixes would be taken for stems")
