"""What width and balance say of each other: a mono track, however it is panned, is as wide as its balance makes it."""

from __future__ import annotations

import torch
from torch import Tensor

from megami.audio import db_to_gain

LEAST_SIDE_DB = -45.0
"""Side over mid that one can hear; what is narrower is mono."""


def panned_side_db(imbalance: Tensor) -> Tensor:
    """Side over mid in dB of a mono track that is only panned, from its imbalance (R - L) / (R + L) in energy."""
    imbalance = imbalance.clamp(-0.999, 0.999)
    ratio = ((1 + imbalance) / (1 - imbalance)).sqrt()  # of the amplitudes
    return 10 * torch.log10(((ratio - 1) / (ratio + 1)).square() + 1e-6)


def stereo_evidence(side_db: Tensor, imbalance: Tensor, own_side_db: Tensor | None = None) -> Tensor:
    """How surely a target is wider than panning explains: side bands [b, 8] in dB, imbalance [b, 1] -> 0..1 [b, 1].

    0 for mono and for plain panning, however it was panned; 1 from 6 dB more side than that in any band. The side bands
    that the source has already, [b, 8] in dB, explain as much.
    """
    explained = panned_side_db(imbalance).clamp_min(LEAST_SIDE_DB)
    if own_side_db is not None:
        explained = torch.maximum(explained, own_side_db)
    return ((side_db - explained).amax(-1, keepdim=True) / 6).clamp(0, 1)


def largest_balance_db(side_db: Tensor) -> Tensor:
    """How far right and left may differ in level if no band has more side than this: [b, 8] in dB -> [b] in dB.

    Panning by d dB makes a side of (r - 1) / (r + 1) times the mid, with r = 10^(d / 20), and nothing makes a balance
    with less. 0 for mono.
    """
    side = db_to_gain(side_db.amax(-1))
    side = torch.where(side_db.amax(-1) < LEAST_SIDE_DB, torch.zeros_like(side), side).clamp_max(0.9999)
    return 20 * torch.log10((1 + side) / (1 - side))
