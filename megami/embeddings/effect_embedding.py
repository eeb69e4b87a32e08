"""The effect embedding z of a track: encoder vector, spectral code and dynamics code in one unit vector (MEGAMI)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from megami.embeddings.dynamics import decode_dynamics, dynamics_features, encode_dynamics
from megami.embeddings.fx_encoder import FxEncoder
from megami.embeddings.spectrum import decode_spectrum, encode_spectrum, mid_bands_db, side_bands_db


@dataclass(frozen=True)
class EmbeddingConfig:
    """Sizes of the parts of z.

    Published: fx 2048 + dynamics 64 = 33 tokens of 64. Small: fx 128 + spectrum 64 + dynamics 64 = 1 token of 256.
    """

    fx_dim: int = 128
    dynamics_dim: int = 64
    spectrum_dim: int = 64  # 0: no spectral code, as published
    token_dim: int = 64

    def __post_init__(self) -> None:
        if self.dim % self.token_dim:
            raise ValueError(f"an embedding of {self.dim} numbers does not divide into tokens of {self.token_dim}")

    @property
    def dim(self) -> int:
        """Numbers in z."""
        return self.fx_dim + self.spectrum_dim + self.dynamics_dim

    @property
    def num_tokens(self) -> int:
        """Tokens that z is cut into for the generator."""
        return self.dim // self.token_dim


class Parts(NamedTuple):
    """What z is made of, each of unit norm when z is well-formed; `spectrum` is None where the preset has none."""

    fx: Tensor
    spectrum: Tensor | None
    dynamics: Tensor


def join_parts(
    config: EmbeddingConfig, fx: Tensor, dynamics_code: Tensor, spectrum_code: Tensor | None = None
) -> Tensor:
    """Join the parts [..., part dim] into z [..., dim] of unit norm, dynamics last.

    Each part is brought to the norm sqrt(its size), so that a single number weighs the same in every part.
    """
    if (spectrum_code is None) != (config.spectrum_dim == 0):
        given = "none" if spectrum_code is None else "one"
        raise ValueError(f"the config has a spectral code of {config.spectrum_dim} numbers, but {given} was given")
    parts = [part for part in (fx, spectrum_code, dynamics_code) if part is not None]
    scaled = [F.normalize(part, dim=-1) * part.shape[-1] ** 0.5 for part in parts]
    return torch.cat(scaled, dim=-1) / config.dim**0.5


def join_features(
    config: EmbeddingConfig, fx: Tensor, dynamics: Tensor, mid_db: Tensor | None = None, side_db: Tensor | None = None
) -> Tensor:
    """Make z [..., dim] of what was measured: encoder vector [..., fx_dim] and the descriptors in their own units.

    `dynamics` [..., 8] as from `dynamics_features`; `mid_db` [..., 24] and `side_db` [..., 8] count only where the
    config has a spectral code. Raises ValueError where it has one and they are missing.
    """
    spectrum = None
    if config.spectrum_dim and mid_db is not None and side_db is not None:
        spectrum = encode_spectrum(mid_db, side_db)
    return join_parts(config, fx, encode_dynamics(dynamics, config.dynamics_dim), spectrum)


def split_parts(config: EmbeddingConfig, z: Tensor) -> Parts:
    """Undo `join_parts`: z [..., dim] -> parts, of unit norm if z came from `join_parts`."""
    sizes = [config.fx_dim, config.spectrum_dim, config.dynamics_dim]
    fx, spectrum, dynamics = (part * (config.dim / max(part.shape[-1], 1)) ** 0.5 for part in z.split(sizes, dim=-1))
    return Parts(fx, spectrum if config.spectrum_dim else None, dynamics)


def renormalise(config: EmbeddingConfig, z: Tensor) -> Tensor:
    """Bring each part of a generated z [..., dim] back to its norm; z then has norm 1. Zeros stay zeros."""
    parts = split_parts(config, z)
    return join_parts(config, parts.fx, parts.dynamics, parts.spectrum)


def to_tokens(config: EmbeddingConfig, z: Tensor) -> Tensor:
    """Pack z [..., dim] for the generator: [..., token_dim, num_tokens].

    Row-major: token m of T holds the numbers m, m + T, m + 2 T, ... of z.
    """
    return z.reshape(*z.shape[:-1], config.token_dim, config.num_tokens)


def from_tokens(config: EmbeddingConfig, tokens: Tensor) -> Tensor:
    """Undo `to_tokens`: [..., token_dim, num_tokens] -> [..., dim]."""
    return tokens.reshape(*tokens.shape[:-2], config.dim)


def embeddings_from_tokens(config: EmbeddingConfig, tokens: Tensor) -> Tensor:
    """What the generator drew, as effect embeddings of unit norm: [..., token_dim, num_tokens] -> [..., dim]."""
    return renormalise(config, from_tokens(config, tokens))


def level_db(config: EmbeddingConfig, z: Tensor) -> Tensor:
    """The level that z asks for, left and right: [..., dim] -> [..., 2] in dB (maximum over 400 ms frames)."""
    return decode_dynamics(split_parts(config, z).dynamics)[..., :2]


def decode(config: EmbeddingConfig, z: Tensor) -> dict[str, Tensor]:
    """Everything in z [..., dim] that has a meaning by itself, in its own units.

    `level_db`, `crest_db`, `spread_db` [..., 2] (left, right); `width`, `imbalance` [...]; with a spectral code also
    `mid_bands_db` [..., 24] and `side_bands_db` [..., 8].
    """
    parts = split_parts(config, z)
    features = decode_dynamics(parts.dynamics)
    level, crest, spread, image = features.split(2, dim=-1)
    named = {"level_db": level, "crest_db": crest, "spread_db": spread}
    named["width"], named["imbalance"] = image.unbind(-1)
    if parts.spectrum is not None:
        named["mid_bands_db"], named["side_bands_db"] = decode_spectrum(parts.spectrum)
    return named


class EffectEmbedder(nn.Module):
    """Wet stereo audio [b, 2, n] to effect embeddings z [b, dim] of unit norm; differentiable, finite for silence.

    `fx_encoder` is any module from [b, 2, n] to [b, fx_dim]. Audio comes at its level in the mix: z carries it.
    """

    def __init__(self, config: EmbeddingConfig, fx_encoder: FxEncoder | nn.Module) -> None:
        super().__init__()
        self.config, self.fx_encoder = config, fx_encoder

    def forward(self, audio: Tensor) -> Tensor:
        bands = (mid_bands_db(audio), side_bands_db(audio)) if self.config.spectrum_dim else ()
        return join_features(self.config, self.fx_encoder(audio), dynamics_features(audio), *bands)
