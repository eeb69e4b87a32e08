"""The stem bank: studio stems as MusiCNN hears them. What a stem sounds most like says what it is taken for.

Where a hint says what a stem is, the bank also describes it, as a soft nearest neighbour: by the content of studio
stems of that kind, weighted by how much they resemble the stem in MusiCNN's ears and in their spectrum. Without a hint
the content encoder describes it.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from megami.adaptation.content import MID_BANDS
from megami.adaptation.musicnn import TAGS

NOT_THESE = -1e9  # added to the likeness of stems that a hint rules out


@dataclass(frozen=True)
class StemBankConfig:
    """Sizes of a stem bank, and how sharply the nearest stems are preferred."""

    stems: int = 0
    features: int = 200  # of MusiCNN
    tags: int = len(TAGS)
    bands: int = MID_BANDS  # of the stem's spectrum
    dim: int = 128  # of the content
    sharpness: float = 14.0  # likeness (a cosine) counts as exp(sharpness * likeness)
    tag_weight: float = 1.0  # of one standardised number, where a feature counts 1
    band_weight: float = 1.75


class StemBank(nn.Module):
    """Studio stems as they are heard (keys), and the content that the generator knows them by (values)."""

    centre: Tensor
    spread: Tensor
    log_weight: Tensor
    role: Tensor
    instrument: Tensor

    def __init__(self, config: StemBankConfig) -> None:
        super().__init__()
        self.config = config
        size = config.features + config.tags + config.bands
        self.register_buffer("centre", torch.zeros(size))
        self.register_buffer("spread", torch.ones(size))
        # Parameters, though nothing trains them: matrices are stored in half precision.
        self.keys = nn.Parameter(torch.zeros(config.stems, size), requires_grad=False)
        self.values = nn.Parameter(torch.zeros(config.stems, config.dim), requires_grad=False)
        self.register_buffer("log_weight", torch.zeros(config.stems))
        self.register_buffer("role", torch.zeros(config.stems, dtype=torch.long))
        self.register_buffer("instrument", torch.zeros(config.stems, dtype=torch.long))

    def key(self, heard: Tensor) -> Tensor:
        """Unit vectors that are compared: what is heard [..., features + tags + bands], standardised and weighted."""
        config = self.config
        weight = heard.new_ones(heard.shape[-1])
        weight[config.features : config.features + config.tags] = config.tag_weight
        weight[config.features + config.tags :] = config.band_weight
        return F.normalize((heard - self.centre) / self.spread * weight, dim=-1)

    @torch.no_grad()
    def fill(self, heard: Tensor, values: Tensor, role: Tensor, instrument: Tensor) -> None:
        """Take stems in: heard [stems, ...], content [stems, dim], class numbers [stems].

        An instrument of which there are n stems has n times 1/sqrt(n) of weight: the usual ones do not win by number
        alone, and rare ones do not win by being rare.
        """
        self.centre.copy_(heard.mean(dim=0))
        self.spread.copy_(heard.std(dim=0) + 1e-3)
        self.keys.copy_(self.key(heard))
        self.values.copy_(values)
        self.role.copy_(role)
        self.instrument.copy_(instrument)
        count = torch.bincount(instrument)[instrument].to(self.log_weight)
        self.log_weight.copy_(-0.5 * count.log())

    def shares(self, heard: Tensor, allowed: Tensor | None = None) -> Tensor:
        """How much each stem of the bank has a part in the description: [..., stems], summing to 1.

        allowed [..., stems], of booleans: the stems that may, where a hint says what the track is.
        """
        likeness = self.config.sharpness * (self.key(heard) @ self.keys.T) + self.log_weight
        if allowed is not None:
            likeness = likeness + torch.where(allowed, 0.0, NOT_THESE)
        return torch.softmax(likeness, dim=-1)

    def describe(self, shares: Tensor) -> Tensor:
        """The learned part of content that shares [..., stems] stand for: [..., dim] of unit norm."""
        return F.normalize(shares @ self.values, dim=-1)

    def role_shares(self, shares: Tensor, roles: int) -> Tensor:
        """How much of shares [..., stems] falls to each of so many roles: [..., roles]."""
        return shares @ F.one_hot(self.role, roles).to(shares)

    def instrument_shares(self, shares: Tensor, instruments: int) -> Tensor:
        """How much of shares [..., stems] falls to each of so many instruments: [..., instruments]."""
        return shares @ F.one_hot(self.instrument, instruments).to(shares)
