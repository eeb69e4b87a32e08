"""`megami evaluate`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from megami.cli.options import Device, Weights, WeightsDir, Workers
from megami.cli.output_folder import check_writable
from megami.errors import UserError

SPLITS = ("test", "validation", "train", "all")
DIRECTED_SONGS, MOST_SONGS = 40, 1000


def evaluate(
    weights: Weights = "small",
    quick: Annotated[bool, typer.Option("--quick", help="a few held-out songs and chains: minutes")] = False,
    direction: Annotated[
        bool,
        typer.Option("--direction", help="only how well mixes follow kept tracks, wishes, records; adds rows to --out"),
    ] = False,
    songs: Annotated[
        int | None, typer.Option(help="how many test songs, with --direction  [default: 40]", show_default=False)
    ] = None,
    seed: Annotated[int, typer.Option(help="decides the noise of the generated mixes and what is borrowed")] = 0,
    out: Annotated[Path | None, typer.Option(help="write the rows as JSON")] = None,
    cache: Annotated[Path, typer.Option(help="folder for held-out songs and features")] = Path(".cache/evaluation"),
    device: Device = "auto",
    workers: Workers = 0,
    systems: Annotated[
        list[Path] | None,
        typer.Option(
            help="measure others' mixes instead (with --data: too): FOLDER/SYSTEM/SONG/*.wav, or FOLDER/SONG/*.wav",
            show_default=False,
        ),
    ] = None,
    write_songs: Annotated[
        Path | None,
        typer.Option(
            help="write the test songs' dry stems into a new folder instead, for others to mix", show_default=False
        ),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(help="measure on the songs of this data set instead: MedleyDB, or dry/, wet/", show_default=False),
    ] = None,
    layout: Annotated[str, typer.Option(help="of --data: auto, medleydb, moisesdb, musdb, pairs, wet or dry")] = "auto",
    split: Annotated[str, typer.Option(help="of --data: test, validation, train or all")] = "test",
    published: Annotated[
        bool, typer.Option("--published", help="with --data: sample as the paper's benchmark")
    ] = False,
    weights_dir: WeightsDir = None,
) -> None:
    """Measure every network and every system of mixing on unseen studio songs, against the engineers.

    Encoders, adaptor and generators run on the device. Songs, effects and mixes are rendered on the CPU, by so many
    workers.

    Other systems can be held against the same engineers: --write-songs writes the dry stems, --systems measures what
    somebody has mixed of them, and adds rows to the results in --out. The page "The benchmark" of the book says how.

    With --data, songs of a data set are mixed, and held against the mixes that its engineers made of them.
    """
    check_numbers(workers, seed)
    check_together(systems or [], write_songs, out, direction)
    check_directed(direction, quick, songs)
    data_only = published or weights_dir is not None or (layout, split) != ("auto", "test")
    check_data(data, data_only, split, direction or write_songs is not None)
    check_writable(cache)
    if write_songs is not None:
        check_writable(write_songs)
    if out is not None:  # found out now, not after minutes of measuring
        check_writable(out.parent)
        check_replaceable(out)
    if data is not None:
        from megami.cli.evaluate_data import DataAsked, evaluate_data

        asked_of_data = DataAsked(data, layout, split, published, quick, weights, weights_dir, seed, cache, device)
        return evaluate_data(asked_of_data, systems or [], out)
    if len(systems or []) > 1:
        raise UserError("several --systems go with --data: put the folders of the systems into one")
    if systems or write_songs is not None:
        from megami.cli.benchmark import Asked, evaluate_systems, write_test_songs

        asked = Asked(weights, quick, seed, cache, device, workers)
        if write_songs is not None:
            return write_test_songs(write_songs, asked)
        assert systems is not None
        return evaluate_systems(systems[0], asked, out, check_replaceable)
    measure(weights, quick, (songs or DIRECTED_SONGS) if direction else None, seed, out, cache, device, workers)


def check_directed(direction: bool, quick: bool, songs: int | None) -> None:
    """Raise UserError for options that do not go with --direction, or only with it."""
    if direction and quick:
        raise UserError("--direction measures as many songs as --songs says: leave out --quick")
    if songs is not None and (not direction or not 1 <= songs <= MOST_SONGS):
        raise UserError(f"--songs is a number from 1 to {MOST_SONGS}, and goes with --direction")


def measure(
    weights: str, quick: bool, songs: int | None, seed: int, out: Path | None, cache: Path, device: str, workers: int
) -> None:
    """Measure everything, or with a number of `songs` how well mixes follow evidence; print and write it."""
    from megami.device import resolve_device
    from megami.evaluation.adding_rows import add_directed, keep_others
    from megami.evaluation.results import read_results, write_results
    from megami.evaluation.run import EvaluationConfig, evaluate, evaluate_direction, origin
    from megami.evaluation.tables import report

    chosen = resolve_device(device)
    if songs is not None:
        rows = evaluate_direction(weights, cache, workers or None, songs, seed, chosen)
    else:
        config = EvaluationConfig.quick() if quick else EvaluationConfig()
        rows = evaluate(weights, cache, workers or None, config, seed, chosen)
    typer.echo(report(rows))
    if out is not None:
        check_replaceable(out)
        results = rows, origin(weights, quick, seed, chosen, songs)
        if out.exists():
            add = keep_others if songs is None else add_directed
            results = add(read_results(out), results, out)
        write_results(Path(os.path.realpath(out)), *results)


def check_numbers(workers: int, seed: int) -> None:
    """Raise UserError for impossible ones."""
    if workers < 0 or not 0 <= seed < 2**31:
        raise UserError(f"--workers must be 0 or more, --seed from 0 to {2**31 - 1}")


def check_together(systems: Sequence[Path], write_songs: Path | None, out: Path | None, direction: bool) -> None:
    """Raise UserError for options that ask for different things."""
    if write_songs is not None and (systems or out is not None):
        raise UserError("--write-songs writes songs and measures nothing: leave out --systems and --out")
    if direction and (systems or write_songs is not None):
        raise UserError("--direction measures the mixer's own plans: leave out --systems and --write-songs")


def check_data(data: Path | None, data_only: bool, split: str, else_asked: bool) -> None:
    """Raise UserError for what does not go with --data, or goes with it only, and for an unknown split."""
    if data is None and data_only:
        raise UserError("--layout, --split, --published and --weights-dir are for an evaluation with --data")
    if data is not None and else_asked:
        raise UserError("--data measures mixes of recorded songs: leave out --direction and --write-songs")
    if split not in SPLITS:
        raise UserError(f"unknown split {split!r}: use {', '.join(SPLITS)}")


def check_replaceable(out: Path) -> None:
    """Raise UserError if `out` is there and is no file of results, as another run of this command writes it."""
    if out.is_dir():
        raise UserError(f"{out} is a folder: give --out the name of a JSON file")
    if not out.exists():
        return
    from megami.evaluation.results import read_results

    try:
        rows, made_by = read_results(out)
        ours = bool(rows) and isinstance(made_by, dict)
    except UserError:
        ours = False
    if not ours:
        raise UserError(f"{out} is in the way and is no file of results: move it away, or choose another --out")
