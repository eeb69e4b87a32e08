"""The one training loop behind all recipes (lightning fabric: CPU, one GPU or several).

A task is a module whose `forward(batch, generator)` returns named losses; the one called "loss" is minimised. A batch
is drawn from nothing but (seed, step), so a run that was interrupted and resumed is the same run; what draws batches
may have `seek(step)`, which is told from which step on it will be asked. What several devices do is in
`megami.training.ranks`. Two things a task may have for them:

randomise(batch, generator) -> batch    draws the random numbers of all items; the loop calls it before the batch is
                                        shared out, and `forward` then gets None for the generator
gather                                  is set to `Ranks.gather`, for losses that compare items with each other

A rank may compute its share in several parts, one after another, and step once (`accumulate`). For tasks that draw by
`randomise`, and whose loss is a mean over items, the gradient is that of the whole share; BatchNorm sees one part.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm

from megami.errors import UserError
from megami.training.checkpoints import append_row, cut_log, load_checkpoint, save_checkpoint
from megami.training.events import open_events
from megami.training.interrupts import Interrupts
from megami.training.ranks import Ranks, number_of_items, start_ranks, wait_for_ranks
from megami.training.validation import BestAverage, estimate_loss

DrawBatch = Callable[[np.random.Generator], dict[str, Tensor]]
Callback = Callable[[int, dict[str, float]], None]

BATCHES, DROPOUT = 0, 2
"""Third number of the seeds of a step: of its batch, and of what its networks draw by themselves."""


@dataclass(frozen=True)
class LoopConfig:
    """How long and how fast a network learns, and how often it is looked at."""

    steps: int
    learning_rate: float = 1e-3
    betas: tuple[float, float] = (0.9, 0.99)
    weight_decay: float = 1e-2
    warmup_steps: int = 40
    final_fraction: float = 0.03  # of the learning rate, reached by a cosine
    clip_norm: float = 1.0
    ema_rate: float = 0.999
    ema_ramp_steps: float = 0.0  # the rate rises to it from 0 along a line, as published; 0: along a curve of our own
    # Or "bf16-mixed": most products in half precision, weights and losses whole; with "bf16-whole-inputs" batches too.
    precision: str = "32-true"
    save_every: int = 250  # steps between checkpoints: minutes of work at most are lost
    log_every: int = 25
    seed: int = 0
    validate_every: int = 0  # steps between looks at validation songs; 0: never, and the last average is the result
    validate_batches: int = 16
    accumulate: int = 1  # parts that a rank's share of a batch is computed in, which need the memory of one
    events: bool = False  # whether TensorBoard's event files are written beside the log, where a writer is installed


def learning_rate_at(step: int, config: LoopConfig) -> float:
    """Learning rate of a step: linear warm-up, then a cosine down to `final_fraction`."""
    if step < config.warmup_steps:
        return config.learning_rate * (step + 1) / config.warmup_steps
    progress = (step - config.warmup_steps) / max(1, config.steps - config.warmup_steps)
    cosine = 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))
    return config.learning_rate * (config.final_fraction + (1 - config.final_fraction) * cosine)


def ema_rate_at(step: int, rate: float, ramp_steps: float = 0.0) -> float:
    """Averaging rate of a step; short at first, so that the initial weights are forgotten.

    With `ramp_steps` it rises along a line, and is the whole rate from that step on (the published rule).
    """
    if ramp_steps > 0:
        return min(rate, step / ramp_steps) if step < ramp_steps else rate
    return min(rate, (1 + step) / (10 + step))


@torch.no_grad()
def update_average(average: dict[str, Tensor], module: nn.Module, rate: float) -> None:
    """Move the running average of all floating-point state towards the module's; other state is copied."""
    for key, value in module.state_dict().items():
        if value.is_floating_point():
            average[key].lerp_(value.to(average[key]), 1 - rate)
        else:
            average[key].copy_(value)


def in_parts(batch: dict[str, Tensor], parts: int) -> list[tuple[dict[str, Tensor], float]]:
    """Cut a batch into so many parts of nearly equal size, each with its share of the items; whole if it cannot be."""
    items = number_of_items(batch)
    if parts <= 1 or items <= 1:
        return [(batch, 1.0)]
    cuts = {name: value.tensor_split(min(parts, items)) for name, value in batch.items()}
    sizes = [len(part) for part in next(iter(cuts.values()))]
    return [({name: cut[n] for name, cut in cuts.items()}, size / items) for n, size in enumerate(sizes)]


def finished_part(task: nn.Module, part: str, average: dict[str, Tensor]) -> nn.Module:
    """Give one network of a task, on the CPU, with the averaged weights that `fit` returned for the task."""
    network = getattr(task, part).cpu()
    network.load_state_dict({k.removeprefix(f"{part}."): v for k, v in average.items() if k.startswith(f"{part}.")})
    return network


def fit(
    task: nn.Module,
    draw_batch: DrawBatch,
    config: LoopConfig,
    folder: Path,
    device: str = "cpu",
    devices: int = 1,
    nodes: int = 1,
    title: str = "training",
    callback: Callback | None = None,
    stop_after: int | None = None,
    draw_validation: DrawBatch | None = None,
) -> dict[str, Tensor]:
    """Train a task and return the running average of its state; resumes from `folder` where a run was cut off.

    task             module with `forward(batch, generator) -> dict of scalars`, "loss" is minimised
    draw_batch       (rng) -> dict of CPU tensors; must depend on nothing but the generator it is given
    folder           gets checkpoint.pt (every `save_every` steps), log.jsonl, and best.pt if there is validation
    devices          ranks that share each batch (see `megami.training.ranks`); more than one in a script only
    nodes            machines with so many ranks each, all of which see the folder
    callback         (step, values) is told what is logged
    stop_after       end this call after so many steps in total, as if interrupted (the schedule is not changed)
    draw_validation  like `draw_batch`, of validation songs. With it, and `validate_every` above 0, the average with the
                     least validation loss is returned, not the last

    Ctrl-C and SIGTERM wait for the end of the step, and what was learnt is saved first. A run that was interrupted, or
    killed anywhere, and then resumed, gives the weights of one that was not (bit for bit on a CPU). Raises
    FloatingPointError if the loss is not finite, UserError for more devices than there are.
    """
    ranks = Ranks(start_ranks(device, devices, config.precision, nodes))
    folder.mkdir(parents=True, exist_ok=True)
    wait_for_ranks()  # all see the same checkpoint
    training = Training(task, config, folder, ranks, draw_validation)
    seek = getattr(draw_batch, "seek", None)
    if seek is not None:
        seek(training.step)
    last = min(config.steps, stop_after or config.steps)
    options = {"initial": training.step, "desc": title, "disable": not training.leads, "mininterval": 1.0}
    progress = tqdm(total=config.steps, **options)
    with Interrupts() as interrupts:
        try:
            while training.step < last:
                values = training.advance(draw_batch)
                progress.update()
                if values is not None and training.leads:
                    progress.set_postfix_str(f"loss {values['loss']:.4f}")
                    if callback is not None:
                        callback(training.step, values)
                if training.step % config.save_every == 0:
                    training.save()
                if ranks.any(interrupts.pending is not None):  # all ranks stop after the same step
                    training.save()
                    wait_for_ranks()
                    interrupts.deliver()
                    if ranks.count > 1:
                        raise KeyboardInterrupt
        finally:
            progress.close()
            training.save()
            training.events.close()
    training.conclude()
    wait_for_ranks()
    return training.result()


class Training:
    """The state of a run: network, optimiser, running average and step, which change and are saved together."""

    def __init__(
        self, task: nn.Module, config: LoopConfig, folder: Path, ranks: Ranks, draw_validation: DrawBatch | None = None
    ) -> None:
        self.task = ranks.synchronise_norms(task)
        self.config, self.folder, self.ranks = config, folder, ranks
        self.leads = ranks.number == 0
        self.draw_validation = draw_validation if config.validate_every else None
        optimizer = torch.optim.AdamW(
            (p for p in task.parameters() if p.requires_grad),
            lr=config.learning_rate,
            betas=config.betas,
            weight_decay=config.weight_decay,
            fused=True,
        )
        hooks: Any = task
        if hasattr(hooks, "gather"):
            hooks.gather = ranks.gather
        self.randomise = getattr(hooks, "randomise", None)
        self.wrapped, self.optimizer = ranks.fabric.setup(self.task, optimizer)
        self.average = {k: v.detach().clone() for k, v in self.task.state_dict().items()}
        self.step = 0
        self.whole = True  # whether step, network, optimiser, average and log agree with each other
        self.seconds = 0.0
        self.saved: int | None = None
        self._resume()
        self.best = BestAverage(folder, self.step) if self.draw_validation else None
        self.events = open_events(folder, self.step, config.events and self.leads)
        self.started = time.perf_counter() - self.seconds

    @property
    def checkpoint(self) -> Path:
        """Where the state is kept."""
        return self.folder / "checkpoint.pt"

    def advance(self, draw_batch: DrawBatch) -> dict[str, float] | None:
        """Do one step; returns what is logged of it, None if nothing is."""
        self.whole = False
        losses = self._learn(draw_batch)
        self.step += 1
        values = self._report(losses)
        self.whole = True
        return values

    def save(self) -> None:
        """Write a checkpoint, unless the last step was cut off halfway: then the one before it is where to resume."""
        if not self.leads or not self.whole or self.saved == self.step:
            return
        state = {
            "step": self.step,
            "task": self.task.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "average": self.average,
            "seconds": time.perf_counter() - self.started,
        }
        save_checkpoint(self.checkpoint, state)
        self.saved = self.step

    def conclude(self) -> None:
        """Validate a run that has learnt all, and was never looked at on the way."""
        if self.leads and self.best is not None and self.step == self.config.steps and not self.best.found:
            self._validate()

    def result(self) -> dict[str, Tensor]:
        """Give the best average if there is validation, else the last."""
        if self.best is not None:
            best = BestAverage(self.folder, self.step).average()  # rank 0 has kept it
            if best is not None:
                return best
        return {k: v.cpu() for k, v in self.average.items()}

    def _learn(self, draw_batch: DrawBatch) -> dict[str, Tensor]:
        batch, generator = self._draw(draw_batch)
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate_at(self.step, self.config)
        self.task.train()
        self.optimizer.zero_grad(set_to_none=True)
        shared = self.ranks.mean(self._gradients(batch, generator))
        if not torch.isfinite(shared["loss"]):
            raise FloatingPointError(f"the loss is {float(shared['loss'])} at step {self.step}")
        nn.utils.clip_grad_norm_(self.task.parameters(), self.config.clip_norm)
        self.optimizer.step()
        self.ranks.average_buffers(self.task)
        update_average(self.average, self.task, self._ema_rate())
        return shared

    def _draw(self, draw_batch: DrawBatch) -> tuple[dict[str, Tensor], torch.Generator | None]:
        """This rank's share of the step's batch on its device, and a generator unless the task has drawn already."""
        rng = np.random.default_rng([self.config.seed, self.step, BATCHES])
        seed = int(rng.integers(2**62))
        generator: torch.Generator | None = torch.Generator().manual_seed(seed)
        batch = draw_batch(rng)
        if self.randomise is not None:
            batch, generator = self.randomise(batch, generator), None
        share = self.ranks.share(batch)
        if generator is not None and self.ranks.divided:
            generator.manual_seed(seed + self.ranks.number)
        return {k: v.to(self.ranks.fabric.device, non_blocking=True) for k, v in share.items()}, generator

    def _ema_rate(self) -> float:
        return ema_rate_at(self.step, self.config.ema_rate, self.config.ema_ramp_steps)

    def _gradients(self, batch: dict[str, Tensor], generator: torch.Generator | None) -> dict[str, Tensor]:
        """Sum up the gradients of the share's parts; returns the share's losses."""
        fabric = self.ranks.fabric
        total: dict[str, Tensor] = {}
        parts = in_parts(batch, self.config.accumulate)
        with self._own_draws():
            for number, (part, weight) in enumerate(parts, 1):
                waits = self.ranks.count > 1 and number < len(parts)  # ranks exchange gradients once
                with fabric.no_backward_sync(self.wrapped, enabled=waits):
                    losses = self.wrapped(part, generator)
                    fabric.backward(losses["loss"] * weight)
                for name, value in losses.items():
                    own = value.detach() * weight
                    total[name] = total[name] + own if name in total else own
        return total

    @contextmanager
    def _own_draws(self) -> Iterator[None]:
        """Make what knows no generators, as dropout does, depend on (seed, step) too."""
        own = self.ranks.number if self.ranks.divided else 0
        seed = int(np.random.default_rng([self.config.seed, self.step, DROPOUT, own]).integers(2**62))
        device = self.ranks.fabric.device
        with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
            torch.default_generator.manual_seed(seed)
            if device.type == "cuda":
                torch.cuda.manual_seed(seed)
            yield

    def _report(self, losses: dict[str, Tensor]) -> dict[str, float] | None:
        """Validate and log, where it is time to."""
        at_end = self.step == self.config.steps
        validates = self.best is not None and (at_end or self.step % self.config.validate_every == 0)
        if not self.leads or not (validates or at_end or self.step % self.config.log_every == 0):
            return None
        values = {k: float(v) for k, v in losses.items()}
        if validates:
            values["validation_loss"] = self._validate()
        self.events.write(self.step, values)
        append_row(
            self.folder / "log.jsonl", {"step": self.step, "seconds": time.perf_counter() - self.started, **values}
        )
        return values

    def _validate(self) -> float:
        assert self.best is not None and self.draw_validation is not None
        loss = estimate_loss(self.task, self.average, self.draw_validation, self.config.validate_batches, self.ranks)
        self.best.offer(self.step, loss, self.average)
        return loss

    def _resume(self) -> None:
        state = load_checkpoint(self.checkpoint) if self.checkpoint.is_file() else None
        if state is not None:
            self._load(state)
        if self.leads:
            cut_log(self.folder / "log.jsonl", self.step)

    def _load(self, state: dict[str, Any]) -> None:
        try:
            self.task.load_state_dict(state["task"])
            self.optimizer.load_state_dict(state["optimizer"])
        except (KeyError, RuntimeError, ValueError):
            raise UserError(
                f"{self.checkpoint} belongs to another configuration: delete its folder or train into another"
            ) from None
        for key, value in state["average"].items():
            self.average[key].copy_(value)
        self.step = self.saved = state["step"]
        self.seconds = state.get("seconds", 0.0)  # checkpoints of older versions do not say
