"""`megami train`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from megami.cli.options import Device, WeightsDir, Workers
from megami.cli.output_folder import check_writable
from megami.errors import UserError

if TYPE_CHECKING:
    from megami.training.paper_workplace import PaperPlace, PaperRecipe

PRESETS = ("small", "paper")
DataFolders = Annotated[
    list[str] | None,
    typer.Option(
        "--data",
        metavar="FOLDER[:SHARE]",
        help="paper: a folder of features or of recordings; may be given several times, with the share of each "
        "(MedleyDB:0.5), else every item comes as often as every other",
        show_default=False,
    ),
]
Start = Annotated[
    Path | None, typer.Option(help="paper: a folder of weights for what is not trained here", show_default=False)
]


def train(
    preset: Annotated[str, typer.Argument(help="what to train: small, or paper (the published system, on recordings)")],
    out: Annotated[
        Path | None, typer.Option(help="folder for caches, checkpoints and weights; runs/PRESET if not given")
    ] = None,
    seed: Annotated[int, typer.Option(help="decides songs, engineers, initial weights and batches")] = 0,
    stages: Annotated[
        str,
        typer.Option(help="comma-separated stages; if empty, all of use (paper: fxnorm,adaptor,processor,generator)"),
    ] = "",
    validate: Annotated[
        bool,
        typer.Option(
            "--validate",
            help="look at validation songs now and then, and keep each network at its best (paper always does)",
        ),
    ] = False,
    validate_every: Annotated[int, typer.Option(help="the same, every so many steps; 0: 20 times in all")] = 0,
    device: Device = "auto",
    devices: Annotated[int, typer.Option(help="number of GPUs, which share each batch; on a CPU, of processes")] = 1,
    workers: Workers = 0,
    data: DataFolders = None,
    size: Annotated[str, typer.Option(help="paper: tiny, small or paper (published)")] = "paper",
    steps: Annotated[int, typer.Option(help="paper: steps of each network; 0: as its recipe says")] = 0,
    batch: Annotated[int, typer.Option(help="paper: items to a step, over all devices and parts")] = 8,
    accumulate: Annotated[int, typer.Option(help="paper: parts that a device computes its items in")] = 1,
    recompute: Annotated[
        bool,
        typer.Option(
            "--recompute",
            help="paper: the processor computes blocks again for its gradients: less memory, more time, same result",
        ),
    ] = False,
    precision: Annotated[str, typer.Option(help="paper: fp32 or bf16 (mixed)")] = "fp32",
    nodes: Annotated[int, typer.Option(help="paper: machines; torchrun says it by itself")] = 1,
    weights_dir: WeightsDir = None,
    start: Start = None,
) -> None:
    """Train every network of a preset from a seed; run it again to go on after an interruption."""
    if preset not in PRESETS:
        raise UserError(f"cannot train {preset!r}: the presets that train here are {' and '.join(PRESETS)}")
    if not 0 <= seed < 2**32 or devices < 1 or nodes < 1 or workers < 0 or validate_every < 0:
        raise UserError(
            f"--seed must be from 0 to {2**32 - 1}, --workers and --validate-every 0 or more, --devices and --nodes 1 "
            "or more"
        )
    folder = Path("runs", preset) if out is None else out
    chosen = tuple(stage.strip() for stage in stages.split(",") if stage.strip())
    check_writable(folder)
    if preset == "small":
        if (
            data
            or start is not None
            or (steps, batch, accumulate, nodes) != (0, 8, 1, 1)
            or precision != "fp32"
            or recompute
        ):
            raise UserError(
                "--data, --steps, --batch, --accumulate, --recompute, --precision, --nodes and --start go with "
                "'megami train paper'"
            )
        train_small_preset(folder, seed, chosen, validate, validate_every, device, devices, workers)
        return

    from megami.device import resolve_device
    from megami.training.paper_workplace import PaperPlace, PaperRecipe

    place = PaperPlace(folder, str(resolve_device(device)), devices, nodes, weights_dir, start, workers)
    recipe = PaperRecipe(size, seed, batch, steps, accumulate, precision, validate_every, recompute)
    train_published(place, recipe, tuple(data or ()), chosen)


def train_small_preset(
    out: Path,
    seed: int,
    chosen: tuple[str, ...],
    validate: bool,
    validate_every: int,
    device: str,
    devices: int,
    workers: int,
) -> None:
    """`megami train small`."""
    from megami.device import resolve_device
    from megami.training import STAGES, SmallRecipe, Workplace, train_small
    from megami.training.ranks import is_first_rank

    place = Workplace(out, str(resolve_device(device)), devices, workers or None)
    for path in sorted(place.weights.glob("*.safetensors")):  # theirs would be overwritten after hours of training
        stage = path.stem
        if stage in (chosen or STAGES) and not (out / stage / "checkpoint.pt").exists():
            raise UserError(f"{path} is there, but no {stage}/checkpoint.pt: move it away or choose another --out")
    recipe = SmallRecipe().with_seed(seed)
    if validate or validate_every:
        recipe = recipe.with_validation(validate_every)
    weights = train_small(place, recipe, chosen)
    if is_first_rank():
        typer.echo(os.fsencode(weights))


def train_published(place: PaperPlace, recipe: PaperRecipe, data: tuple[str, ...], chosen: tuple[str, ...]) -> None:
    """`megami train paper`."""
    from megami.training.events import MISSING, events_package
    from megami.training.paper import check_request, train_paper
    from megami.training.paper_data import open_data, read_share
    from megami.training.paper_workplace import borrowed
    from megami.training.ranks import is_first_rank, rank_by_environment

    if rank_by_environment() == 0 and events_package() is None:
        typer.echo(f"megami: {MISSING}", err=True)
    check_request(place, recipe, chosen)
    told = [read_share(one) for one in data]
    features = open_data(place, recipe, tuple(path for path, _ in told), tuple(share for _, share in told))
    if rank_by_environment() == 0 and not features.validation:
        typer.echo(
            "megami: no features of validation songs: networks keep their last weights, not their best", err=True
        )
    weights = train_paper(place, recipe, features, chosen)
    if is_first_rank():
        for line in borrowed(place):
            typer.echo(f"megami: {line}", err=True)
        typer.echo(os.fsencode(weights))
