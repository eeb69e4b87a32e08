"""`megami evaluate`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from megami.cli.options import Device, Weights, Workers
from megami.cli.output_folder import check_writable
from megami.errors import UserError

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
        Path | None,
        typer.Option(
            help="measure others' mixes instead: FOLDER/SYSTEM/SONG/*.wav, or FOLDER/SONG/*.wav", show_default=False
        ),
    ] = None,
    write_songs: Annotated[
        Path | None,
        typer.Option(
            help="write the test songs' dry stems into a new folder instead, for others to mix", show_default=False
        ),
    ] = None,
) -> None:
    """Measure every network and every system of mixing on unseen studio songs, against the engineers.

    Encoders, adaptor and generators run on the device. Songs, effects and mixes are rendered on the CPU, by so many
    workers.

    Other systems can be held against the same engineers: --write-songs writes the dry stems, --systems measures what
    somebody has mixed of them, and adds rows to the results in --out. The page "The benchmark" of the book says how.
    """
    check_options(workers, seed, quick, direction, songs)
    if write_songs is not None and (systems is not None or out is not None):
        raise UserError("--write-songs writes songs and measures nothing: leave out --systems and --out")
    if direction and (systems is not None or write_songs is not None):
        raise UserError("--direction measures the mixer's own plans: leave out --systems and --write-songs")
    check_writable(cache)
    if write_songs is not None:
        check_writable(write_songs)
    if out is not None:  # found out now, not after minutes of measuring
        check_writable(out.parent)
        check_replaceable(out)
    if systems is not None or write_songs is not None:
        from megami.cli.benchmark import Asked, evaluate_systems, write_test_songs

        asked = Asked(weights, quick, seed, cache, device, workers)
        if write_songs is not None:
            return write_test_songs(write_songs, asked)
        assert systems is not None
        return evaluate_systems(systems, asked, out, check_replaceable)
    measure(weights, quick, (songs or DIRECTED_SONGS) if direction else None, seed, out, cache, device, workers)


def check_options(workers: int, seed: int, quick: bool, direction: bool, songs: int | None) -> None:
    """Raise UserError for numbers that mean nothing, and for options that do not go together."""
    if workers < 0 or not 0 <= seed < 2**31:
        raise UserError(f"--workers must be 0 or more, --seed from 0 to {2**31 - 1}")
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
