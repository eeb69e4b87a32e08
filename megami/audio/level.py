"""Levels in dB, of a whole clip and of its loudest 400 ms, and bringing audio to a level."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from megami.audio.rate import SAMPLE_RATE

Decibels = TypeVar("Decibels", float, np.ndarray, Tensor)

FRAME_S, HOP_S = 0.4, 0.1
SMALLEST_RMS = 1e-8  # silence reads -160 dB
SMALLEST_POWER = 1e-14  # added before dividing by a level, which keeps silence finite
GAIN_EXPONENT = 1e-6  # the published gain is 10^(difference/20 + 1e-6), a factor 1.0000023

SILENT_DB = -60.0
"""A track whose loudest 400 ms lie below this level (dB) counts as silent: it stays as it is and joins in no mix."""


def db_to_gain(level_db: Decibels) -> Decibels:
    """Amplitude factor of a level or gain in dB: 6.02 dB double the amplitude."""
    return 10.0 ** (level_db / 20.0)


def level_db(audio: Tensor) -> Tensor:
    """Root mean square over channels and time of [..., channels, samples] in dB, one level per item [...].

    At least -160 dB. Published as "log_rms" without gate.
    """
    return _decibel(audio.square().mean(dim=-1).mean(dim=-1).sqrt())


def framed_power(audio: Tensor, sample_rate: int = SAMPLE_RATE) -> Tensor:
    """Mean power of [..., samples] in frames of 400 ms, 100 ms apart: [..., frames].

    The incomplete last frame is left out; audio shorter than one frame is one frame.
    """
    frame, hop = int(FRAME_S * sample_rate), int(HOP_S * sample_rate)
    if audio.shape[-1] < frame:
        return audio.square().mean(dim=-1, keepdim=True)
    if frame % hop == 0:  # every sample is squared once, not in each of the frames that share it
        whole = audio[..., : audio.shape[-1] // hop * hop].unflatten(-1, (-1, hop))
        return whole.square().sum(dim=-1).unfold(-1, frame // hop, 1).sum(dim=-1) / frame
    return audio.square().unfold(-1, frame, hop).mean(dim=-1)


def framed_level_db(audio: Tensor, sample_rate: int = SAMPLE_RATE) -> Tensor:
    """Level of the loudest 400 ms of every channel of [..., channels, samples] in dB, [..., channels].

    The maximum of `framed_power`; at least -160 dB. Published as "log_rms" with gate: the level that MEGAMI's embedding
    carries.
    """
    return _decibel(framed_power(audio, sample_rate).amax(dim=-1).sqrt())


def normalise_level(audio: Tensor, target_db: float, gate: bool = False, sample_rate: int = SAMPLE_RATE) -> Tensor:
    """Bring [..., channels, samples] to `target_db`; silence stays silent.

    Without gate every item gets one gain for all its channels, from `level_db`; with gate each channel its own, from
    `framed_level_db`, so that a balance between the channels is lost.
    """
    return audio * normalising_gain(audio, target_db, gate, sample_rate)


def normalising_gain(audio: Tensor, target_db: float, gate: bool = False, sample_rate: int = SAMPLE_RATE) -> Tensor:
    """The factor that `normalise_level` multiplies by: [..., channels or 1, 1]."""
    current_db = framed_level_db(audio, sample_rate) if gate else level_db(audio)[..., None]
    return (10.0 ** ((target_db - current_db) / 20.0 + GAIN_EXPONENT))[..., None]


def bring_to_rms(
    audio: Tensor, rms: float | Tensor, over: int | tuple[int, ...], smallest_power: float = SMALLEST_POWER
) -> Tensor:
    """Give audio the root mean square `rms` (amplitude), measured over the dimensions `over`; silence stays silent.

    `smallest_power` is added to the measured mean square, which keeps silence, and its gradient, finite.
    """
    return audio * rms * torch.rsqrt(audio.square().mean(dim=over, keepdim=True) + smallest_power)


def _decibel(rms: Tensor) -> Tensor:
    return 20.0 * torch.log10(rms.clamp_min(SMALLEST_RMS))
