"""`megami data`: what a folder of recorded songs holds."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from megami.cli.options import PLAIN
from megami.errors import UserError

data_app = typer.Typer(help="Look at data sets of recorded songs, and prepare them for training.", **PLAIN)

Layout = Annotated[str, typer.Option(help="medleydb, moisesdb, musdb, pairs, wet, dry, mirdata:NAME; auto finds out")]
Seed = Annotated[int, typer.Option(help="decides the split of songs that no published list names")]


@data_app.command("list")
def data_list() -> None:
    """List the data sets that are read, what is in them, their licences, and how to get them."""
    from megami.corpus.recordings.known_sets import known_sets_table

    typer.echo(known_sets_table())


@data_app.command("check")
def data_check(
    folder: Annotated[Path, typer.Argument(help="folder of a data set")],
    layout: Layout = "auto",
    manifest: Annotated[
        Path | None,
        typer.Option(help="write a row for each file here (.csv or .parquet), and go on from it", show_default=False),
    ] = None,
    seed: Seed = 0,
    workers: Annotated[int, typer.Option(help="songs that are read at a time")] = 1,
) -> None:
    """Read every file of a data set: print what it holds, what is odd about it, and what training leaves out."""
    from megami.corpus.recordings.checking import check_recordings
    from megami.corpus.recordings.layouts import open_recordings
    from megami.corpus.recordings.report import report_lines

    if workers < 1:
        raise UserError("--workers must be 1 or more")
    check = check_recordings(open_recordings(folder, layout), folder, seed, manifest, workers)
    for line in report_lines(check):
        typer.echo(line)
    if manifest is not None:
        typer.echo(b"manifest: " + os.fsencode(manifest))
