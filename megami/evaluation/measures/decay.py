"""What is heard once a track falls silent: how fast a room dies away, how loud it is, and when an echo comes.

The dry track stops while the wet one goes on, so the tail stands alone. Decay is measured as with interrupted noise
(ISO 3382-2), on the sound itself and not on an impulse response: whatever compresses or distorts the track before would
spoil the latter. Backward integration of the tail's energy makes its curve smooth (Schroeder 1965). An echo is looked
for in the response that leads from dry to wet, for in the tail alone nobody knows where it began.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.fft import irfft, next_fast_len, rfft, rfftfreq
from scipy.ndimage import maximum_filter1d, median_filter, uniform_filter1d
from scipy.signal import butter, lfilter, sosfilt

OCTAVES_HZ = (125.0, 250.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0)
FRAME = 220  # samples: 5 ms
SKIPPED_CYCLES = 5  # of an octave's frequency after the stop: its filter rings for so long
FIT_DB = (-5.0, -25.0)  # of the decay curve, for T20 (ISO 3382-1)
DECAY_NEPERS = 6 * math.log(10)  # 60 dB of power
QUIETEST_TAIL_DB = -50.0  # of a band, under its level before the stop: what is less is no tail
WEAKEST_BAND_DB = -60.0  # under the loudest band: what is less is the rounding of 16 bits
LATEST_ROOM_FRAMES = 13  # pre-delays of up to 60 ms are looked for
DRY_RATIO_DB = 40.0
"""Direct over reverberant sound where there is no reverberant sound to speak of; louder rooms than -40 dB are none."""

ECHO_MS = (50.0, 700.0)
DIRECT_MS = 30.0  # within which the direct sound comes
EVERY = 16  # samples between those of which the surroundings are measured
ECHO_BAND_HZ = (250.0, 4000.0)
QUIETEST_ECHO_DB = -30.0
CLEAR = 16.0  # an echo's energy over the median of its surroundings (12 dB)
AMBIGUOUS = 6.0  # and over that of the dry track's own repetitions
REGULARISATION = 1e-3


@dataclass(frozen=True)
class Echo:
    """The strongest echo: when it comes after the direct sound, and how loud it is against that."""

    time_ms: float
    level_db: float


@dataclass(frozen=True)
class Tail:
    """What a track has after it fell silent.

    decay_s [octaves] is the time in which each octave of OCTAVES_HZ falls by 60 dB (T20), NaN where it has no tail;
    direct_to_reverberant_db is DRY_RATIO_DB where none has; `echo` is None where no echo was found.
    """

    decay_s: np.ndarray
    direct_to_reverberant_db: float
    echo: Echo | None


def measure_tail(dry: np.ndarray, wet: np.ndarray, sample_rate: int = 44100) -> Tail:
    """Measure the tail of a wet track [2, n] whose dry track [1, n] falls silent before its end.

    Gain and sign of either do not matter. Raises ValueError for a dry track that sounds to its end, or nowhere.
    """
    stop = int(np.flatnonzero(dry[0]).max(initial=-1)) + 1
    if not 0 < stop < dry.shape[-1] - sample_rate // 4:
        raise ValueError("the dry track must fall silent, a quarter of a second before the end at least")
    powers, sent = octave_powers(wet, sample_rate), octave_powers(dry, sample_rate)
    first = stop // FRAME + 1 + np.ceil(SKIPPED_CYCLES / np.array(OCTAVES_HZ) * sample_rate / FRAME).astype(int)
    frame_s = FRAME / sample_rate
    decay = np.full(len(OCTAVES_HZ), np.nan)
    before = powers[:, : stop // FRAME].mean(-1)
    for band, power in enumerate(powers):
        tail = power[first[band] :]
        heard = tail[: max(1, len(tail) // 20)].mean() > before[band] * 10 ** (QUIETEST_TAIL_DB / 10)
        if heard and before[band] > before.max() * 10 ** (WEAKEST_BAND_DB / 10):
            decay[band] = reverberation_time_s(decay_curve_db(tail), frame_s)
    ratio = direct_to_reverberant_db(sent, powers, decay, first, frame_s)
    return Tail(decay, ratio, find_echo(dry, wet, sample_rate))


def octave_powers(audio: np.ndarray, sample_rate: int) -> np.ndarray:
    """Power in frames of 5 ms, summed over channels: [c, n] -> [octaves, frames]."""
    frames = audio.shape[-1] // FRAME
    powers = []
    for hz in OCTAVES_HZ:
        edges = (hz / math.sqrt(2), min(hz * math.sqrt(2), 0.49 * sample_rate))
        band = sosfilt(butter(2, edges, "bandpass", fs=sample_rate, output="sos"), audio.astype(np.float64))
        powers.append(np.square(band[:, : frames * FRAME]).reshape(len(audio), frames, FRAME).mean(-1).sum(0))
    return np.stack(powers)


def decay_curve_db(power: np.ndarray) -> np.ndarray:
    """Energy decay curve: the energy still to come at each frame over all of it, [..., frames] in dB (Schroeder)."""
    left = np.cumsum(power[..., ::-1], axis=-1)[..., ::-1]
    return 10 * np.log10(np.maximum(left, 1e-30) / np.maximum(left[..., :1], 1e-30))


def reverberation_time_s(curve_db: np.ndarray, frame_s: float) -> float:
    """T20: the time of 60 dB by the slope from -5 to -25 dB of a decay curve [frames]; NaN if it falls no so far.

    The last fifth of the curve does not count: it falls because the recording ends.
    """
    used = curve_db[: max(1, int(0.8 * len(curve_db)))]
    if used[-1] > FIT_DB[1]:
        return math.nan
    first, last = (int(np.argmax(used <= level)) for level in FIT_DB)
    if last - first < 2:  # faster than the frames can tell
        return 60.0 / 20.0 * max(last - first, 1) * frame_s
    slope = np.polyfit(np.arange(first, last + 1) * frame_s, used[first : last + 1], 1)[0]
    return float(-60.0 / slope)


def direct_to_reverberant_db(
    sent: np.ndarray, powers: np.ndarray, decay_s: np.ndarray, first: np.ndarray, frame_s: float
) -> float:
    """Energy of the direct sound over that of the room, over all octaves, in dB within +-DRY_RATIO_DB.

    sent, powers [octaves, frames] of dry and wet; decay_s [octaves]; `first` [octaves] are the first frames of the
    tail alone. In each octave the room answers power e with the sum of c e(s) exp(-13.8 (t - s) / T) over all s <= t.
    The tail after the stop says how large c is; what the room does not explain of the sound before it is direct.
    """
    direct = reverberant = 0.0
    for dry, wet, decay, start in zip(sent, powers, decay_s, first, strict=True):
        if np.isnan(decay):
            direct += wet[:start].sum()
            continue
        of_direct, of_room = fit_room(dry, wet, decay, start, frame_s)
        direct, reverberant = direct + of_direct, reverberant + of_room
    if reverberant <= 0:
        return DRY_RATIO_DB
    return float(np.clip(10 * np.log10(max(direct, 1e-30) / reverberant), -DRY_RATIO_DB, DRY_RATIO_DB))


def fit_room(dry: np.ndarray, wet: np.ndarray, decay: float, start: int, frame_s: float) -> tuple[float, float]:
    """Energies of direct and reverberant sound in one octave [frames], with the pre-delay that fits best.

    Without it a room that answers late, and dies away fast, would be taken for one that is many times louder.
    """
    pole = math.exp(-DECAY_NEPERS * frame_s / decay)
    # The trapezoidal rule: of what is played within a frame, half of its answer falls into the same one.
    room = lfilter([0.5, 0.5 * pole], [1.0, -pole], dry)
    fits = []
    for delay in range(LATEST_ROOM_FRAMES):
        late = np.concatenate([np.zeros(delay), room[: len(room) - delay]])
        strength = wet[start:].sum() / max(late[start:].sum(), 1e-30)
        gain = max(float(dry @ (wet - strength * late)) / max(float(dry @ dry), 1e-30), 0.0)
        misfit = float(np.square(wet - strength * late - gain * dry).sum())
        fits.append((misfit, gain * dry.sum(), strength * dry.sum() * (0.5 + pole / (1 - pole))))
    _, of_direct, of_room = min(fits)
    return of_direct, of_room


def find_echo(dry: np.ndarray, wet: np.ndarray, sample_rate: int = 44100) -> Echo | None:
    """Find the strongest echo from 50 to 700 ms, or None: dry [1, n], wet [2, n], heard between 250 Hz and 4 kHz.

    An echo is a peak of the response from dry to wet that stands out from the reverberation around it, and from what
    the dry track's own repetitions would feign: the same response from the dry track to itself.
    """
    response, own = responses(dry, wet, sample_rate)
    half = round(0.001 * sample_rate)  # a peak spreads over so much before and after it

    def near_energy(squared: np.ndarray) -> np.ndarray:
        return np.roll(uniform_filter1d(squared, 2 * half + 1, mode="wrap"), half)

    energy, feigned = near_energy(response), near_energy(own)
    low, high, early = (round(ms * sample_rate / 1000) for ms in (*ECHO_MS, DIRECT_MS))
    start = int(np.argmax(energy[:early]))
    direct = energy[start]
    if direct <= 0:
        return None
    floor = np.repeat(median_filter(energy[: 2 * high : EVERY], round(0.12 * sample_rate / EVERY)), EVERY)
    place = start + np.arange(low, high)
    alike = maximum_filter1d(feigned, half * 10)[place] / feigned[half]
    least = np.maximum(10 ** (QUIETEST_ECHO_DB / 10), AMBIGUOUS * alike) * direct
    found = place[energy[place] > np.maximum(CLEAR * floor[place], least)]
    if not found.size:
        return None
    best = found[np.argmax(energy[found])]
    return Echo(float(1000 * (best - start) / sample_rate), float(10 * np.log10(energy[best] / direct)))


def responses(dry: np.ndarray, wet: np.ndarray, sample_rate: int) -> tuple[np.ndarray, np.ndarray]:
    """Squared envelopes of the responses from dry to wet (summed over channels), and from dry to dry: [lags] each.

    By division of spectra, held back where the dry track has nothing. Silence at the end makes the division exact: all
    that the dry track causes is there.
    """
    size = next_fast_len(2 * dry.shape[-1], real=True)
    hz = rfftfreq(size, 1 / sample_rate)
    inside = ((hz > ECHO_BAND_HZ[0]) & (hz < ECHO_BAND_HZ[1])).astype(np.float64)
    sent = rfft(dry[0].astype(np.float64), size)
    power = np.abs(sent) ** 2
    # The spectrum's own slope is no reason to trust its lows more than its highs: the floor follows it.
    smooth = uniform_filter1d(power, max(3, round(500 * size / sample_rate)))
    inverse = inside * np.conj(sent) / (power + REGULARISATION * smooth + 1e-12 * power.max() + 1e-30)
    envelopes = [envelope_power(inverse * spectrum, size) for spectrum in (*rfft(wet.astype(np.float64), size), sent)]
    return envelopes[0] + envelopes[1], envelopes[2]


def envelope_power(spectrum: np.ndarray, size: int) -> np.ndarray:
    """Squared magnitude of the analytic signal of a spectrum of real audio [size / 2 + 1] -> [size]."""
    real = irfft(spectrum, size)
    imaginary = irfft(-1j * spectrum, size)
    return real**2 + imaginary**2
