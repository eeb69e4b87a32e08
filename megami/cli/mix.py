"""`megami mix`: the options."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from megami.cli.options import Precision, Weights, WeightsDir

FAULT = 1
"""The exit code where a song met a fault of this program; the others are mixed all the same."""


def mix(
    stems: Annotated[
        list[Path] | None,
        typer.Argument(
            help="folder of dry tracks (WAV, FLAC, MP3, AIFF, ...); of several, each is a song", show_default=False
        ),
    ] = None,
    out: Annotated[Path, typer.Option(help="folder for the mixes; a former run's are replaced")] = Path("mixes"),
    num_mixes: Annotated[
        int | None, typer.Option(help="how many different mixes  [default: 3; 1 with --from alone]", show_default=False)
    ] = None,
    weights: Weights = "small",
    weights_dir: WeightsDir = None,
    compat: Annotated[str, typer.Option(help="ours, or published: do as the released inference does (paper)")] = "ours",
    processor: Annotated[str, typer.Option(help="structured or tcn; the preset's own if empty")] = "",
    seed: Annotated[int, typer.Option(help="the same seed gives the same mixes")] = 0,
    steps: Annotated[int | None, typer.Option(help="sampling steps  [default: 8 (small), 99 (paper)]")] = None,
    guidance: Annotated[float, typer.Option(help="above 1 follows the content more closely")] = 1.0,
    temperature: Annotated[
        float | None, typer.Option(help="lower: closer to what is typical  [default: 0.5 (small), 1 (paper)]")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda; for many songs several: cuda:0,cuda:1")] = "auto",
    precision: Precision = "auto",
    stems_too: Annotated[bool, typer.Option("--stems/--no-stems", help="also write every wet track")] = False,
    file_format: Annotated[str, typer.Option("--format", help="wav or flac (24 bit)")] = "wav",
    loudness: Annotated[float, typer.Option(help="target loudness in LUFS; peaks stay below -1 dBTP")] = -16.0,
    role: Annotated[
        list[str] | None, typer.Option(help="say what a track is: --role vox=vocal; may be given several times")
    ] = None,
    roles_from_names: Annotated[
        bool, typer.Option("--roles-from-names", help="believe names of tracks that say what they are (vox, kick, ...)")
    ] = False,
    use_all: Annotated[
        bool, typer.Option("--use-all", help="also mix what looks like a finished mix, a master or a click track")
    ] = False,
    mono_stems: Annotated[
        bool, typer.Option("--mono-stems", help="average stereo stems to mono, and let the mix place them anew")
    ] = False,
    take: Annotated[
        str, typer.Option("--from", help="keep all of a former mix, as in mixes/mix_1, also for a song with like parts")
    ] = "",
    keep: Annotated[
        list[str] | None,
        typer.Option(help="keep a track: vocal=mixes/mix_1, or vocal with --from; the others are drawn to fit it"),
    ] = None,
    wish: Annotated[
        list[str] | None,
        typer.Option(help="in dB: vocal:level=+2, 'pad:pan=at -3', 'mix:width=3 within 1'; also brightness"),
    ] = None,
    reference: Annotated[
        list[str] | None,
        typer.Option(help="a record whose tone and width mixes should have, and its weight if not 1: a.wav, b.wav:0.5"),
    ] = None,
    reference_stems: Annotated[
        Path | None,
        typer.Option(help="folder of wet stems of another song: tracks that play the same are treated much like them"),
    ] = None,
    amount: Annotated[
        list[str] | None,
        typer.Option(help="how much of each mix, from 0 to 1: 0.6, or level=0.5; also tone, dynamics, space, width"),
    ] = None,
    page: Annotated[bool, typer.Option("--page/--no-page", help="also write a page to compare them by ear")] = False,
    open_page: Annotated[bool, typer.Option("--open", help="open that page in the browser")] = False,
    catalogue: Annotated[
        Path | None,
        typer.Option(help="list of songs: a folder in each line, or CSV with options for each", show_default=False),
    ] = None,
    jobs: Annotated[
        int | None, typer.Option(help="processes that mix many songs, on each device", show_default=False)
    ] = None,
    ray: Annotated[
        str | None,
        typer.Option(help="hand many songs to the Ray cluster at this address (or: local)", show_default=False),
    ] = None,
) -> None:
    """Mix a folder of dry stems, several times, each time differently.

    Several folders, or a --catalogue, are mixed one after the other, each into a folder of its own below --out, which
    also gets a report. Run it again to go on after an interruption: what is done, and has not changed, is left alone.
    """
    from megami.cli.mix_job import MixJob, run_mix
    from megami.cli.mix_page import PAGE, say_what_to_open
    from megami.errors import UserError

    if open_page and not page:
        raise UserError("--open opens the listening page: add --page, which writes it")

    many = catalogue is not None or len(stems or []) > 1
    if not stems and not many:
        raise UserError(
            "name a folder of stems, or several, or a list of them with --catalogue (see megami mix --help)"
        )
    if not many and (jobs is not None or ray is not None or "," in device):
        raise UserError("--jobs, --ray and several devices are for several songs: name them, or a --catalogue")
    if many and open_page:
        raise UserError("--open opens the page of one song: leave it out, and open the pages that you want")
    devices = tuple(part.strip() for part in device.split(","))
    job = MixJob(
        stems=stems[0] if stems else Path(),
        out=out,
        num_mixes=num_mixes if num_mixes is not None else 1 if take and not keep else 3,
        weights=weights,
        weights_dir=weights_dir,
        compat=compat,
        processor=processor or None,
        seed=seed,
        steps=steps,
        guidance=guidance,
        temperature=temperature,
        device="cpu" if many else device,
        precision=precision,
        stems_too=stems_too,
        format=file_format.lower(),
        loudness_lufs=loudness,
        page=page,
        roles=tuple(role or ()),
        roles_from_names=roles_from_names,
        use_all=use_all,
        mono_stems=mono_stems,
        take=take or None,
        keep=tuple(keep or ()),
        wishes=tuple(wish or ()),
        references=tuple(reference or ()),
        reference_stems=reference_stems,
        amounts=tuple(amount or ()),
    )
    if many:
        from megami.cli.catalogue.run import Hands, run_catalogue
        from megami.cli.catalogue.songs import listed_folders, read_list

        songs = [*listed_folders(stems or []), *(read_list(catalogue) if catalogue is not None else [])]
        ended = run_catalogue(songs, job, Hands(devices, 0 if jobs is None else jobs or -1, ray))
        say_paths(ended.paths)
        if ended.bug:
            raise typer.Exit(FAULT)
        if ended.problem:
            raise UserError(ended.problem)
        return
    say_paths(run_mix(job))
    if page:
        say_what_to_open(out / PAGE, open_page)


def say_paths(paths: Sequence[Path]) -> None:
    """Print paths, one in each line, as bytes: a file's name need not be valid text."""
    for path in paths:
        typer.echo(os.fsencode(path))
