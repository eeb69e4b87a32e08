"""The command line: megami mix | train | evaluate | weights.

Exit codes: 0 done; 2 bad usage or bad input, said in one line on stderr; 130 interrupted.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import click
import typer

from megami.errors import UserError

app = typer.Typer(help="Generative automatic music mixing.", no_args_is_help=True, add_completion=False)
weights_app = typer.Typer(help="Look at the weights that mixing uses.", no_args_is_help=True)
app.add_typer(weights_app, name="weights")

Device = Annotated[str, typer.Option(help="auto, cpu or cuda")]
Weights = Annotated[str, typer.Option(help="a preset's name, or a folder of weights")]


@app.command()
def mix(
    stems: Annotated[Path, typer.Argument(help="folder of dry tracks (WAV, FLAC, OGG, MP3, AIFF)", show_default=False)],
    out: Annotated[Path, typer.Option(help="folder for the mixes; made if it is not there")] = Path("mixes"),
    num_mixes: Annotated[int, typer.Option(help="how many different mixes")] = 3,
    weights: Weights = "small",
    processor: Annotated[str, typer.Option(help="structured or tcn; the preset's own if empty")] = "",
    seed: Annotated[int, typer.Option(help="the same seed gives the same mixes")] = 0,
    steps: Annotated[int, typer.Option(help="sampling steps")] = 25,
    guidance: Annotated[float, typer.Option(help="above 1 follows the content more closely")] = 1.0,
    device: Device = "auto",
    stems_too: Annotated[bool, typer.Option("--stems/--no-stems", help="also write every wet track")] = False,
    format: Annotated[str, typer.Option(help="wav or flac (24 bit)")] = "wav",
    loudness: Annotated[float, typer.Option(help="target loudness in LUFS; peaks stay below -1 dBTP")] = -16.0,
    page: Annotated[bool, typer.Option("--page/--no-page", help="also write a page to compare them by ear")] = False,
) -> None:
    """Mix a folder of dry stems, several times, each time differently."""
    from megami.cli_mix import MixJob, run_mix

    job = MixJob(stems, out, num_mixes, weights, processor or None, seed, steps, guidance, device, stems_too, format,
                 loudness, page)
    for path in run_mix(job):
        typer.echo(path)


@app.command()
def train(
    preset: Annotated[str, typer.Argument(help="what to train: small")],
    out: Annotated[Path, typer.Option(help="folder for caches, checkpoints and weights")] = Path("runs/small"),
    seed: Annotated[int, typer.Option(help="decides songs, engineers, initial weights and batches")] = 0,
    stages: Annotated[str, typer.Option(help="comma-separated stages; all of them if empty")] = "",
    device: Device = "auto",
    devices: Annotated[int, typer.Option(help="number of GPUs")] = 1,
    workers: Annotated[int, typer.Option(help="processes that render; one per core if 0")] = 0,
) -> None:
    """Train every network of a preset from a seed; run it again to go on after an interruption."""
    from megami.device import resolve_device
    from megami.training import STAGES, SmallRecipe, Workplace, train_small

    if preset != "small":
        raise UserError(f"cannot train {preset!r}: the preset that trains here is small")
    if seed < 0 or devices < 1 or workers < 0:
        raise UserError("--seed and --workers must be 0 or more, --devices 1 or more")
    chosen = tuple(stage.strip() for stage in stages.split(",") if stage.strip()) or STAGES
    place = Workplace(out, resolve_device(device).type, devices, workers or None)
    typer.echo(train_small(place, SmallRecipe().with_seed(seed), chosen))


@app.command()
def evaluate(
    weights: Weights = "small",
    quick: Annotated[bool, typer.Option("--quick", help="a few held-out songs and chains: minutes")] = False,
    out: Annotated[Path | None, typer.Option(help="write the rows as JSON")] = None,
    cache: Annotated[Path, typer.Option(help="folder for the held-out songs and their features")] = Path(".cache/evaluation"),
    workers: Annotated[int, typer.Option(help="processes that render; one per core if 0")] = 0,
) -> None:
    """Measure each network on held-out studio songs and chains, against its trivial baseline."""
    from megami.evaluation.quick import evaluate_quick, print_report, write_results

    if not quick:
        raise UserError("only the quick evaluation exists in this version: add --quick")
    rows = evaluate_quick(weights, cache, workers or None)
    typer.echo(print_report(rows))
    if out is not None:
        write_results(out, rows, weights)


@weights_app.command("list")
def weights_list() -> None:
    """List the presets whose weights are at hand."""
    from megami.weights import shipped_presets

    for line in shipped_presets():
        typer.echo(line)


@weights_app.command("path")
def weights_path(name: Annotated[str, typer.Argument(help="a preset's name, or a folder")] = "small") -> None:
    """Say where a preset's files are."""
    from megami.weights import weights_folder

    typer.echo(weights_folder(name))


@weights_app.command("verify")
def weights_verify(name: Annotated[str, typer.Argument(help="a preset's name, or a folder")] = "small") -> None:
    """Check every file's hash, keys and shapes by loading it."""
    from megami.weights import verify

    for line in verify(name):
        typer.echo(line)


def main(args: list[str] | None = None) -> None:
    """Run the command line and leave with its exit code; a user's mistake is one line on stderr and code 2."""
    try:
        code = typer.main.get_command(app).main(args, prog_name="megami", standalone_mode=False)
    except UserError as error:
        fail(str(error))
    except click.exceptions.NoArgsIsHelpError as error:
        typer.echo(error.format_message())
        code = 0
    except click.ClickException as error:
        fail(error.format_message())
    except (KeyboardInterrupt, click.Abort):
        typer.echo("megami: interrupted", err=True)
        sys.exit(130)
    sys.exit(code if isinstance(code, int) else 0)


def fail(message: str) -> None:
    """Print one line on stderr and exit with code 2."""
    typer.echo(f"megami: {' '.join(message.split())}", err=True)
    sys.exit(2)


if __name__ == "__main__":
    main()
