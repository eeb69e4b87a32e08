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
    # Whether the layers say only what is to change. Published: no. With measured codes in the content, yes: most
    # numbers are nearly right already.
    shortcut: bool = False


class DomainAdaptor(nn.Module):
    """Two layers, with or without a shortcut: content [..., dim] to adapted content [..., dim] of unit norm."""

    def __init__(self, config: AdaptorConfig = AdaptorConfig()) -> None:
        super().__init__()
        self.config = config
        self.inner = nn.Linear(config.dim, config.hidden_dim)
        self.outer = nn.Linear(config.hidden_dim, config.dim)

    def forward(self, content: Tensor) -> Tensor:
        answer = self.outer(torch.relu(self.inner(content)))
        return F.normalize(content + answer if self.config.shortcut else answer, dim=-1, eps=1e-12)


def adaptor_loss(adapted: Tensor, dry: Tensor) -> Tensor:
    """Mean of one minus the cosine between adapted wet and dry content embeddings [..., dim] -> scalar."""
    return 1 - F.cosine_similarity(adapted, dry, dim=-1).mean()


def doubt(adapted: Tensor, dry: Tensor, least: float = 1e-3) -> Tensor:
    """How unsure adapted content is: a triangular L [dim, dim] with L L^T the mean square of its errors.

    adapted, dry: [items, dim]. Noise L n, with n unit normal, is as large as the errors and points where they point.
    `least` is a noise per number that is always there, and keeps L L^T positive definite.
    """
    errors = (adapted - dry).double()
    square = errors.T @ errors / len(errors) + least**2 * torch.eye(errors.shape[1], dtype=torch.float64)
    return torch.linalg.cholesky(square).to(adapted.dtype)


def add_content_noise(content: Tensor, sigma: float | Tensor, generator: torch.Generator | None = None) -> Tensor:
    """Blur content embeddings [..., dim] by normal noise, back to unit norm; hides what they still say about effects.

    sigma: noise per number (published: 0.011), or the matrix [dim, dim] of `doubt`. Without a generator, or with sigma
    0, no noise.
    """
    if generator is None or (not isinstance(sigma, Tensor) and sigma == 0):
        return F.normalize(content, dim=-1)
    noise = torch.randn(content.shape, generator=generator, device=generator.device, dtype=content.dtype)
    noise = noise.to(content.device)
    noise = noise @ sigma.to(content).T if isinstance(sigma, Tensor) else sigma * noise
    return F.normalize(content + noise, dim=-1)


def content_tokens(content: Tensor, token_dim: int = 64) -> Tensor:
    """Cut content embeddings into the tokens that the generator attends to.

    content [..., dim] -> [..., T, token_dim] with T = dim / token_dim; ValueError if it does not divide. Row-major in
    [token_dim, T], then transposed, as published: token m holds the numbers m, m + T, m + 2 T, ...
    """
    *batch, dim = content.shape
    if dim % token_dim:
        raise ValueError(f"a content embedding of {dim} numbers does not divide into tokens of {token_dim}")
    return content.reshape(*batch, token_dim, dim // token_dim).transpose(-1, -2)
