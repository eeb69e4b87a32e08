"""`megami data`: what a folder of recorded songs holds, and features of it to train with."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from megami.cli.options import PLAIN, Device, WeightsDir, Workers
from megami.cli.output_folder import check_writable
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


@data_app.command("features")
def data_features(
    data: Annotated[Path, typer.Option(help="folder of a data set")],
    out: Annotated[Path, typer.Option(help="folder for features; each kind and split gets a folder in it")],
    kind: Annotated[str, typer.Option(help="mixes (generator), pairs (adaptor) or crops (effect processor)")],
    count: Annotated[int, typer.Option(help="how many mixes, pairs or crops there are to be in all")],
    size: Annotated[str, typer.Option(help="small or paper: who listens, and to how much")] = "small",
    split: Annotated[str, typer.Option(help="train, validation or test")] = "train",
    seed: Annotated[int, typer.Option(help="decides what is drawn, and splits; use one for all splits")] = 0,
    workers: Workers = 0,
    device: Device = "auto",
    layout: Layout = "auto",
    manifest: Annotated[
        Path | None, typer.Option(help="of 'megami data check': without the files that it leaves out")
    ] = None,
    impulse_responses: Annotated[
        Path | None, typer.Option(help="folder of impulse responses for reverb; without it, made rooms")
    ] = None,
    recorded: Annotated[
        float, typer.Option(help="share of pairs and crops that get their recorded wet track, where there is one")
    ] = 0.0,
    circular: Annotated[bool, typer.Option("--circular", help="shift audio in a circle, as published")] = False,
    weights_dir: WeightsDir = None,
) -> None:
    """Compute features to train with, once; run it again to go on after an interruption, or with a larger count."""
    from megami.corpus.recordings import ListedRecordings, build_feature_shards, feature_settings, open_recordings
    from megami.corpus.recordings.checking import without_left_out
    from megami.corpus.recordings.manifest import read_manifest
    from megami.corpus.recordings.responses import ROOMS, recorded_responses
    from megami.published.listeners import load_listeners

    if not 0 <= seed < 2**32 or workers < 0 or not 0 <= recorded <= 1:
        raise UserError(f"--seed must be from 0 to {2**32 - 1}, --workers 0 or more, --recorded from 0 to 1")
    check_writable(out)
    recordings = open_recordings(data, layout)
    if manifest is not None:
        recordings = ListedRecordings(recordings.name, without_left_out(recordings.songs(), read_manifest(manifest)))
    responses = recorded_responses(impulse_responses) if impulse_responses else ROOMS
    listeners = load_listeners(size, device, weights_dir)
    settings = feature_settings(size, responses, circular, recorded)
    shards = build_feature_shards(out, recordings, kind, settings, listeners, seed, count, workers or None, split)
    typer.echo(os.fsencode(shards.folder))
