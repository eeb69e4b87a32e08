"""Between two plans: less of a mix, or part of the way from one mix to another, in everything or in some respects.

Levels, tone and dynamics go straight in decibels, width straight in amplitude, the learned part along the great circle
of the sphere that such vectors lie on. Everything that a plan says thus moves one way only.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional as F

from megami.audio import db_to_gain
from megami.embeddings import EmbeddingConfig, join_parts, split_parts
from megami.embeddings.dynamics import decode_phases, encode_phases, phase_matrix
from megami.embeddings.spectrum import MID_BANDS, SIDE_CENTRE_DB, SIDE_SPREAD_DB
from megami.errors import UserError
from megami.mixing.wet_stems import plan_of_wet

if TYPE_CHECKING:
    from megami.embeddings import FxEncoder, FxEncoderPlusPlus

RESPECTS = ("level", "tone", "dynamics", "space", "width")
"""level: of each track. tone: its bands. dynamics: crest factor and spread. width: side, pan and balance. space: all
that the learned part tells, which is reverb and echo, but drive and modulation too: they cannot be told apart there."""

Amounts = Mapping[str, float]


def read_amounts(everything: float = 1.0, **some: float | None) -> dict[str, float]:
    """An amount from 0 to 1 for every respect: that of `everything` unless it is given. Raises UserError for others."""
    unknown = [name for name in some if name not in RESPECTS]
    if unknown:
        raise UserError(f"there is no amount of {unknown[0]!r}: choose from {', '.join(RESPECTS)}")
    amounts = {name: everything if some.get(name) is None else some[name] for name in RESPECTS}
    for value in (everything, *amounts.values()):
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
            raise UserError(f"an amount must be a number from 0 to 1, not {value!r}")
    return {name: float(value) for name, value in amounts.items() if value is not None}


def amounts_in_words(texts: list[str]) -> dict[str, float]:
    """Read ["0.6", "level=0.2"]: one amount for everything, and others for some respects. Raises UserError."""
    everything, some = 1.0, {}
    for text in texts:
        name, equals, number = text.rpartition("=")
        try:
            value = float(number)
        except ValueError:
            raise UserError(f"--amount {text}: write a number from 0 to 1, or a respect, as in width=0.5") from None
        if equals:
            some[name.strip()] = value
        else:
            everything = value
    return read_amounts(everything, **some)


def between(embedding: EmbeddingConfig, start: Tensor, end: Tensor, amounts: Amounts) -> Tensor:
    """The plan that lies part of the way from `start` to `end`, all [..., dim]; `amounts` of every respect, 0 to 1.

    At 0 and 1 in every respect the plans themselves, bit for bit.
    """
    if set(amounts.values()) in ({0.0}, {1.0}):
        return (end if amounts["level"] else start).clone()
    a, b = (split_parts(embedding, z) for z in (start, end))
    spectrum = None
    if a.spectrum is not None and b.spectrum is not None:
        spectrum = _spectrum_between(a.spectrum, b.spectrum, amounts)
    dynamics = _dynamics_between(a.dynamics, b.dynamics, amounts)
    return join_parts(embedding, along_sphere(a.fx, b.fx, amounts["space"]), dynamics, spectrum)


def along_sphere(a: Tensor, b: Tensor, share: float) -> Tensor:
    """A unit vector on the great circle from a to b [..., d], that share of the angle from a (Shoemake 1985)."""
    a, b = F.normalize(a, dim=-1), F.normalize(b, dim=-1)
    angle = torch.arccos((a * b).sum(-1, keepdim=True).clamp(-1, 1))
    near = angle.sin() < 1e-4  # there a straight line is as good
    sine = torch.where(near, torch.ones_like(angle), angle.sin())
    curved = (((1 - share) * angle).sin() * a + (share * angle).sin() * b) / sine
    return F.normalize(torch.where(near, torch.lerp(a, b, share), curved), dim=-1)


def _spectrum_between(a: Tensor, b: Tensor, amounts: Amounts) -> Tensor:
    """Codes of bands: the mid bands straight in dB, the side bands straight in amplitude."""
    first, second = decode_phases(a), decode_phases(b)
    mid = torch.lerp(first[..., :MID_BANDS], second[..., :MID_BANDS], amounts["tone"])
    low, high = (db_to_gain(phases[..., MID_BANDS:] * SIDE_SPREAD_DB + SIDE_CENTRE_DB) for phases in (first, second))
    side_db = 20 * torch.log10(torch.lerp(low, high, amounts["width"]))
    return encode_phases(torch.cat([mid, (side_db - SIDE_CENTRE_DB) / SIDE_SPREAD_DB], dim=-1))


def _dynamics_between(a: Tensor, b: Tensor, amounts: Amounts) -> Tensor:
    """Codes of dynamics: each descriptor goes as far as its respect says, and the rest as far as most do."""
    basis = phase_matrix(a.shape[-1] // 2)
    inverse = torch.linalg.pinv(basis).to(a)
    first, second = decode_phases(a), decode_phases(b)
    change = (second - first) @ inverse  # [..., 8], standardised
    level, crest, spread, image = change.split(2, dim=-1)
    both = level.mean(-1, keepdim=True)
    parts = [
        both * amounts["level"] + (level - both) * amounts["width"],
        torch.cat([crest, spread], dim=-1) * amounts["dynamics"],
        image * amounts["width"],
    ]
    rest = (second - first) - change @ basis.to(a)
    share = sum(amounts.values()) / len(amounts)
    return encode_phases(first + torch.cat(parts, dim=-1) @ basis.to(a) + share * rest)


def neutral_plan(
    dry: Tensor, embedding: EmbeddingConfig, fx_encoder: FxEncoder | FxEncoderPlusPlus | None, seconds: float
) -> Tensor:
    """The plan under which nothing is done: the effect embeddings of the dry tracks themselves, [tracks, dim].

    dry [tracks, 1, n] in the middle of the image, at its own level; of each the loudest `seconds` are heard. Raises
    UserError where there is no effect encoder.
    """
    return plan_of_wet(dry.expand(-1, 2, -1), embedding, fx_encoder, seconds, "amounts")
