"""Looking at validation songs while a network learns, and keeping the weights that do best on them."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from megami.training.checkpoints import load_checkpoint, save_checkpoint
from megami.training.ranks import Ranks

BEST_FILE = "best.pt"
STREAM = 1
"""Third number of the seeds of validation batches; that of training batches is 0."""


@torch.no_grad()
def estimate_loss(
    task: nn.Module,
    state: dict[str, Tensor],
    draw_batch: Callable[[np.random.Generator], dict[str, Tensor]],
    batches: int,
    ranks: Ranks,
) -> float:
    """Mean loss of a task with the given state over batches that are the same whenever this is called.

    In eval mode and without gradients (nanoGPT's `estimate_loss`). Of several ranks, one calls this.
    """
    task.eval()
    ranks.divided = False
    total = 0.0
    for index in range(batches):
        rng = np.random.default_rng([0, index, STREAM])
        generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
        batch = {name: value.to(ranks.fabric.device) for name, value in draw_batch(rng).items()}
        with ranks.fabric.autocast():
            losses = torch.func.functional_call(task, state, (batch, generator))
        total += float(losses["loss"])
    return total / batches


class BestAverage:
    """The averaged state with the least validation loss so far, kept in FOLDER/best.pt.

    A file that is about a later step than `step`, from where training goes on, does not count: that step comes again.
    """

    def __init__(self, folder: Path, step: int) -> None:
        self.path, self.loss = folder / BEST_FILE, math.inf
        if self.path.is_file():
            kept = load_checkpoint(self.path)
            self.loss = kept["loss"] if kept["step"] <= step else math.inf

    @property
    def found(self) -> bool:
        """Whether there is one."""
        return self.loss < math.inf

    def offer(self, step: int, loss: float, average: dict[str, Tensor]) -> None:
        """Keep the average of a step if its loss is less than that of the best."""
        if loss < self.loss:
            self.loss = loss
            save_checkpoint(self.path, {"step": step, "loss": loss, "average": average})

    def average(self) -> dict[str, Tensor] | None:
        """Give the best average; None if there is none yet."""
        return load_checkpoint(self.path)["average"] if self.found else None
