"""`megami weights`: what there is, where it is, whether it is whole, and downloading the rest."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from megami.cli.options import PLAIN, WeightsDir
from megami.errors import UserError

weights_app = typer.Typer(help="Look at the weights that mixing uses.", **PLAIN)


@weights_app.command("list")
def weights_list(weights_dir: WeightsDir = None) -> None:
    """List the presets, their files, and which of them are at hand."""
    from megami.presets import shipped_presets
    from megami.published.fetch import list_paper

    for line in (*shipped_presets(), *list_paper(weights_dir)):
        typer.echo(line)


@weights_app.command("download")
def weights_download(
    name: Annotated[str, typer.Argument(help="what to download: paper")],
    accept_licence: Annotated[
        bool, typer.Option("--accept-licence", "--accept-license", help="agree to the licences that are shown")
    ] = False,
    everything: Annotated[bool, typer.Option("--all", help="also FxEncoder++, to train and evaluate")] = False,
    mirror: Annotated[str, typer.Option(help="address of a folder that has the same files", show_default=False)] = "",
) -> None:
    """Download the published files of the paper preset; run it again to go on after an interruption."""
    from megami.published.fetch import announce, download_paper

    if name != "paper":
        raise UserError(f"nothing to download for {name!r}: small comes with the package, paper can be downloaded")
    for line in announce(everything, mirror):
        typer.echo(line, err=True)
    if not accept_licence:
        raise UserError("read the licences above; to agree and download, add --accept-licence")
    for path in download_paper(everything, mirror):
        typer.echo(os.fsencode(path))


@weights_app.command("path")
def weights_path(name: Annotated[str, typer.Argument(help="a preset's name, or a folder")] = "small") -> None:
    """Say where a preset's files are; for paper, where they are or will be downloaded to."""
    from megami.mixing.pretrained import weights_folder

    typer.echo(os.fsencode(weights_folder(name)))


@weights_app.command("verify")
def weights_verify(
    name: Annotated[str, typer.Argument(help="a preset's name, or a folder")] = "small", weights_dir: WeightsDir = None
) -> None:
    """Check every file's hash, keys and shapes by loading it."""
    from megami.presets import verify
    from megami.published.fetch import verify_paper

    if name != "paper" and weights_dir is not None:
        raise UserError("--weights-dir goes with 'paper'; name other folders of weights in its place")
    for line in verify_paper(weights_dir) if name == "paper" else verify(name):
        typer.echo(line)
