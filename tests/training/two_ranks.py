"""A script for test_ranks.py: trains on DEVICES CPU ranks into FOLDER; every rank runs it."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from megami.embeddings import contrastive_loss
from megami.training.loop import LoopConfig, fit
from megami.training.ranks import first_rank_ahead, is_first_rank, start_ranks, wait_for_ranks

CONFIG = LoopConfig(
    steps=30, learning_rate=0.01, ema_rate=0.9, save_every=10, log_every=10, validate_every=10, validate_batches=2
)


class Noisy(nn.Module):
    """A mean over items, each with noise of its own that the task draws for the whole batch."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(4, 16), *layers, nn.Tanh(), nn.Linear(16, 1))

    def randomise(self, batch, generator):
        return {**batch, "x": batch["x"] + 0.1 * torch.randn(batch["x"].shape, generator=generator)}

    def forward(self, batch, generator=None):
        batch = batch if generator is None else self.randomise(batch, generator)
        return {"loss": (self.layers(batch["x"]) - batch["y"]).square().mean()}


class Contrast(nn.Module):
    """A loss that compares every item with all others of the batch."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, 8))
        self.gather = lambda own: own

    def forward(self, batch, generator):
        views = torch.stack([batch["x"], batch["x"] + 0.3 * batch["y"]], dim=1)
        return {"loss": contrastive_loss(self.gather(F.normalize(self.layers(views), dim=-1)), 0.1)}


class Draw:
    """A batch of `size` items; now and then one of an odd number, which two ranks cannot share."""

    def __init__(self, size: int) -> None:
        self.size = size

    def __call__(self, rng):
        count = self.size if rng.random() < 0.8 else 3
        x = torch.from_numpy(rng.standard_normal((count, 4), dtype=np.float32))
        return {"x": x, "y": x.square().sum(1, keepdim=True)}


TASKS = {"noisy": lambda: Noisy(), "contrast": Contrast, "norm": lambda: Noisy(nn.BatchNorm1d(16))}


def main(folder: Path, devices: int) -> None:
    torch.set_num_threads(1)
    start_ranks("cpu", devices)
    for name, make in TASKS.items():
        torch.manual_seed(0)
        task, told = make(), []
        result = fit(
            task, Draw(64), CONFIG, folder / name, "cpu", devices,
            callback=lambda step, values, told=told: told.append(step), draw_validation=Draw(8),
        )  # fmt: skip
        assert told == ([10, 20, 30] if is_first_rank() else [])
        # Every rank has the same result.
        torch.save(result, folder / f"{name}_{int(not is_first_rank())}.pt")
    once = folder / "once"
    with first_rank_ahead():
        if not once.exists():
            assert is_first_rank()
            once.write_text("rank 0 was here first")
    wait_for_ranks()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
