"""Changing the sample rate."""

from __future__ import annotations

import math

import torch
from torch import Tensor

WIDTH = 64  # zero crossings of the sinc on each side
ROLLOFF = 0.9475937167399596
KAISER_BETA = 14.769656459379492
LARGEST_FACTOR = 2000  # beyond it torchaudio's table of kernels would take gigabytes


def resample(audio: Tensor, from_rate: int, to_rate: int) -> Tensor:
    """Convert [..., samples] between sample rates in Hz, band-limited; the output has ceil(samples * to/from) samples.

    A Kaiser-windowed sinc (Smith, "Digital audio resampling"), by torchaudio; rates with hardly a common divisor go
    through scipy's polyphase filter. Raises ValueError for a rate that is not positive.
    """
    if from_rate <= 0 or to_rate <= 0:
        raise ValueError(f"sample rates must be positive, not {from_rate} and {to_rate}")
    if from_rate == to_rate or audio.numel() == 0:
        return audio
    divisor = math.gcd(from_rate, to_rate)
    up, down = to_rate // divisor, from_rate // divisor
    if max(up, down) > LARGEST_FACTOR:
        return _polyphase(audio, up, down)
    from torchaudio.functional import resample as windowed_sinc

    return windowed_sinc(
        audio,
        from_rate,
        to_rate,
        lowpass_filter_width=WIDTH,
        rolloff=ROLLOFF,
        resampling_method="sinc_interp_kaiser",
        beta=KAISER_BETA,
    )


def _polyphase(audio: Tensor, up: int, down: int) -> Tensor:
    from scipy.signal import resample_poly

    out = resample_poly(audio.detach().cpu().numpy(), up, down, axis=-1, window=("kaiser", 8.0))
    return torch.from_numpy(out).to(audio)
