"""Activation checkpointing: gradients through a block that keeps its input only, and computes the rest again.

Source: Chen et al. 2016, "Training deep nets with sublinear memory cost".
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint


def forward_and_again(block: nn.Module, x: Tensor, *others: Tensor) -> Tensor:
    """`block(x, *others)`, of which the backward pass computes all but the inputs a second time.

    Output and gradients are the same, and so are the running statistics of BatchNorm, which count each batch once. The
    block must draw no random numbers.
    """
    result: Tensor = checkpoint(
        block,
        x,
        *others,
        use_reentrant=False,
        preserve_rng_state=False,
        context_fn=lambda: (nullcontext(), _statistics_kept(block)),
    )
    return result


@contextmanager
def _statistics_kept(block: nn.Module) -> Iterator[None]:
    """BatchNorm normalises by the batch, as in the first pass, and leaves its running statistics alone."""
    norms: list[Any] = [part for part in block.modules() if isinstance(part, nn.modules.batchnorm._BatchNorm)]
    norms = [norm for norm in norms if norm.track_running_stats]
    settings = [(norm.momentum, norm.num_batches_tracked) for norm in norms]
    try:
        for norm in norms:
            norm.momentum, norm.num_batches_tracked = 0.0, norm.num_batches_tracked.clone()  # counts on a copy
        yield
    finally:
        for norm, (momentum, batches) in zip(norms, settings, strict=True):
            norm.momentum, norm.num_batches_tracked = momentum, batches
