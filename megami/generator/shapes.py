"""What shapes pass through the generator: every part that a forward pass visits, with what goes in and comes out.

Works on networks without memory for their weights too (torch's "meta" device), so that the published size can be
walked through in a moment. The chapter "Mixing for a band" draws it.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from megami.generator.transformer import MultitrackTransformer

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Stage:
    """One part of a network on the way of its input: `name` as in the network ("blocks.0.self_attention")."""

    name: str
    kind: str  # name of the module's class
    given: Shape  # of its first argument
    answer: Shape
    parameters: int

    @property
    def depth(self) -> int:
        """How many parts it lies inside of: 0 for the network's own."""
        return self.name.count(".")


def trace_shapes(network: MultitrackTransformer, tracks: int, batch: int = 1) -> list[Stage]:
    """Send noise for so many tracks through a network, and note every part in the order in which it is reached.

    The noise is made where the weights are, with one of each size that the network's config asks for. Random state is
    left alone.
    """
    sizes, device = network.config, next(network.parameters()).device
    x = torch.zeros(batch, tracks, sizes.io_channels, sizes.tokens, device=device)
    cond = torch.zeros(batch, tracks, sizes.cond_tokens, sizes.cond_dim, device=device)
    found: dict[str, Stage] = {}
    order: list[str] = []

    def begin(name: str):
        def note(module: nn.Module, given: tuple) -> None:
            order.append(name)

        return note

    def end(name: str):
        def note(module: nn.Module, given: tuple, answer: Tensor) -> None:
            count = sum(weight.numel() for weight in module.parameters())
            found[name] = Stage(name, type(module).__name__, tuple(given[0].shape), tuple(answer.shape), count)

        return note

    parts = [(name, part) for name, part in network.named_modules() if name and not isinstance(part, nn.ModuleList)]
    tensors = [(name, part) for name, part in parts if type(part).__name__ != "TrackBias"]  # gives no tokens
    handles = [part.register_forward_pre_hook(begin(name)) for name, part in tensors]
    handles += [part.register_forward_hook(end(name)) for name, part in tensors]
    try:
        with torch.no_grad():
            network(x, torch.zeros(batch, 1, device=device), cond)
    finally:
        for handle in handles:
            handle.remove()
    return [found[name] for name in order]
