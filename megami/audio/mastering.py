"""Bringing a mix to a loudness without letting its peaks through: gain and a true-peak limiter."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from megami.audio.level import db_to_gain
from megami.audio.loudness import block_powers, fine_peak, integrated_loudness, loudness_of, true_peaks
from megami.audio.rate import SAMPLE_RATE

LOOK_AHEAD_MS = 5.0
RELEASE_MS = 45.0  # time constant: a tenth of the reduction is left after 104 ms
MARGIN_DB = 0.15  # kept below the ceiling: other meters interpolate differently, and files are rounded
FINE_MARGIN_DB = 0.06  # the same at eight times the rate, where it is measured with longer filters
LARGEST_LIMITING_DB = 9.0
RARE = 0.001  # this share of the time may be limited more
LARGEST_CLICK_LIMITING_DB = 24.0
TOLERANCE_LU = 0.05
ATTEMPTS = 10
DB_PER_NEPER = 20.0 / math.log(10.0)
SMALLEST_REDUCTION_DB = 1e-6


@dataclass(frozen=True)
class Mastered:
    """Audio brought to a loudness as far as that can be: [channels, samples], what was done to it, and what it has."""

    audio: Tensor
    gain: float  # by which every sample was multiplied where the limiter was idle
    loudness_lufs: float  # -inf where no meter hears it


def master(
    audio: Tensor, sample_rate: int = SAMPLE_RATE, target_lufs: float = -16.0, ceiling_dbtp: float = -1.0
) -> Tensor:
    """Return [channels, samples] at the target loudness with its true peak at or below the ceiling, never clipped.

    One gain, then a look-ahead limiter; the gain is found by measuring what comes out. Where that would take more than
    9 dB of limiting (for more than a thousandth of the time), the ceiling holds and the mix stays quieter. The ceiling
    also holds at eight times the rate. Silence stays silence; what no loudness meter hears is at most turned down.
    """
    return master_and_measure(audio, sample_rate, target_lufs, ceiling_dbtp).audio


def master_with_gain(
    audio: Tensor, sample_rate: int = SAMPLE_RATE, target_lufs: float = -16.0, ceiling_dbtp: float = -1.0
) -> tuple[Tensor, float]:
    """Do as `master`, and also return the factor that every sample was multiplied by where the limiter was idle."""
    mastered = master_and_measure(audio, sample_rate, target_lufs, ceiling_dbtp)
    return mastered.audio, mastered.gain


def master_and_measure(
    audio: Tensor, sample_rate: int = SAMPLE_RATE, target_lufs: float = -16.0, ceiling_dbtp: float = -1.0
) -> Mastered:
    """Do as `master`, and also say with which gain and how loud it became."""
    samples = torch.atleast_2d(audio.detach().cpu().float()).numpy().astype(np.float32)
    powers = block_powers(samples, sample_rate)
    loudness = loudness_of(powers)
    peaks = true_peaks(samples, sample_rate)
    ceiling = db_to_gain(ceiling_dbtp - MARGIN_DB)
    if loudness == -math.inf:
        rest = min(1.0, ceiling / max(fine_peak(samples, peaks, ceiling), 1e-12))
        return Mastered(audio.detach().clone() if rest == 1.0 else audio.detach() * rest, rest, loudness)
    most_db = _largest_gain_db(peaks, ceiling, sample_rate)
    gain_db = min(target_lufs - loudness, most_db)
    for _ in range(ATTEMPTS):
        used_db = gain_db
        out = limit(samples, peaks, used_db, ceiling, sample_rate)
        if float(peaks.max()) * db_to_gain(used_db) > ceiling:
            short = target_lufs - integrated_loudness(torch.from_numpy(out), sample_rate)
        else:  # only turned up or down, and so are its blocks
            short = target_lufs - loudness_of(powers * db_to_gain(2.0 * used_db))
        if abs(short) < TOLERANCE_LU or (short > 0.0 and used_db >= most_db):
            break
        gain_db = min(used_db + 1.2 * short, most_db)  # a limited mix gains less than it is turned up
    gain = db_to_gain(used_db)
    limited = float(peaks.max()) * gain > ceiling
    out_peaks = true_peaks(out, sample_rate) if limited else peaks * np.float32(gain)
    rest = min(1.0, ceiling / float(out_peaks.max())) if limited else 1.0  # what the moving gain left over goes too
    fine_ceiling = db_to_gain(ceiling_dbtp - FINE_MARGIN_DB)
    rest = min(rest, fine_ceiling / fine_peak(out, out_peaks, fine_ceiling))
    mastered = torch.from_numpy(out) * rest if rest < 1.0 else torch.from_numpy(out)
    loudness = target_lufs - short + 20.0 * math.log10(rest)
    return Mastered(mastered.reshape(audio.shape).to(audio), gain * rest, loudness)


def limit(samples: np.ndarray, peaks: np.ndarray, gain_db: float, ceiling: float, sample_rate: int) -> np.ndarray:
    """Turn samples [channels, n] up by gain_db and every peak [n] (of the input) down to the ceiling (amplitude).

    The reduction in dB is held over the look-ahead, falls back with the release time, and is smoothed over the
    look-ahead, which ends where the hold began: it never falls short of what a peak needs.
    """
    gain = db_to_gain(gain_db)
    needed_db = DB_PER_NEPER * np.log(np.maximum(peaks * (gain / ceiling), 1.0)).astype(np.float64)
    if not needed_db.any():
        return (samples * np.float32(gain)).astype(np.float32)
    half = max(1, round(LOOK_AHEAD_MS * sample_rate / 2000.0))
    reduction_db = running_maximum(needed_db, 4 * half + 3)  # before and after each peak
    reduction_db = _released(reduction_db, RELEASE_MS * sample_rate / 1000.0)
    for _ in range(2):  # two boxes make a triangle: the gain bends, it has no corners
        reduction_db = running_mean(reduction_db, 2 * half + 1)
    turned = gain * np.exp(reduction_db / -DB_PER_NEPER)  # half the time of powers of ten
    return (samples * turned.astype(np.float32)).astype(np.float32)


def running_maximum(values: np.ndarray, width: int) -> np.ndarray:
    """The largest of `width` values [n] around each, of which one more lies before it where the width is even.

    By doubling. (As `maximum_filter1d` of scipy.ndimage, which takes longer to import than minutes of music to master.)
    """
    before = width // 2
    held = np.pad(values, (before, width - 1 - before), mode="edge")
    step = 1
    while 2 * step <= width:
        held, step = np.maximum(held[:-step], held[step:]), 2 * step
    rest = width - step
    return np.maximum(held[:-rest], held[rest:]) if rest else held


def running_mean(values: np.ndarray, width: int) -> np.ndarray:
    """The mean of `width` values [n] around each, the first and the last going on beyond the ends; odd widths."""
    total = np.cumsum(np.pad(values, (width // 2 + 1, width // 2), mode="edge"))
    return (total[width:] - total[:-width]) / width


def _released(reduction_db: np.ndarray, release_samples: float) -> np.ndarray:
    """r[n] = max(c[n], e^(-1/release) r[n-1]), as a running maximum of logarithms."""
    decay = np.arange(reduction_db.size) / release_samples
    held = np.maximum.accumulate(np.log(np.maximum(reduction_db, SMALLEST_REDUCTION_DB)) + decay)
    return np.exp(held - decay)


def _largest_gain_db(peaks: np.ndarray, ceiling: float, sample_rate: int) -> float:
    """The gain at which limiting reaches what still sounds clean."""
    held = running_maximum(peaks, max(1, round(LOOK_AHEAD_MS * sample_rate / 1000.0)))
    usual, largest = float(np.quantile(held, 1.0 - RARE)), float(held.max())
    room_db = 20.0 * math.log10(ceiling / max(largest, 1e-12)) + LARGEST_CLICK_LIMITING_DB
    if usual <= 0.0:
        return room_db
    return min(room_db, 20.0 * math.log10(ceiling / usual) + LARGEST_LIMITING_DB)
