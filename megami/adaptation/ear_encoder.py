"""The content encoder that hears through MusiCNN: its answer to a track, projected, beside what is measured.

Nothing is learned from the studio's classes here, which is what makes an encoder deaf to real voices: MusiCNN is
frozen, and the projection knows only how its answers to dry tracks are spread.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from megami.adaptation.content import ContentConfig, describe_source, join_content
from megami.adaptation.ear import hear_stem
from megami.adaptation.musicnn import TAGS, MusiCNN

LEAST_SPREAD = 1e-3  # of a number that hardly varies


class EarEncoder(nn.Module):
    """Audio [b, c, n] to content embeddings [b, total_dim] of unit norm; any length, any level, finite for silence.

    Channels are averaged. `fit` sets the projection; the rest is MusiCNN with its published weights.
    """

    centre: Tensor
    spread: Tensor

    def __init__(self, config: ContentConfig) -> None:
        super().__init__()
        self.config = config
        self.musicnn = MusiCNN().requires_grad_(False)
        size = self.musicnn.config.hidden + len(TAGS)
        self.register_buffer("centre", torch.zeros(size))
        self.register_buffer("spread", torch.ones(size))
        self.projection = nn.Parameter(torch.eye(config.dim, size), requires_grad=False)

    @torch.no_grad()
    def fit(self, heard: Tensor) -> None:
        """Set the projection to the main directions of what was heard of many dry tracks [tracks, 250] (PCA).

        Each number is standardised first, so that no tag or feature counts more for being large.
        """
        self.centre.copy_(heard.mean(dim=0))
        self.spread.copy_(heard.std(dim=0) + LEAST_SPREAD)
        standard = ((heard - self.centre) / self.spread).double()
        _, directions = torch.linalg.eigh(standard.T @ standard)  # the smallest first
        first = directions.T.flip(0)[: self.config.dim]
        turn = torch.sign(first.gather(1, first.abs().argmax(dim=1, keepdim=True)))  # which leaves the signs open
        self.projection.copy_(first * turn)

    @torch.no_grad()
    def features(self, audio: Tensor) -> Tensor:
        """What MusiCNN says of the mono averages of tracks [b, c, n]: [b, 250] (cacheable; nothing here is trained)."""
        return torch.stack([hear_stem(self.musicnn, track) for track in audio.mean(dim=1)])

    def encode(self, heard: Tensor) -> Tensor:
        """The learned part of content, of unit norm: [..., 250] -> [..., dim]."""
        return F.normalize((heard - self.centre) / self.spread @ self.projection.T, dim=-1)

    def learned(self, audio: Tensor) -> Tensor:
        """What is heard of audio [b, c, n], without what is measured: [b, dim] of unit norm."""
        return self.encode(self.features(audio))

    def forward(self, audio: Tensor) -> Tensor:
        learned = self.learned(audio)
        return join_content(self.config, learned, describe_source(audio)) if self.config.measures else learned
