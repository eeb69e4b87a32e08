"""The best linear denoiser: what is known of noisy embeddings from their mean and covariance alone.

The effects of a track lie near a few dozen directions of z; a network has to learn from examples to remove the noise in
all others, though mean and covariance tell it at once. This filter removes it from the start, and the network learns
what a Gaussian cannot know: what the track plays, what the other tracks do, and that styles are distinct. An addition
of ours, for the small preset.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from megami.generator.phase_rotation import rotate_tokens

LEAST_VARIANCE = 1e-9


class LinearDenoiser(nn.Module):
    """Wiener filter for embeddings that are normal draws, before preconditioning; it has moments, not weights.

    For data of mean m and covariance C the clean embedding expected behind x = y + s n is m + C (C + s^2 I)^-1 (x - m).
    Embeddings with content are seen relative to it (`codes`, see `phase_rotation.py`) and have moments of their own,
    beside those of embeddings without content. Until `fit`, m = 0 and C = sigma_data^2 I, and the answer is zero: that
    much the preconditioning knows by itself.
    """

    mean: Tensor
    variance: Tensor
    axes: Tensor

    def __init__(self, dim: int, sigma_data: float, codes: Sequence[int] = ()) -> None:
        super().__init__()
        self.sigma_data, self.codes = sigma_data, tuple(codes)
        # Row 0: with content, row 1: without.
        self.register_buffer("mean", torch.zeros(2, dim))
        self.register_buffer("variance", torch.full((2, dim), sigma_data**2))  # along the axes
        self.register_buffer("axes", torch.eye(dim).repeat(2, 1, 1))  # columns are directions

    @torch.no_grad()
    def fit(self, clean: Tensor, cond: Tensor) -> None:
        """Take the moments of clean embeddings [tracks, channels, T], and of them relative to cond [tracks, M, c]."""
        relative = rotate_tokens(clean[None], cond[None], self.codes, back=True)[0] if self.codes else clean
        for row, x in enumerate((relative, clean)):
            x = x.flatten(1).double()
            mean = x.mean(0)
            variance, axes = torch.linalg.eigh((x - mean).T @ (x - mean) / len(x))
            self.mean[row], self.axes[row] = mean.float(), axes.float()
            self.variance[row] = variance.clamp_min(LEAST_VARIANCE).float()

    def forward(self, x: Tensor, cnoise: Tensor, cond: Tensor) -> Tensor:
        """The raw answer F that this filter gives, to arguments as a network gets them.

        x [b, tracks, channels, T], noisy and scaled by c_in; cnoise [b, 1]: ln(sigma) / 4; cond [b, tracks, M, c].
        """
        turned = rotate_tokens(x, cond, self.codes, back=True) if self.codes else x
        lost = (cond == 0).flatten(1).all(dim=1)[:, None, None]  # [b, 1, 1]: no condition
        sigma = (4 * cnoise).exp()[:, :, None]  # [b, 1, 1]
        scale = (sigma**2 + self.sigma_data**2).sqrt()  # 1 / c_in
        # Both products, then a choice: cheaper than axes of its own for every item.
        mean = torch.where(lost, self.mean[1], self.mean[0])
        variance = torch.where(lost, self.variance[1], self.variance[0])
        away = turned.flatten(-2) * scale - mean  # [b, tracks, dim]
        away = torch.where(lost, away @ self.axes[1], away @ self.axes[0])
        # Along each axis the clean value is `kept` of the noisy one; the preconditioning itself keeps c_skip of it.
        skip = (self.sigma_data / scale) ** 2
        kept = variance / (variance + sigma**2)
        change = (kept - skip) * away
        change = torch.where(lost, change @ self.axes[1].T, change @ self.axes[0].T)
        more = change + (1 - skip) * mean
        answer = (more * scale / (sigma * self.sigma_data)).unflatten(-1, x.shape[-2:])  # 1 / c_out
        return rotate_tokens(answer, cond, self.codes) if self.codes else answer
