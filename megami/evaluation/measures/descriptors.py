"""Descriptors that no network here was trained on: what a listener notices about a track or a mix.

Spectrum, dynamics and stereo image of stereo audio, all from one spectrogram.
"""

from __future__ import annotations

import itertools

import torch
from torch import Tensor

N_FFT, HOP = 4096, 2048
OCTAVES_HZ = (0.0, 88.0, 177.0, 354.0, 707.0, 1414.0, 2828.0, 5657.0, 22050.0)
STEREO_REGIONS_HZ = (0.0, 250.0, 4000.0, 22050.0)
FRAME_S = 0.1
RANGE_DB = 60.0
FLOOR = 1e-9

NAMES: tuple[str, ...] = (
    *(f"band_{i + 1}_db" for i in range(len(OCTAVES_HZ) - 1)),
    "centroid_octaves",
    "edge_octaves",
    "flatness_db",
    "level_db",
    "punch_db",
    "range_db",
    "motion_db",
    "pan_db",
    *(f"width_{name}_db" for name in ("low", "mid", "high")),
    "correlation",
)
LEVEL, PAN = NAMES.index("level_db"), NAMES.index("pan_db")


def descriptors(audio: Tensor, sample_rate: int = 44100) -> Tensor:
    """Describe stereo clips: audio [b, 2, n] -> [b, 20], in the order and units of NAMES.

    Octave bands relative to the whole; centroid and 95 % edge in octaves over 1 kHz; flatness; level of the loud frames
    of 100 ms; punch, the median peak over RMS within such frames; range, 95th minus 10th percentile of their levels;
    motion, the mean change of level from frame to frame; pan, right over left; width, side over mid in three regions;
    correlation of left and right. All dB values are bounded, so silence is finite.
    """
    left, right, mid, side = _powers(audio)
    parts = [
        _spectral(left + right, sample_rate),
        _dynamic(audio, sample_rate),
        _stereo(audio, mid, side, sample_rate),
    ]
    return torch.cat(parts, dim=1)


def _powers(audio: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Power spectra averaged over time of left, right, mid and side: [b, 2, n] -> each [b, bins]."""
    # One item at a time stays in the processor's cache.
    window = torch.hann_window(N_FFT, device=audio.device, dtype=audio.dtype)
    of_left, of_right, together = torch.stack([_power(clip, window) for clip in audio]).unbind(1)
    # |m|^2 + |s|^2 = (|l|^2 + |r|^2) / 2; rounding may leave a little less than nothing.
    return of_left, of_right, together, ((of_left + of_right) / 2 - together).clamp_min(0)


def _power(clip: Tensor, window: Tensor) -> Tensor:
    """Power spectra averaged over time of left, right and mid of one clip: [2, n] -> [3, bins]."""
    spectrum = torch.stft(clip, N_FFT, HOP, window=window, center=True, pad_mode="constant", return_complex=True)
    left, right = torch.view_as_real(spectrum.transpose(-1, -2)).flatten(-2)  # [frames, 2 bins]: real, imaginary, ...
    powers = torch.stack([part.square().mean(-2) for part in (left, right, (left + right) / 2)])
    return powers.unflatten(-1, (-1, 2)).sum(-1) / N_FFT


def band_powers(audio: Tensor, edges_hz: tuple[float, ...], sample_rate: int = 44100) -> Tensor:
    """Power of both channels of clips [b, 2, n] between neighbouring frequencies: [b, bands]."""
    left, right, *_ = _powers(audio)
    return (left + right) @ _regions(edges_hz, sample_rate).to(left)


def _regions(edges_hz: tuple[float, ...], sample_rate: int) -> Tensor:
    """Which bins belong to which region: [bins, regions]."""
    hz = torch.arange(N_FFT // 2 + 1) * sample_rate / N_FFT
    return torch.stack([((hz >= low) & (hz < high)) for low, high in itertools.pairwise(edges_hz)], dim=1).float()


def _db(ratio: Tensor, low: float, high: float) -> Tensor:
    return (10 * torch.log10(ratio.clamp_min(1e-12))).clamp(low, high)


def _spectral(power: Tensor, sample_rate: int) -> Tensor:
    share = power / (power.sum(-1, keepdim=True) + FLOOR)
    hz = (torch.arange(N_FFT // 2 + 1) * sample_rate / N_FFT).to(power)
    centroid = torch.log2((share @ hz).clamp_min(20.0) / 1000)
    edge_bin = (share.cumsum(-1) < 0.95 * share.sum(-1, keepdim=True)).sum(-1).clamp(1, len(hz) - 1)
    edge = torch.log2(hz[edge_bin] / 1000)
    heard = power[:, 4:1400] + FLOOR * 1e-3  # 40 Hz to 15 kHz
    flatness = 10 * (torch.log10(heard).mean(-1) - torch.log10(heard.mean(-1)))
    bands = _db(share @ _regions(OCTAVES_HZ, sample_rate).to(power), -RANGE_DB, 0.0)
    return torch.cat([bands, torch.stack([centroid, edge, flatness.clamp_min(-RANGE_DB)], dim=1)], dim=1)


def _dynamic(audio: Tensor, sample_rate: int) -> Tensor:
    size = int(FRAME_S * sample_rate)
    frames = audio[..., : audio.shape[-1] // size * size].unflatten(-1, (-1, size))  # [b, 2, frames, size]
    level = _db(frames.square().mean((1, 3)), -120.0, 20.0)  # [b, frames]
    peak = _db(frames.square().amax((1, 3)), -120.0, 20.0)
    loud = torch.quantile(level, 0.95, dim=1)
    heard = level > loud[:, None] - 30
    nan = torch.full_like(level, torch.nan)
    punch = torch.where(heard, peak - level, nan).nanmedian(dim=1).values
    spread = loud - torch.quantile(level, 0.1, dim=1)
    motion = level.clamp_min((loud - 40)[:, None].expand_as(level)).diff(dim=1).abs().mean(1)
    return torch.stack([loud, punch, spread.clamp_max(RANGE_DB), motion], dim=1)


def _stereo(audio: Tensor, mid: Tensor, side: Tensor, sample_rate: int) -> Tensor:
    left, right = audio.square().mean(-1).unbind(1)
    pan = _db((right + FLOOR) / (left + FLOOR), -20.0, 20.0)
    regions = _regions(STEREO_REGIONS_HZ, sample_rate).to(audio)
    mid, side = mid @ regions, side @ regions
    # A region that hardly sounds has no width.
    floor = 1e-4 * (mid + side).sum(-1, keepdim=True) / mid.shape[-1] + FLOOR
    width = _db((side + floor * 1e-3) / (mid + floor), -40.0, 10.0)
    correlation = (audio[:, 0] * audio[:, 1]).mean(-1) / ((left * right).sqrt() + FLOOR)
    return torch.cat([pan[:, None], width, correlation[:, None]], dim=1)
