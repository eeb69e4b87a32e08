"""Five descriptors of dynamics and stereo image, and their 64-d Fourier code (MEGAMI).

They say what a contrastive encoder need not keep: how loud each channel is, how compressed, how wide, how balanced.
Features are ordered [level L, level R, crest L, crest R, spread L, spread R, width, imbalance].
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from megami.audio import SAMPLE_RATE, db_to_gain, framed_level_db

NUM_FEATURES = 8
CENTRE = (-26.5, -26.5, 16.7, 16.7, -20.0, -20.0, 0.28, 0.0)
SPREAD = (7.0, 7.0, 6.3, 6.3, 20.0, 20.0, 0.39, 0.35)
PHASE_SCALE = 0.2
AMPLITUDE_FLOOR, POWER_FLOOR = 1e-8, 1e-8


def amplitude_db(amplitude: Tensor) -> Tensor:
    """Amplitude in dB re full scale, not below -160."""
    return 20 * torch.log10(amplitude.clamp_min(AMPLITUDE_FLOOR))


def rms(audio: Tensor) -> Tensor:
    """Root mean square over the whole clip, not below -80 dB: [..., n] -> [...]."""
    return audio.square().mean(-1).clamp_min(POWER_FLOOR).sqrt()


def crest_factor_db(audio: Tensor) -> Tensor:
    """Peak over RMS in dB, per channel: [..., n] -> [...]. Small when a track is squashed."""
    return amplitude_db(audio.abs().amax(-1) / rms(audio))


def log_spread_db(audio: Tensor) -> Tensor:
    """Mean level of single samples minus the RMS level in dB: [..., n] -> [...]. Exact zeros count as -160 dB."""
    return amplitude_db(audio.abs()).mean(-1) - amplitude_db(rms(audio))


def stereo_width(audio: Tensor) -> Tensor:
    """Energy of side over energy of mid: [b, 2, n] -> [b]. 0 for mono, 1 for unrelated channels."""
    left, right = audio.unbind(-2)
    return (left - right).square().mean(-1) / (left + right).square().mean(-1).clamp_min(POWER_FLOOR)


def stereo_imbalance(audio: Tensor) -> Tensor:
    """Energy of right minus left over their sum: [b, 2, n] -> [b] in [-1, 1]. -1 is hard left."""
    left, right = audio.square().mean(-1).unbind(-1)
    return (right - left) / (left + right).clamp_min(POWER_FLOOR)


def dynamics_features(audio: Tensor, sample_rate: int = SAMPLE_RATE) -> Tensor:
    """The descriptors in raw units: audio [b, 2, n] -> [b, 8]; dB for the first six, ratios for the last two.

    Level is the maximum over 400 ms frames, as published (its name there, log-RMS, promises an average).
    """
    per_channel = [framed_level_db(audio, sample_rate), crest_factor_db(audio), log_spread_db(audio)]
    of_pair = torch.stack([stereo_width(audio), stereo_imbalance(audio)], dim=-1)
    return torch.cat([*per_channel, of_pair], dim=-1)


def mirror_dynamics(features: Tensor) -> Tensor:
    """The descriptors [..., 8] of the same audio with left and right exchanged."""
    return features[..., [1, 0, 3, 2, 5, 4, 6, 7]] * features.new_tensor([1, 1, 1, 1, 1, 1, 1, -1])


def standardise_dynamics(features: Tensor) -> Tensor:
    """Bring raw descriptors [..., 8] to about zero mean and unit variance, by the published constants."""
    return (features - features.new_tensor(CENTRE)) / features.new_tensor(SPREAD)


def unstandardise_dynamics(values: Tensor) -> Tensor:
    """Undo `standardise_dynamics`: [..., 8] -> [..., 8] in raw units."""
    return values * values.new_tensor(SPREAD) + values.new_tensor(CENTRE)


def phase_matrix(phases: int = 32) -> Tensor:
    """How strongly each descriptor turns each phase: [8, phases] in float64; a cosine basis.

    P[i, j] = 0.2 cos(pi (i + 0.5)(j + 1) / phases).
    """
    rows = torch.arange(NUM_FEATURES, dtype=torch.float64)[:, None] + 0.5
    columns = torch.arange(phases, dtype=torch.float64)[None, :] + 1
    return PHASE_SCALE * torch.cos(math.pi * rows * columns / phases)


def encode_phases(phases: Tensor) -> Tensor:
    """Unit vector of cosines then sines: [..., d / 2] -> [..., d]."""
    return torch.cat([phases.cos(), phases.sin()], dim=-1) / phases.shape[-1] ** 0.5


def decode_phases(code: Tensor) -> Tensor:
    """Phases in (-pi, pi] of a code of any length but zero: [..., d] -> [..., d / 2]."""
    cosine, sine = code.chunk(2, dim=-1)
    return torch.atan2(sine, cosine)


def encode_dynamics(features: Tensor, dim: int = 64) -> Tensor:
    """Fourier code of unit norm: raw descriptors [..., 8] -> [..., dim]. Near descriptors have near codes."""
    basis = phase_matrix(dim // 2).to(features)
    return encode_phases(standardise_dynamics(features) @ basis)


def decode_dynamics(code: Tensor) -> Tensor:
    """Descriptors in raw units of a code of any scale: [..., dim] -> [..., 8].

    Least squares over all phases; exact as long as no phase of the encoded descriptors left (-pi, pi].
    """
    inverse = torch.linalg.pinv(phase_matrix(code.shape[-1] // 2)).to(code)
    return unstandardise_dynamics(decode_phases(code) @ inverse)


def apply_level(
    audio: Tensor, level_db: Tensor, sample_rate: int = SAMPLE_RATE, measured_db: Tensor | None = None
) -> Tensor:
    """Give each channel the framed level that an embedding asks for: audio [b, 2, n], level_db [b, 2] -> [b, 2, n].

    Silence stays silence (1e-6 is added to the measured amplitude, as published). `measured_db` [b, 2]: the level that
    the channels have, if that is known.
    """
    measured = db_to_gain(framed_level_db(audio, sample_rate) if measured_db is None else measured_db)
    return audio * (db_to_gain(level_db) / (measured + 1e-6))[..., None]
