"""The one training loop behind all recipes (lightning fabric: CPU, one GPU or several).

A task is a module whose `forward(batch, generator)` returns named losses; the one called "loss" is minimised. A batch
is drawn from nothing but (seed, step, rank), so a run that was interrupted and resumed is the same run.
"""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from tqdm import tqdm

from megami.errors import UserError

DrawBatch = Callable[[np.random.Generator], dict[str, Tensor]]


@dataclass(frozen=True)
class LoopConfig:
    """How long and how fast a network learns."""

    steps: int
    learning_rate: float = 1e-3
    betas: tuple[float, float] = (0.9, 0.99)
    weight_decay: float = 1e-2
    warmup_steps: int = 40
    final_fraction: float = 0.03  # of the learning rate, reached by a cosine
    clip_norm: float = 1.0
    ema_rate: float = 0.999
    precision: str = "32-true"  # or "bf16-mixed": most products in half precision, weights and losses whole
    save_every: int = 250  # steps between checkpoints: minutes of work at most are lost
    log_every: int = 25
    seed: int = 0


def learning_rate_at(step: int, config: LoopConfig) -> float:
    """Learning rate of a step: linear warm-up, then a cosine down to `final_fraction`."""
    if step < config.warmup_steps:
        return config.learning_rate * (step + 1) / config.warmup_steps
    progress = (step - config.warmup_steps) / max(1, config.steps - config.warmup_steps)
    cosine = 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))
    return config.learning_rate * (config.final_fraction + (1 - config.final_fraction) * cosine)


def ema_rate_at(step: int, rate: float) -> float:
    """Averaging rate of a step; short at first, so that the initial weights are forgotten."""
    return min(rate, (1 + step) / (10 + step))


@torch.no_grad()
def update_average(average: dict[str, Tensor], module: nn.Module, rate: float) -> None:
    """Move the running average of all floating-point state towards the module's; other state is copied."""
    for key, value in module.state_dict().items():
        if value.is_floating_point():
            average[key].lerp_(value.to(average[key]), 1 - rate)
        else:
            average[key].copy_(value)


def save_checkpoint(path: Path, state: dict) -> None:
    """Write a checkpoint so that a reader sees the old one or the new one, never half of it."""
    partial = path.with_suffix(".part")
    torch.save(state, partial)
    os.replace(partial, path)


def load_checkpoint(path: Path) -> dict:
    """Read a checkpoint of `save_checkpoint`; raises UserError if it cannot be read."""
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UserError(f"{path} is not a readable checkpoint ({reason}): delete it to start again") from None


def fit(
    task: nn.Module,
    draw_batch: DrawBatch,
    config: LoopConfig,
    folder: Path,
    device: str = "cpu",
    devices: int = 1,
    title: str = "training",
    callback: Callable[[int, dict[str, float]], None] | None = None,
    stop_after: int | None = None,
) -> dict[str, Tensor]:
    """Train a task and return the running average of its state; resumes from `folder` where a run was cut off.

    task         module with `forward(batch, generator) -> dict of scalars`, "loss" is minimised
    draw_batch   (rng) -> dict of CPU tensors; must depend on nothing but the generator it is given
    folder       gets checkpoint.pt (every `save_every` steps), log.jsonl
    stop_after   end this call after so many steps in total, as if interrupted (the schedule is not changed)

    Interrupting with Ctrl-C saves first. Raises FloatingPointError if the loss is not finite.
    """
    folder.mkdir(parents=True, exist_ok=True)
    fabric = Fabric(accelerator="cpu" if device == "cpu" else "cuda", devices=devices, precision=config.precision)
    fabric.launch()
    optimizer = torch.optim.AdamW(
        (p for p in task.parameters() if p.requires_grad),
        lr=config.learning_rate,
        betas=config.betas,
        weight_decay=config.weight_decay,
        fused=True,
    )
    wrapped, optimizer = fabric.setup(task, optimizer)
    average = {k: v.detach().clone() for k, v in task.state_dict().items()}
    step = _resume(folder / "checkpoint.pt", task, optimizer, average)

    def save() -> None:
        if fabric.is_global_zero:
            state = {"step": step, "task": task.state_dict(), "optimizer": optimizer.state_dict(), "average": average}
            save_checkpoint(folder / "checkpoint.pt", state)

    last = min(config.steps, stop_after or config.steps)
    started = time.perf_counter()
    progress = tqdm(total=config.steps, initial=step, desc=title, disable=not fabric.is_global_zero, mininterval=1.0)
    try:
        while step < last:
            losses = _train_step(wrapped, task, optimizer, average, draw_batch, config, fabric, step)
            step += 1
            progress.update()
            if step % config.log_every == 0 or step == config.steps:
                values = {k: float(v.detach()) for k, v in losses.items()}
                progress.set_postfix_str(f"loss {values['loss']:.4f}")
                _log(folder / "log.jsonl", {"step": step, "seconds": time.perf_counter() - started, **values})
                if callback is not None:
                    callback(step, values)
            if step % config.save_every == 0:
                save()
    finally:
        progress.close()
        save()
    return {k: v.cpu() for k, v in average.items()}


def _train_step(wrapped, task, optimizer, average, draw_batch, config, fabric, step) -> dict[str, Tensor]:
    rng = np.random.default_rng([config.seed, step, fabric.global_rank])
    generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
    batch = {k: v.to(fabric.device, non_blocking=True) for k, v in draw_batch(rng).items()}
    for group in optimizer.param_groups:
        group["lr"] = learning_rate_at(step, config)
    task.train()
    losses = wrapped(batch, generator)
    if not torch.isfinite(losses["loss"]):
        raise FloatingPointError(f"the loss is {float(losses['loss'].detach())} at step {step}")
    optimizer.zero_grad(set_to_none=True)
    fabric.backward(losses["loss"])
    nn.utils.clip_grad_norm_(task.parameters(), config.clip_norm)
    optimizer.step()
    update_average(average, task, ema_rate_at(step, config.ema_rate))
    return losses


def _resume(path: Path, task: nn.Module, optimizer, average: dict[str, Tensor]) -> int:
    if not path.is_file():
        return 0
    state = load_checkpoint(path)
    try:
        task.load_state_dict(state["task"])
        optimizer.load_state_dict(state["optimizer"])
    except (KeyError, RuntimeError, ValueError):
        raise UserError(f"{path} belongs to another configuration: delete its folder or train into another") from None
    for key, value in state["average"].items():
        average[key].copy_(value)
    return state["step"]


def _log(path: Path, row: dict[str, float]) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps({k: round(v, 6) if isinstance(v, float) else v for k, v in row.items()}) + "\n")
