"""What the generator looks at: the attention of every layer, recorded while it answers.

Recording changes nothing: the weights are computed once more from what each layer is given. The chapter "Mixing for a
band" draws them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from torch import Tensor

from megami.generator.edm import Denoiser
from megami.generator.transformer import CrossAttention, Looking, MultitrackTransformer, SelfAttention


@dataclass
class AttentionRecord:
    """Attention weights of one answer; each row of a weight matrix sums to 1.

    to_tokens   per layer [b, heads, S, S]: which tokens each token looks at, the time token first (S = 1 + tracks * T)
    to_content  per layer [b, heads, S, C]: which content tokens it looks at (C = tracks * M)
    """

    tokens: int  # T, of a track's effect embedding
    cond_tokens: int  # M, of a track's content embedding
    to_tokens: list[Tensor] = field(default_factory=list)
    to_content: list[Tensor] = field(default_factory=list)

    def between_tracks(self) -> Tensor:
        """How much each track looks at each track's effects: [layers, b, heads, tracks, tracks].

        Rows are those that look, and sum to 1 less what they look at the time token.
        """
        return torch.stack([self._by_track(weights, self.tokens, skip=1) for weights in self.to_tokens])

    def to_content_of_tracks(self) -> Tensor:
        """How much each track looks at each track's content: [layers, b, heads, tracks, tracks]; rows sum to 1."""
        return torch.stack([self._by_track(weights, self.cond_tokens, skip=0) for weights in self.to_content])

    def _by_track(self, weights: Tensor, keys: int, skip: int) -> Tensor:
        """Average over a track's tokens that look, and add up over the tokens of the track looked at."""
        rows = weights[..., 1:, skip:]  # the time token looks too, but is no track
        return rows.unflatten(-2, (-1, self.tokens)).mean(-2).unflatten(-1, (-1, keys)).sum(-1)


@contextmanager
def record_attention(generator: Denoiser | MultitrackTransformer) -> Iterator[list[AttentionRecord]]:
    """Record the attention of every answer that a generator gives inside the `with` block, one entry for each.

    A denoiser with guidance other than 1 answers twice in one batch: items with content first, then those without.
    """
    network = generator.network if isinstance(generator, Denoiser) else generator
    records: list[AttentionRecord] = []

    def begin(module: torch.nn.Module, given: tuple) -> None:
        records.append(AttentionRecord(given[0].shape[-1], given[2].shape[2]))

    def note(module: torch.nn.Module, given: tuple) -> None:
        if isinstance(module, SelfAttention):
            records[-1].to_tokens.append(attention_weights(module.looking(*given)))
        elif isinstance(module, CrossAttention):
            records[-1].to_content.append(attention_weights(module.looking(*given)))

    layers = [module for module in network.modules() if isinstance(module, SelfAttention | CrossAttention)]
    handles = [network.register_forward_pre_hook(begin), *(layer.register_forward_pre_hook(note) for layer in layers)]
    try:
        yield records
    finally:
        for handle in handles:
            handle.remove()


@torch.no_grad()
def attention_weights(looking: Looking) -> Tensor:
    """The softmax that `attend` multiplies the values with: [b, heads, queries, keys]."""
    logits = looking.q @ looking.k.transpose(-1, -2) / math.sqrt(looking.q.shape[-1])
    allowed = looking.allowed
    logits = logits.masked_fill(~allowed, -torch.inf) if allowed.dtype == torch.bool else logits + allowed
    return logits.softmax(-1)
