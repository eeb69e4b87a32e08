"""Fitting a compressor's knobs to a gain that moved over time, whatever moved it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from megami.effects.compressor import Compressor, ballistics, reduction_db

KNEE_DB = 6.0
LEAST_MOVEMENT_DB = 0.5  # between the middle nine tenths of the gain: below, nothing was compressed
HEARD_DB = 40.0  # frames further below the loudest ones do not count
MOST_FRAMES = 8000
RATIO_RANGE = (1.02, 20.0)
ATTACK_MS, RELEASE_MS = (0.5, 200.0), (10.0, 2000.0)
USUAL = ((-10.0, 2.0, 10.0, 150.0), (-20.0, 3.0, 3.0, 60.0), (-15.0, 1.5, 30.0, 400.0))
"""Threshold under the loudest frames, ratio, attack, release: where the search begins."""
MOST_TRIES = 150


@dataclass(frozen=True)
class CompressorFit:
    """Knobs that move a level as it was moved, and their median error in dB over the frames that are heard."""

    compressor: Compressor
    median_error_db: float


def fit_compressor(
    peak_db: np.ndarray, gain_db: np.ndarray, frame_ms: float, start: Compressor | None = None
) -> CompressorFit | None:
    """Knobs for a gain [frames] in dB over peaks [frames] in dB of full scale; None where the gain hardly moves.

    A constant gain counts as none: it is the make-up gain's or the fader's. What a compressor cannot do (gates,
    transients made sharper) stays in the error. `start`: knobs to begin with, besides usual ones.
    """
    loudest = float(np.quantile(peak_db, 0.99))
    heard = peak_db > loudest - HEARD_DB
    if heard.sum() < 20:
        return None
    low, high = np.quantile(gain_db[heard], [0.05, 0.95])
    if high - low < LEAST_MOVEMENT_DB:
        return None
    begin = int(np.argmax(np.convolve(heard, np.ones(min(len(heard), MOST_FRAMES)), "valid")))
    part = slice(begin, begin + MOST_FRAMES)  # the fullest stretch says enough, and is quick
    starts = [_packed(loudest + under, *others) for under, *others in USUAL]
    if start is not None:
        starts.append(_packed(start.threshold_db, start.ratio, start.attack_ms, start.release_ms))

    def cost(values: np.ndarray) -> float:
        return float(np.mean(_errors(_knobs(values), peak_db[part], gain_db[part], heard[part], frame_ms)))

    tries = [minimize(cost, one, method="Nelder-Mead", options={"maxfev": MOST_TRIES}) for one in starts]
    knobs = _knobs(min(tries, key=lambda found: found.fun).x)
    return CompressorFit(knobs, float(np.median(_errors(knobs, peak_db, gain_db, heard, frame_ms))))


def gain_of(knobs: Compressor, peak_db: np.ndarray, frame_ms: float) -> np.ndarray:
    """The gain [frames] in dB that a compressor gives for peaks [frames] in dB."""
    wanted = reduction_db(peak_db, knobs.threshold_db, knobs.ratio, knobs.knee_db)
    return knobs.makeup_db - ballistics(wanted, knobs.attack_ms / frame_ms, knobs.release_ms / frame_ms)


def _errors(
    knobs: Compressor, peak_db: np.ndarray, gain_db: np.ndarray, heard: np.ndarray, frame_ms: float
) -> np.ndarray:
    """How far off the gain is in each frame that is heard, in dB, but for a constant."""
    rest = (gain_db - gain_of(knobs, peak_db, frame_ms))[heard]
    return np.abs(rest - np.median(rest))


def _packed(threshold_db: float, ratio: float, attack_ms: float, release_ms: float) -> np.ndarray:
    """Knobs as numbers that may take any value and matter about equally."""
    return np.array([threshold_db / 10, np.log(ratio), np.log(attack_ms) / 2, np.log(release_ms) / 2])


def _knobs(values: np.ndarray) -> Compressor:
    """The knobs that such numbers stand for, kept within what consoles have."""
    return Compressor(
        threshold_db=float(np.clip(values[0] * 10, -80.0, 0.0)),
        ratio=float(np.clip(np.exp(values[1]), *RATIO_RANGE)),
        attack_ms=float(np.clip(np.exp(2 * values[2]), *ATTACK_MS)),
        release_ms=float(np.clip(np.exp(2 * values[3]), *RELEASE_MS)),
        knee_db=KNEE_DB,
    )
