"""`megami export`: the options."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from megami.cli.options import Device, WeightsDir


def export(
    mixes: Annotated[Path, typer.Argument(help="folder that megami mix wrote (with mixes.json)", show_default=False)],
    to: Annotated[str, typer.Option(help="dawproject, rpp (REAPER), stems (wet tracks) or settings (JSON)")],
    stems: Annotated[
        Path | None, typer.Option(help="folder of the dry tracks that were mixed", show_default=False)
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="what to write; must not be there yet  [default: in the folder of the mixes]")
    ] = None,
    number: Annotated[
        list[int] | None, typer.Option("--mix", help="only this mix (1, 2, ...); may be given several times")
    ] = None,
    weights: Annotated[str, typer.Option(help="the weights that were mixed with, if they were a folder")] = "",
    weights_dir: WeightsDir = None,
    device: Device = "auto",
) -> None:
    """Open mixes in another program: as a session, as stems, or as settings.

    The mixes are made once more, from the stems and from what mixes.json says, and compared with it.
    """
    from megami.cli.export_job import ExportJob, run_export

    job = ExportJob(mixes, to, stems, out, tuple(number or ()), weights or None, weights_dir, device)
    typer.echo(os.fsencode(run_export(job)))  # bytes: a file's name need not be valid text
