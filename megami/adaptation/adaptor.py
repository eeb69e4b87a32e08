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
    # Size of the effect embedding that may be told beside the content: what was done to a track says what to undo.
    # Published: none.
    effects_dim: int = 0
    further_layers: int = 0  # hidden layers beyond the published one
    scaled: bool = False  # whether the layers see unit vectors scaled to numbers of about 1; published: as they are
    dropout: float = 0.0  # of hidden numbers, while training


class DomainAdaptor(nn.Module):
    """A small network, with or without a shortcut: content [..., dim] to adapted content [..., dim] of unit norm."""

    def __init__(self, config: AdaptorConfig = AdaptorConfig()) -> None:
        super().__init__()
        self.config = config
        self.inner = nn.Linear(config.dim + config.effects_dim, config.hidden_dim)
        self.further = nn.ModuleList(
            nn.Linear(config.hidden_dim, config.hidden_dim) for _ in range(config.further_layers)
        )
        self.outer = nn.Linear(config.hidden_dim, config.dim)

    def forward(self, content: Tensor, effects: Tensor | None = None) -> Tensor:
        """Adapt content [..., dim], given effect embeddings whose leading axes broadcast to its own, or given none.

        Raises ValueError for effects that the adaptor has no room for.
        """
        size = self.config.effects_dim
        if effects is not None and size != effects.shape[-1]:
            raise ValueError(f"effect embeddings of {effects.shape[-1]} numbers for an adaptor that takes {size}")
        told = content
        if size:
            effects = content.new_zeros(size) if effects is None else effects
            told = torch.cat([content, effects.expand(*content.shape[:-1], size)], dim=-1)
        scale = self.config.dim**0.5 if self.config.scaled else 1.0
        hidden = self._drop(torch.relu(self.inner(told * scale)))
        for layer in self.further:
            hidden = self._drop(torch.relu(layer(hidden)))
        answer = self.outer(hidden)
        return F.normalize(content + answer / scale if self.config.shortcut else answer, dim=-1, eps=1e-12)

    def adapt_wet(self, content: Tensor, effects: Tensor) -> Tensor:
        """Adapt the content of wet tracks with known effect embeddings, which are told if this adaptor takes them."""
        return self(content, effects if self.config.effects_dim else None)

    def _drop(self, hidden: Tensor) -> Tensor:
        return F.dropout(hidden, self.config.dropout, self.training)


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
