"""Changing the sample rate."""

from __future__ import annotations

import math
from functools import lru_cache

import torch
from torch import Tensor, nn

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
    return windowed_sinc(from_rate, to_rate, audio.dtype, audio.device)(audio)


@lru_cache(maxsize=4)
@torch.inference_mode(False)  # kept: a tensor that inference made could not be learned through later
def windowed_sinc(from_rate: int, to_rate: int, dtype: torch.dtype, device: torch.device) -> nn.Module:
    """What converts between two rates, its kernels ready: making them takes as long as using them on a few seconds."""
    from torchaudio.transforms import Resample

    return Resample(
        from_rate,
        to_rate,
        resampling_method="sinc_interp_kaiser",
        lowpass_filter_width=WIDTH,
        rolloff=ROLLOFF,
        beta=KAISER_BETA,
        dtype=dtype,
    ).to(device)


def _polyphase(audio: Tensor, up: int, down: int) -> Tensor:
    from scipy.signal import resample_poly

    out = resample_poly(audio.detach().cpu().numpy(), up, down, axis=-1, window=("kaiser", 8.0))
    return torch.from_numpy(out).to(audio)
