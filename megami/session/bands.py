"""Equaliser bands as every console has them, and fitting up to six of them to any curve."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.optimize import least_squares
from scipy.signal import sosfilt

from megami.effects.equaliser import SHELF_Q, high_shelf_section, low_shelf_section, peak_section

Kind = Literal["low shelf", "bell", "high shelf"]
KINDS: tuple[Kind, ...] = ("low shelf", "bell", "high shelf")
MOST_BANDS = 6
GOOD_ENOUGH_DB = 0.5  # where nine tenths of the curve are this near, no further band is added
LEAST_GAIN_DB = 0.2  # bands below are left out
LARGEST_GAIN_DB = 24.0
FREQUENCIES_HZ = {"low shelf": (30.0, 800.0), "bell": (30.0, 16000.0), "high shelf": (1500.0, 16000.0)}
Q_RANGE = (0.3, 8.0)
MOST_STEPS = 20  # of each fit
WORTH_IT = 0.97  # a further band has to bring the error down to this share at least
LEAST_WEIGHT = 0.03  # of frequencies that the track hardly has
FIT_RATE = 44100


@dataclass(frozen=True)
class Band:
    """One band: gain in dB at its centre (bell) or beyond its corner (shelves, half of it at frequency_hz)."""

    kind: Kind
    frequency_hz: float
    gain_db: float
    q: float = SHELF_Q

    def section(self, sample_rate: int) -> np.ndarray:
        """Second-order section [6] (RBJ audio EQ cookbook); shelves have Q 1/sqrt(2)."""
        if self.kind == "low shelf":
            return low_shelf_section(self.gain_db, self.frequency_hz, sample_rate)
        if self.kind == "high shelf":
            return high_shelf_section(self.gain_db, self.frequency_hz, sample_rate)
        return peak_section(self.gain_db, self.frequency_hz, self.q, sample_rate)


@dataclass(frozen=True)
class BandFit:
    """Bands that follow a curve, the level in dB that they leave to a fader, and their median error in dB."""

    bands: tuple[Band, ...]
    level_db: float
    median_error_db: float
    largest_error_db: float  # that nine tenths of the curve keep within
    rms_error_db: float  # with the weights of the frequencies: what is made small


def response_db(bands: tuple[Band, ...], hz: np.ndarray, sample_rate: int = FIT_RATE) -> np.ndarray:
    """Gain in dB of bands in series at frequencies [n]."""
    if not bands:
        return np.zeros(len(hz))
    sections = np.stack([band.section(sample_rate) for band in bands])
    z = np.exp(-2j * np.pi * hz / sample_rate)
    powers = np.stack([np.ones_like(z), z, z * z])
    return 20 * np.log10(np.abs((sections[:, :3] @ powers) / (sections[:, 3:] @ powers))).sum(0)


def apply_bands(bands: tuple[Band, ...], audio: np.ndarray, sample_rate: int) -> np.ndarray:
    """Equalise audio [channels, samples]."""
    if not bands:
        return audio.copy()
    return sosfilt(np.stack([band.section(sample_rate) for band in bands]), audio, axis=-1)


def fit_bands(hz: np.ndarray, curve_db: np.ndarray, weight: np.ndarray, most: int = MOST_BANDS) -> BandFit:
    """Find the fewest bands, at most `most`, that follow a curve [n] in dB over frequencies [n] in Hz.

    Bands are added one by one where they help most, and all are moved together each time. A constant is left to the
    fader. weight [n], 0..1: how much each frequency counts, so that what a track does not have costs no band. The
    errors are over the frequencies that count at least half.
    """
    weight = np.maximum(weight, LEAST_WEIGHT)
    best = _measured((), hz, curve_db, weight)
    while best.largest_error_db > GOOD_ENOUGH_DB and len(best.bands) < most:
        rest = curve_db - response_db(best.bands, hz) - best.level_db
        tried = [_moved((*best.bands, new), hz, curve_db, weight) for new in _candidates(best.bands, hz, rest, weight)]
        better = min((_measured(bands, hz, curve_db, weight) for bands in tried), key=lambda fit: fit.rms_error_db)
        if better.rms_error_db > WORTH_IT * best.rms_error_db:
            break
        best = better
    kept = tuple(band for band in best.bands if abs(band.gain_db) >= LEAST_GAIN_DB)
    kept = tuple(sorted(kept, key=lambda band: (KINDS.index(band.kind), band.frequency_hz)))
    return _measured(kept, hz, curve_db, weight)


def _measured(bands: tuple[Band, ...], hz: np.ndarray, curve_db: np.ndarray, weight: np.ndarray) -> BandFit:
    """These bands as a fit: the constant that is left is the weighted mean of what is missing."""
    rest = curve_db - response_db(bands, hz)
    level = float((weight * rest).sum() / weight.sum())
    counted = weight >= min(0.5, float(weight.max()))
    median, most = np.quantile(np.abs(rest - level)[counted], [0.5, 0.9])
    rms = float(np.sqrt((weight * np.square(rest - level)).sum() / weight.sum()))
    return BandFit(bands, level, float(median), float(most), rms)


def _candidates(bands: tuple[Band, ...], hz: np.ndarray, rest: np.ndarray, weight: np.ndarray) -> list[Band]:
    """What could be added where `rest` [n] is still missing: a bell where most is, and a shelf at each end."""
    place = int(np.argmax(np.abs(rest) * weight))
    new = [Band("bell", float(np.clip(hz[place], *FREQUENCIES_HZ["bell"])), float(rest[place]), 1.0)]
    kinds = {band.kind for band in bands}
    if "low shelf" not in kinds:
        new.append(Band("low shelf", 120.0, float(rest[:5].mean())))
    if "high shelf" not in kinds:
        new.append(Band("high shelf", 7000.0, float(rest[-5:].mean())))
    return new


def _moved(bands: tuple[Band, ...], hz: np.ndarray, curve_db: np.ndarray, weight: np.ndarray) -> tuple[Band, ...]:
    """The same bands where they follow the curve best, in the sense of a robust least squares."""
    ends = [np.log([FREQUENCIES_HZ[band.kind], Q_RANGE]) for band in bands]  # [frequency or q, low or high]

    def built(values: np.ndarray) -> tuple[Band, ...]:
        rows = values.reshape(-1, 3)
        return tuple(
            Band(band.kind, float(np.exp(row[0])), float(row[1]), float(np.exp(row[2])))
            for band, row in zip(bands, rows, strict=True)
        )

    def error(values: np.ndarray) -> np.ndarray:
        rest = curve_db - response_db(built(values), hz)
        return np.sqrt(weight) * (rest - (weight * rest).sum() / weight.sum())

    start = np.array([[np.log(band.frequency_hz), band.gain_db, np.log(band.q)] for band in bands]).ravel()
    gains = (-LARGEST_GAIN_DB, LARGEST_GAIN_DB)
    bounds = np.array([[of[0][end], gains[end], of[1][end]] for end in (0, 1) for of in ends]).reshape(2, -1)
    start = np.clip(start, bounds[0] + 1e-6, bounds[1] - 1e-6)
    found = least_squares(error, start, bounds=tuple(bounds), loss="soft_l1", max_nfev=MOST_STEPS)
    moved = built(found.x)
    return tuple(Band(b.kind, b.frequency_hz, b.gain_db, b.q if b.kind == "bell" else SHELF_Q) for b in moved)
