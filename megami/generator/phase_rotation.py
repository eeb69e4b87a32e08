"""Effects told relative to the source: the Fourier codes of z, turned back by those of the content.

z says how bright, wide and dynamic a track sounds in the mix; an engineer decides what to change. Both are phases, so
the change is their difference, and turning pairs of numbers is orthogonal: a turned z has the same norm, and normal
noise stays normal noise. The diffusion over z is thus the same; only the network sees changes in the place of results,
and the same change looks the same on every source. An addition of ours, for the small preset.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def rotate_phases(code: Tensor, by: Tensor, back: bool = False) -> Tensor:
    """Add to each phase of a code [..., d] the phase of another [..., d] (subtract it with `back`).

    Codes hold d / 2 cosines, then d / 2 sines, as in `encode_phases`. Only the phases of `by` count, and where it is
    zero nothing turns.
    """
    cosine, sine = by.chunk(2, dim=-1)
    size = (cosine.square() + sine.square()).sqrt()
    known = size > 1e-8
    cosine = torch.where(known, cosine / size.clamp_min(1e-8), 1.0)
    sine = torch.where(known, sine / size.clamp_min(1e-8), 0.0) * (-1 if back else 1)
    x, y = code.chunk(2, dim=-1)
    return torch.cat([x * cosine - y * sine, x * sine + y * cosine], dim=-1)


def rotate_tokens(x: Tensor, cond: Tensor, codes: Sequence[int], back: bool = False) -> Tensor:
    """Turn the codes that end every embedding by those that end its content.

    x [b, tracks, channels, T] as `to_tokens` packs z; cond [b, tracks, M, cond_dim] as `content_tokens` cuts content;
    `codes` are the sizes of the codes, in order, the last one ending both. Returns x's shape.
    """
    flat, content = x.flatten(-2), cond.transpose(-1, -2).flatten(-2)
    total = sum(codes)
    parts = zip(flat[..., -total:].split(codes, dim=-1), content[..., -total:].split(codes, dim=-1), strict=True)
    turned = [rotate_phases(code, by, back) for code, by in parts]
    return torch.cat([flat[..., :-total], *turned], dim=-1).unflatten(-1, x.shape[-2:])
