"""Where in a track an echo shows: the cepstrum between 45 and 720 ms of lag.

An echo of gain g after D seconds multiplies the power spectrum by about 1 + 2 g cos(2 pi f D). The logarithm of the
spectrum then ripples, and its Fourier transform, the cepstrum, has a peak of about g at lag D, whatever is played
(Bogert, Healy and Tukey 1963). A log-mel picture with frames of 23 ms and bands of many Hz shows none of it.
"""

from __future__ import annotations

import math
from functools import cache

import torch
from torch import Tensor
from torch.nn import functional as F

from megami.audio import SAMPLE_RATE

WINDOW, HOP = 65536, 32768  # 1.5 s: a lag of 0.7 s still overlaps with half of itself
LAGS = 192
LAG_RANGE_S = (0.045, 0.72)
BAND_HZ = (150.0, 6000.0)  # what echoes have in common (`megami.effects.delay`)
RANGE = 1e-6  # of the strongest power: what lies below is taken for nothing
SCALE = 20.0  # about unit variance where there is no echo


@cache
@torch.inference_mode(False)  # kept: a tensor that inference made could not be learned through later
def lag_grid() -> tuple[Tensor, Tensor]:
    """Lags in samples [count], and the number of the log-spaced bin that each belongs to [count]."""
    low, high = (math.log10(s * SAMPLE_RATE) for s in LAG_RANGE_S)
    edges = torch.logspace(low, high, LAGS + 1, dtype=torch.float64)
    lags = torch.arange(math.ceil(float(edges[0])), math.floor(float(edges[-1])))
    return lags, (torch.searchsorted(edges, lags.double(), right=True) - 1).clamp(0, LAGS - 1)


def bin_lags_s() -> Tensor:
    """The lag in s that the middle of each bin stands for: [LAGS]."""
    low, high = (math.log(s) for s in LAG_RANGE_S)
    return torch.exp(low + (torch.arange(LAGS) + 0.5) / LAGS * (high - low))


def echo_cepstra(audio: Tensor) -> Tensor:
    """Cepstra of left and right, window by window: audio [b, 2, n] -> [b, 2, LAGS, windows].

    Each bin holds the largest value in it. Windows of 1.5 s every 0.74 s; a shorter clip is continued with silence.
    The same at any level; 0 for silence; differentiable.
    """
    samples = audio.shape[-1]
    frames = F.pad(audio, (0, max(0, WINDOW - samples))).unfold(-1, WINDOW, HOP)  # [b, 2, windows, WINDOW]
    return torch.stack([_of_window(frames[:, :, index]) for index in range(frames.shape[2])], dim=-1)


def _of_window(frame: Tensor) -> Tensor:
    """[b, 2, WINDOW] -> [b, 2, LAGS]."""
    first, last = (round(hz * WINDOW / SAMPLE_RATE) for hz in BAND_HZ)
    spectrum = torch.view_as_real(torch.fft.rfft(frame * torch.hann_window(WINDOW).to(frame)))
    power = spectrum[..., first:last, :].square().sum(-1)
    floor = RANGE * power.detach().amax(-1, keepdim=True)
    log_power = torch.log(power + floor + 1e-12)
    log_power = log_power - log_power.mean(-1, keepdim=True)
    padded = F.pad(log_power, (first, WINDOW // 2 + 1 - last))
    cepstrum = torch.fft.irfft(padded, WINDOW) * (WINDOW / 2 / (last - first))
    lags, bins = (index.to(frame.device) for index in lag_grid())
    values = cepstrum[..., lags]
    out = values.new_full((*values.shape[:-1], LAGS), float("-inf"))
    return SCALE * out.scatter_reduce(-1, bins.expand(values.shape), values, "amax")
