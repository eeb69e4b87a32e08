"""Several devices: one process, a rank, on each of them.

What a rank does. Every rank draws the same whole batch of the recipe from (seed, step) and computes its share of it, so
the batch, the learning rate and the number of steps stay those of the recipe, however many devices there are. Gradients
are averaged (DDP), and all ranks make the same step: the result is that of one rank, up to the order of sums. A batch
that does not divide by the number of ranks is computed whole by each of them.

What differs from one rank: dropout, of which every rank draws its own; and BatchNorm on CPUs. GPUs normalise by the
statistics of the whole batch (SyncBatchNorm, which there is for GPUs only); a CPU normalises by those of its share, and
the running averages are averaged over the ranks after every step.

Several machines, nodes, work as one machine with several devices does, if all of them see the run's folder. `torchrun`
starts the ranks of them all, and says by the environment (WORLD_SIZE, LOCAL_WORLD_SIZE, RANK) how many there are.

Rank 0 alone does what needs no device (songs, features), logs, shows progress, calls back, validates and writes files;
the others wait for it.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import torch
from lightning_fabric import Fabric
from lightning_fabric.plugins import MixedPrecision
from lightning_fabric.strategies import DDPStrategy
from torch import Tensor, distributed, nn
from torch.nn.modules.batchnorm import _BatchNorm

from megami.errors import UserError

PATIENCE = timedelta(days=14)
"""How long ranks wait for rank 0, which may have a corpus to render."""


class WholeInputs(MixedPrecision):
    """Products in bfloat16, batches in single precision: Fabric's "bf16-mixed" rounds these too, to three digits.

    Audio and noise levels would suffer from that.
    """

    NAME = "bf16-whole-inputs"

    def __init__(self, device: str) -> None:
        super().__init__("bf16-mixed", device)

    def convert_input(self, data: Any) -> Any:
        """Leave a batch as it is."""
        return data


def find_devices(device: str, devices: int) -> tuple[str, int | list[int]]:
    """Say which accelerator and which of its devices Fabric is to use: ("cuda", [1]) for "cuda:1".

    Raises UserError for more devices than the machine has.
    """
    where = torch.device(device)
    if where.type == "cpu":
        cores = os.cpu_count() or 1
        if devices > cores:
            raise UserError(f"{devices} devices are more than the {cores} CPU cores of this machine")
        return "cpu", devices
    present = torch.cuda.device_count()
    if where.index is not None and devices > 1:
        raise UserError(f"{device} is one GPU: to train on {devices}, ask for cuda")
    if max(devices, (where.index or 0) + 1) > present:
        asked = device if where.index is not None else f"{devices} GPUs"
        raise UserError(f"cannot train on {asked}: this machine has {present} GPU{'s' if present != 1 else ''}")
    return "cuda", devices if where.index is None else [where.index]


def launched_ranks() -> tuple[int, int] | None:
    """How many ranks run on a machine, and on how many machines, where torchrun has started them; None elsewhere."""
    if not distributed.is_torchelastic_launched():
        return None
    ranks, here = int(os.environ["WORLD_SIZE"]), int(os.environ["LOCAL_WORLD_SIZE"])
    return here, ranks // here


def count_ranks(devices: int = 1, nodes: int = 1) -> tuple[int, int]:
    """How many ranks are to run on a machine, and on how many machines: as asked for, or as torchrun has started.

    Under torchrun 1 means that nothing is asked for. Raises UserError where something else is, than was started, and
    for several nodes that nothing tells where to meet.
    """
    launched = launched_ranks()
    if launched is None:
        if nodes > 1 and not {"MASTER_ADDR", "NODE_RANK"} <= os.environ.keys():
            raise UserError(
                f"to train on {nodes} nodes, start torchrun on each of them, or set MASTER_ADDR and NODE_RANK"
            )
        return devices, nodes
    for asked, there, what in ((devices, launched[0], "devices"), (nodes, launched[1], "nodes")):
        if asked not in (1, there):
            raise UserError(f"torchrun has started ranks for {there} {what}, not {asked}: leave --{what} out")
    return launched


def start_ranks(device: str = "cpu", devices: int = 1, precision: Any = "32-true", nodes: int = 1) -> Fabric:
    """Start a process on every device, by running this program's command once more for each, and join them.

    Where they run already, as under torchrun, nothing is started. Raises UserError for more devices than there are.
    """
    devices, nodes = count_ranks(devices, nodes)
    accelerator, chosen = find_devices(device, devices)
    # Buffers are the loop's business (`Ranks.average_buffers`): else those of rank 0 would count alone.
    strategy = DDPStrategy(broadcast_buffers=False) if devices * nodes > 1 else "auto"
    how: dict[str, Any] = {"precision": precision}
    if precision == WholeInputs.NAME:
        how = {"plugins": [WholeInputs(accelerator)]}
    fabric = Fabric(accelerator=accelerator, devices=chosen, num_nodes=nodes, strategy=strategy, **how)
    fabric.launch()
    return fabric


def rank_by_environment() -> int:
    """Which rank this process is, by what those that start ranks tell it: before it has joined the others."""
    return int(os.environ.get("RANK") or os.environ.get("LOCAL_RANK") or 0)


def is_first_rank() -> bool:
    """Whether this process is rank 0, or the only one."""
    return not distributed.is_initialized() or distributed.get_rank() == 0


def wait_for_ranks() -> None:
    """Wait until every rank is here; a rank whose fellow has failed ends silently, for that one has said why."""
    if not distributed.is_initialized():
        return
    try:
        distributed.barrier(_patient_group())
    except RuntimeError:  # the connection is closed
        if is_first_rank():
            raise
        raise SystemExit(1) from None


@functools.cache
def _patient_group() -> Any:
    """A group that waits for long; by gloo, since GPUs that wait are busy."""
    return distributed.new_group(backend="gloo", timeout=PATIENCE)


@contextmanager
def first_rank_ahead() -> Iterator[None]:
    """Let rank 0 through first; the others do the same when it is done, and find what it has written."""
    if not is_first_rank():
        wait_for_ranks()
    yield
    if is_first_rank():
        wait_for_ranks()


def number_of_items(batch: dict[str, Tensor]) -> int:
    """How many items a batch [items, ...] has; 0 if its tensors do not agree."""
    sizes = {tuple(value.shape[:1]) for value in batch.values()}
    return min(sizes)[0] if len(sizes) == 1 and min(sizes) else 0


class Ranks:
    """The ranks of one training run, as one of them sees them."""

    def __init__(self, fabric: Fabric) -> None:
        self.fabric = fabric
        self.count, self.number = fabric.world_size, fabric.global_rank
        self.divided = False  # whether the batch at hand is shared out

    def share(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Give this rank's items of a whole batch [items, ...]; the whole batch if it does not divide."""
        items = number_of_items(batch)
        self.divided = self.count > 1 and items > 0 and items % self.count == 0
        if not self.divided:
            return batch
        size = items // self.count
        return {name: value[self.number * size : (self.number + 1) * size] for name, value in batch.items()}

    def gather(self, items: Tensor) -> Tensor:
        """Join the ranks' items [share, ...] to those of the whole batch, in order; gradients go back to each rank.

        For losses that compare items with each other.
        """
        if not self.divided:
            return items
        gathered: Any = self.fabric.all_gather(items, sync_grads=True)  # [ranks, share, ...]
        return gathered.flatten(0, 1)

    def mean(self, losses: dict[str, Tensor]) -> dict[str, Tensor]:
        """Average named scalars over the ranks; without gradients."""
        detached = {name: value.detach() for name, value in losses.items()}
        if self.count == 1:
            return detached
        values: Any = self.fabric.all_reduce(torch.stack([v.float() for v in detached.values()]), reduce_op="mean")
        return dict(zip(detached, values, strict=True))

    def any(self, flag: bool) -> bool:
        """Whether a flag is up on any rank."""
        if self.count == 1:
            return flag
        flags: Any = self.fabric.all_reduce(torch.tensor(float(flag), device=self.fabric.device), reduce_op="sum")
        return bool(flags > 0)

    def synchronise_norms(self, task: nn.Module) -> nn.Module:
        """Make BatchNorm see the whole batch, where there is a way to (on GPUs)."""
        if self.count > 1 and self.fabric.device.type == "cuda":
            return nn.SyncBatchNorm.convert_sync_batchnorm(task)
        return task

    @torch.no_grad()
    def average_buffers(self, task: nn.Module) -> None:
        """Average BatchNorm's running statistics over the ranks, where each has seen its own share."""
        if self.count == 1 or self.fabric.device.type == "cuda":
            return
        norms = [m for m in task.modules() if isinstance(m, _BatchNorm) and m.training]
        buffers = [b for norm in norms for b in (norm.running_mean, norm.running_var) if b is not None]
        if buffers:
            joined: Any = self.fabric.all_reduce(torch.cat([b.flatten() for b in buffers]), reduce_op="mean")
            for buffer, values in zip(buffers, joined.split([b.numel() for b in buffers]), strict=True):
                buffer.copy_(values.view_as(buffer))
