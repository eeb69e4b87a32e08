"""Spectral descriptors of the small preset: colour of the mid and width per band, and their 64-d Fourier code.

A contrastive embedding need not keep the absolute spectrum of a track, but a small processor has to be told it.
"""

from __future__ import annotations

import math
from functools import cache

import torch
from torch import Tensor
from torch.nn import functional as F

from megami.audio import SAMPLE_RATE
from megami.embeddings.dynamics import decode_phases, encode_phases

MID_BANDS, SIDE_BANDS = 24, 8
LOW_HZ, HIGH_HZ = 30.0, 18000.0
N_FFT = 8192
MID_FLOOR_DB = -70.0
SIDE_RANGE_DB = (-60.0, 20.0)
MID_CENTRE_DB, MID_SPREAD_DB = -25.0, 20.0
SIDE_CENTRE_DB, SIDE_SPREAD_DB = -20.0, 15.0
SILENCE = 1e-14


@cache
@torch.inference_mode(False)  # kept: a tensor that inference made could not be learned through later
def band_filters(bands: int, n_fft: int = N_FFT, sample_rate: int = SAMPLE_RATE) -> Tensor:
    """Triangles over log frequency from 30 Hz to 18 kHz: [n_fft / 2 + 1, bands].

    They add up to 1 at every bin, since the first and last continue flat to the ends: no power is lost.
    """
    hz = torch.arange(n_fft // 2 + 1, dtype=torch.float64) * sample_rate / n_fft
    octaves = math.log2(HIGH_HZ / LOW_HZ)
    place = torch.log2(hz.clamp_min(1.0) / LOW_HZ) / octaves * (bands - 1)
    distance = place.clamp(0, bands - 1)[:, None] - torch.arange(bands, dtype=torch.float64)
    return (1 - distance.abs()).clamp_min(0).float()


def mean_power(audio: Tensor) -> Tensor:
    """Power spectrum averaged over time: [b, n] -> [b, N_FFT / 2 + 1]. Any n >= 1; silence has zero power."""
    short_by = N_FFT - audio.shape[-1]
    audio = F.pad(audio, (0, short_by)) if short_by > 0 else audio
    window = torch.hann_window(N_FFT, device=audio.device, dtype=audio.dtype)
    # One item at a time stays in the processor's cache: four times as fast as all at once.
    return torch.cat([_mean_power(item, window) for item in audio.split(1)])


def _mean_power(audio: Tensor, window: Tensor) -> Tensor:
    spectrum = torch.stft(
        audio, N_FFT, N_FFT // 2, window=window, center=True, pad_mode="constant", return_complex=True
    )
    parts = torch.view_as_real(spectrum.transpose(-1, -2)).flatten(-2)  # [1, frames, 2 bins]: real, imaginary, ...
    return parts.square().mean(-2).unflatten(-1, (-1, 2)).sum(-1) / N_FFT


def mid_bands_db(audio: Tensor, bands: int = MID_BANDS) -> Tensor:
    """Colour of a clip: power of its mid per band in dB re the total power of the mid.

    audio [b, c, n] (mid is the mean of the channels) -> [b, bands], softly floored at -70. Bands as in `band_filters`.
    """
    return bands_of_power_db(mean_power(audio.mean(dim=1)), bands)


def bands_of_power_db(power: Tensor, bands: int = MID_BANDS) -> Tensor:
    """The bands of `mid_bands_db` from a power spectrum of `mean_power`: [b, N_FFT / 2 + 1] -> [b, bands]."""
    share = power @ band_filters(bands).to(power) / (power.sum(-1, keepdim=True) + SILENCE)
    return 10 * torch.log10(share + 10 ** (MID_FLOOR_DB / 10))


def side_bands_db(audio: Tensor, bands: int = SIDE_BANDS) -> Tensor:
    """Width per band: power of the side over power of the mid in dB, within [-60, 20].

    audio [b, 2, n] -> [b, bands]. A band with no power at all, and silence, counts as mono (-60).
    """
    left, right = audio.unbind(1)
    filters = band_filters(bands).to(audio)
    mid, side = mean_power((left + right) / 2), mean_power((left - right) / 2)
    # A mid that cancels out must not make the ratio of nothing to nothing.
    floor = 1e-6 * (mid + side).sum(-1, keepdim=True) + SILENCE
    ratio = (side @ filters) / (mid @ filters + floor)
    low, high = SIDE_RANGE_DB
    return (10 * torch.log10(ratio + 10 ** (low / 10))).clamp(low, high)


def standardise_mid_bands(mid_db: Tensor) -> Tensor:
    """Mid bands in dB to about zero mean and unit variance; this is also their phase in the code."""
    return (mid_db - MID_CENTRE_DB) / MID_SPREAD_DB


def standardise_side_bands(side_db: Tensor) -> Tensor:
    """Side bands in dB to the phase of their code, within (-pi, pi)."""
    return (side_db - SIDE_CENTRE_DB) / SIDE_SPREAD_DB


def encode_spectrum(mid_db: Tensor, side_db: Tensor) -> Tensor:
    """Fourier code of unit norm, one phase per band: mid [..., 24] and side [..., 8] in dB -> [..., 64]."""
    return encode_phases(torch.cat([standardise_mid_bands(mid_db), standardise_side_bands(side_db)], dim=-1))


def decode_spectrum(code: Tensor) -> tuple[Tensor, Tensor]:
    """Mid [..., 24] and side [..., 8] bands in dB of a code of any scale [..., 64]."""
    mid, side = decode_phases(code).split([MID_BANDS, SIDE_BANDS], dim=-1)
    return mid * MID_SPREAD_DB + MID_CENTRE_DB, side * SIDE_SPREAD_DB + SIDE_CENTRE_DB
