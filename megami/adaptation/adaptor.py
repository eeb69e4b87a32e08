"""The domain adaptor: guesses the content embedding of the dry track from that of the wet one (MEGAMI).

With it the generator learns from songs that exist only mixed, and still understands dry tracks.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F


@dataclass(frozen=True)
class AdaptorConfig:
    """Sizes of the adaptor; published: dim 512."""

    dim: int = 128
    hidden_dim: int = 512


class DomainAdaptor(nn.Module):
    """Two layers and no shortcut: content embeddings [..., dim] to adapted ones [..., dim] of unit norm."""

    def __init__(self, config: AdaptorConfig = AdaptorConfig()) -> None:
        super().__init__()
        self.config = config
        self.inner = nn.Linear(config.dim, config.hidden_dim)
        self.outer = nn.Linear(config.hidden_dim, config.dim)

    def forward(self, content: Tensor) -> Tensor:
        return F.normalize(self.outer(torch.relu(self.inner(content))), dim=-1, eps=1e-12)


def adaptor_loss(adapted: Tensor, dry: Tensor) -> Tensor:
    """Mean of one minus the cosine between adapted wet and dry content embeddings [..., dim] -> scalar."""
    return 1 - F.cosine_similarity(adapted, dry, dim=-1).mean()


def add_content_noise(content: Tensor, sigma: float, generator: torch.Generator | None = None) -> Tensor:
    """Blur content embeddings [..., dim] by normal noise of `sigma` per number, back to unit norm.

    Hides what little a wet embedding still says about its effects; without a generator, or with sigma 0, no noise.
    """
    if generator is None or sigma == 0:
        return F.normalize(content, dim=-1)
    noise = torch.randn(content.shape, generator=generator, device=generator.device, dtype=content.dtype)
    return F.normalize(content + sigma * noise.to(content.device), dim=-1)


def content_tokens(content: Tensor, token_dim: int = 64) -> Tensor:
    """Cut content embeddings into the tokens that the generator attends to.

    content [..., dim] -> [..., T, token_dim] with T = dim / token_dim; ValueError if it does not divide. Row-major in
    [token_dim, T], then transposed, as published: token m holds the numbers m, m + T, m + 2 T, ...
    """
    *batch, dim = content.shape
    if dim % token_dim:
        raise ValueError(f"a content embedding of {dim} numbers does not divide into tokens of {token_dim}")
    return content.reshape(*batch, token_dim, dim // token_dim).transpose(-1, -2)
