"""The command line: megami mix | train | evaluate | weights.

Exit codes: 0 done; 2 bad usage or bad input, said in one line on stderr; 130 interrupted, 143 terminated. Results go to
stdout, progress and complaints to stderr. Networks are imported by the commands, so that help is quick.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from megami import __version__
from megami.errors import UserError
from megami.output_folder import check_writable

# Plain help and messages: quicker than rich ones, and the same in a terminal and in a pipe.
PLAIN = {"rich_markup_mode": None, "context_settings": {"help_option_names": ["-h", "--help"]}}
app = typer.Typer(help="Generative automatic music mixing.", add_completion=False, **PLAIN)
weights_app = typer.Typer(help="Look at the weights that mixing uses.", **PLAIN)
app.add_typer(weights_app, name="weights")

INTERRUPTED, TERMINATED = 130, 143

Device = Annotated[str, typer.Option(help="auto, cpu or cuda")]
Weights = Annotated[str, typer.Option(help="small, paper, or a folder of weights")]
WeightsDir = Annotated[
    Path | None, typer.Option(help="folder that has the published files (paper)", show_default=False)
]
Workers = Annotated[int, typer.Option(help="processes that render; one per core if 0")]


@app.callback(invoke_without_command=True)
def version(show: Annotated[bool, typer.Option("--version", help="Show the version and exit.")] = False) -> None:
    """Generative automatic music mixing."""
    if show:
        typer.echo(f"megami {__version__}")
        raise typer.Exit()


@app.command()
def mix(
    stems: Annotated[Path, typer.Argument(help="folder of dry tracks (WAV, FLAC, OGG, MP3, AIFF)", show_default=False)],
    out: Annotated[Path, typer.Option(help="folder for the mixes; a former run's are replaced")] = Path("mixes"),
    num_mixes: Annotated[int, typer.Option(help="how many different mixes")] = 3,
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
    device: Device = "auto",
    stems_too: Annotated[bool, typer.Option("--stems/--no-stems", help="also write every wet track")] = False,
    file_format: Annotated[str, typer.Option("--format", help="wav or flac (24 bit)")] = "wav",
    loudness: Annotated[float, typer.Option(help="target loudness in LUFS; peaks stay below -1 dBTP")] = -16.0,
    page: Annotated[bool, typer.Option("--page/--no-page", help="also write a page to compare them by ear")] = False,
) -> None:
    """Mix a folder of dry stems, several times, each time differently."""
    from megami.cli_mix import MixJob, run_mix

    job = MixJob(
        stems=stems, out=out, num_mixes=num_mixes, weights=weights, weights_dir=weights_dir, compat=compat,
        processor=processor or None, seed=seed, steps=steps, guidance=guidance, temperature=temperature, device=device,
        stems_too=stems_too, format=file_format.lower(), loudness_lufs=loudness, page=page,
    )
    for path in run_mix(job):
        typer.echo(os.fsencode(path))  # bytes: a file's name need not be valid text


@app.command()
def train(
    preset: Annotated[str, typer.Argument(help="what to train: small")],
    out: Annotated[Path, typer.Option(help="folder for caches, checkpoints and weights")] = Path("runs/small"),
    seed: Annotated[int, typer.Option(help="decides songs, engineers, initial weights and batches")] = 0,
    stages: Annotated[str, typer.Option(help="comma-separated stages; if empty, all but generator_true_dry")] = "",
    device: Device = "auto",
    devices: Annotated[int, typer.Option(help="number of GPUs")] = 1,
    workers: Workers = 0,
) -> None:
    """Train every network of a preset from a seed; run it again to go on after an interruption."""
    from megami.device import resolve_device
    from megami.training import STAGES, SmallRecipe, Workplace, train_small

    if preset != "small":
        raise UserError(f"cannot train {preset!r}: the preset that trains here is small")
    if not 0 <= seed < 2**32 or devices < 1 or workers < 0:
        raise UserError(f"--seed must be from 0 to {2**32 - 1}, --workers 0 or more, --devices 1 or more")
    chosen = tuple(stage.strip() for stage in stages.split(",") if stage.strip()) or STAGES
    check_writable(out)
    place = Workplace(out, resolve_device(device).type, devices, workers or None)
    typer.echo(os.fsencode(train_small(place, SmallRecipe().with_seed(seed), chosen)))


@app.command()
def evaluate(
    weights: Weights = "small",
    quick: Annotated[bool, typer.Option("--quick", help="a few held-out songs and chains: minutes")] = False,
    seed: Annotated[int, typer.Option(help="decides the noise of the generated mixes and what is borrowed")] = 0,
    out: Annotated[Path | None, typer.Option(help="write the rows as JSON")] = None,
    cache: Annotated[Path, typer.Option(help="folder for held-out songs and features")] = Path(".cache/evaluation"),
    workers: Workers = 0,
) -> None:
    """Measure every network and every system of mixing on unseen studio songs, against the engineers."""
    if workers < 0 or not 0 <= seed < 2**31:
        raise UserError(f"--workers must be 0 or more, --seed from 0 to {2**31 - 1}")
    check_writable(cache)
    if out is not None:  # found out now, not after minutes of measuring
        check_writable(out.parent)
        if out.is_dir():
            raise UserError(f"{out} is a folder: give --out the name of a JSON file")
    from megami.evaluation.full import EvaluationConfig, evaluate, origin
    from megami.evaluation.rows import write_results
    from megami.evaluation.tables import report

    config = EvaluationConfig.quick() if quick else EvaluationConfig()
    rows = evaluate(weights, cache, workers or None, config, seed)
    typer.echo(report(rows))
    if out is not None:
        write_results(out, rows, origin(weights, quick, seed))


@weights_app.command("list")
def weights_list(weights_dir: WeightsDir = None) -> None:
    """List the presets, their files, and which of them are at hand."""
    from megami.weights import shipped_presets
    from megami.weights.fetch import list_paper

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
    from megami.weights.fetch import announce, download_paper

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
    from megami.weights import weights_folder

    typer.echo(os.fsencode(weights_folder(name)))


@weights_app.command("verify")
def weights_verify(
    name: Annotated[str, typer.Argument(help="a preset's name, or a folder")] = "small", weights_dir: WeightsDir = None
) -> None:
    """Check every file's hash, keys and shapes by loading it."""
    from megami.weights import verify
    from megami.weights.fetch import verify_paper

    if name != "paper" and weights_dir is not None:
        raise UserError("--weights-dir goes with 'paper'; name other folders of weights in its place")
    for line in verify_paper(weights_dir) if name == "paper" else verify(name):
        typer.echo(line)


def main(args: list[str] | None = None) -> NoReturn:
    """Run the command line and leave with its exit code; a user's mistake is one line on stderr and code 2."""
    if args is None:
        args = sys.argv[1:]
        # Like Ctrl-C: unfinished files are removed on the way out.
        signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(TERMINATED))
    try:
        code = typer.main.get_command(app).main(args or ["--help"], prog_name="megami", standalone_mode=False)
    except UserError as error:
        fail(str(error))
    except (KeyboardInterrupt, typer.Abort):
        code = INTERRUPTED
    except OSError as error:  # a disk, a folder or a file that fails where nobody asked
        fail(f"{error.filename or 'input or output'}: {error.strerror or error}; check the disk and the permissions")
    except Exception as error:
        if not is_usage_error(error):
            raise
        fail(usage_message(error))
    if code == INTERRUPTED:
        typer.echo("megami: interrupted", err=True)
    sys.exit(code if isinstance(code, int) else 0)


def is_usage_error(error: Exception) -> bool:
    """True for what the option parser raises; by shape, since typer brings its own click or uses the package."""
    return hasattr(error, "format_message") and hasattr(error, "exit_code")


def usage_message(error: Exception) -> str:
    """What is wrong with the options, and where to read about them."""
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "megami"
    return f"{error.format_message().rstrip('.')} (see {command} --help)"


def fail(message: str) -> NoReturn:
    """Print one line on stderr and exit with code 2."""
    typer.echo(f"megami: {' '.join(message.split())}", err=True)
    sys.exit(2)


if __name__ == "__main__":
    main()
