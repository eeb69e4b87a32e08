"""`megami train`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from megami.cli.options import Device, Workers
from megami.cli.output_folder import check_writable
from megami.errors import UserError


def train(
    preset: Annotated[str, typer.Argument(help="what to train: small")],
    out: Annotated[Path, typer.Option(help="folder for caches, checkpoints and weights")] = Path("runs/small"),
    seed: Annotated[int, typer.Option(help="decides songs, engineers, initial weights and batches")] = 0,
    stages: Annotated[str, typer.Option(help="comma-separated stages; if empty, all but generator_true_dry")] = "",
    validate: Annotated[
        bool,
        typer.Option("--validate", help="look at validation songs now and then, and keep each network at its best"),
    ] = False,
    validate_every: Annotated[int, typer.Option(help="the same, every so many steps; 0: 20 times in all")] = 0,
    device: Device = "auto",
    devices: Annotated[int, typer.Option(help="number of GPUs, which share each batch; on a CPU, of processes")] = 1,
    workers: Workers = 0,
) -> None:
    """Train every network of a preset from a seed; run it again to go on after an interruption."""
    from megami.device import resolve_device
    from megami.training import STAGES, SmallRecipe, Workplace, train_small
    from megami.training.ranks import is_first_rank

    if preset != "small":
        raise UserError(f"cannot train {preset!r}: the preset that trains here is small")
    if not 0 <= seed < 2**32 or devices < 1 or workers < 0 or validate_every < 0:
        raise UserError(
            f"--seed must be from 0 to {2**32 - 1}, --workers and --validate-every 0 or more, --devices 1 or more"
        )
    chosen = tuple(stage.strip() for stage in stages.split(",") if stage.strip())
    check_writable(out)
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
