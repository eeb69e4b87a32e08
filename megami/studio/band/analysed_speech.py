"""Speech taken apart by the vocoder WORLD: pitch, spectral envelope, aperiodicity, and where its syllables are.

WORLD: Morise, Yokomori and Ozawa, "WORLD: a vocoder-based high-quality speech synthesis system for real-time
applications", IEICE Transactions 2016; through the package pyworld.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import gcd
from typing import Any

import numpy as np
from scipy import ndimage, signal

from megami.studio.band.lyrics import Word
from megami.studio.band.singer import CONTROL_HZ
from megami.studio.band.speech_synthesisers import SpeechVoice, speak

FRAME_MS = 1000.0 / CONTROL_HZ
NUCLEUS_DB = 7.0
"""A vowel reaches as far as it is not this much quieter than its loudest frame."""
SILENT_DB = -45.0
"""What is so far under the peak at the ends of an utterance is cut off."""
_KEPT_UTTERANCES = 512  # of some 150 kB
_LOWEST_HZ = 65.0  # of a speaker's pitch: lower, and WORLD's spectra get twice as long at the highest rate
_HIGHEST_RATE = 22050  # analysis at higher rates takes twice as long for little that is heard


@dataclass(frozen=True)
class Syllable:
    """Frames of a syllable: consonants from `start`, the vowel from `vowel`, consonants from `coda` to `stop`."""

    start: int
    vowel: int
    coda: int
    stop: int


@dataclass(frozen=True)
class Speech:
    """An utterance in frames of 5 ms.

    `f0_hz` [frames] is 0 where there is no voice; `envelope_db` and `aperiodicity` [frames, bins] reach from 0 Hz to
    half of `rate`; the loudest vowel frame of each syllable is at 0 dB of `loudness_db` [frames].
    """

    f0_hz: np.ndarray
    envelope_db: np.ndarray
    aperiodicity: np.ndarray
    loudness_db: np.ndarray
    rate: int
    syllables: tuple[Syllable, ...]


def load_world() -> Any:
    """The module pyworld, which warns of its own set-up when it is imported."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pyworld
    return pyworld


_kept: dict[tuple[SpeechVoice, tuple[Word, ...], float], Speech] = {}


def speech_of(voice: SpeechVoice, lines: Sequence[tuple[Word, ...]], pace: float = 1.0) -> list[Speech]:
    """What a voice says, taken apart, for each line of words; what it said lately in this process is remembered.

    Raises UserError where the synthesiser is not installed.
    """
    missing = [line for line in dict.fromkeys(lines) if (voice, line, pace) not in _kept]
    texts = [" ".join(word for word, _ in line) for line in missing]
    fresh = {}
    if missing:
        for line, (audio, rate) in zip(missing, speak(voice, texts, pace), strict=True):
            fresh[voice, line, pace] = take_apart(audio, rate, sum(count for _, count in line))
    known = _kept | fresh
    answer = [known[voice, line, pace] for line in lines]
    _kept.update(fresh)
    while len(_kept) > _KEPT_UTTERANCES:
        del _kept[next(iter(_kept))]
    return answer


def take_apart(audio: np.ndarray, rate: int, syllables: int) -> Speech:
    """Analyse an utterance of so many syllables, mono samples [n] at `rate`."""
    world = load_world()
    if rate > _HIGHEST_RATE:
        shared = gcd(rate, _HIGHEST_RATE)
        audio, rate = signal.resample_poly(audio, _HIGHEST_RATE // shared, rate // shared), _HIGHEST_RATE
    audio = _without_ends(np.ascontiguousarray(audio, np.float64), rate)
    rough, times = world.dio(audio, rate, f0_floor=_LOWEST_HZ, frame_period=FRAME_MS)
    f0 = world.stonemask(audio, rough, times, rate)
    envelope = 10.0 * np.log10(world.cheaptrick(audio, f0, times, rate, f0_floor=_LOWEST_HZ) + 1e-16)
    aperiodicity = world.d4c(audio, f0, times, rate, fft_size=2 * (envelope.shape[1] - 1))
    level = _band_db(envelope, rate, 60.0, rate / 2.0)
    found = find_syllables(f0, envelope, rate, syllables)
    loudness = level.copy()
    for syllable in found:
        here = slice(syllable.start, syllable.stop)
        _voice_vowel(f0, (envelope, aperiodicity), syllable)
        loudness[here] -= loudness[syllable.vowel : syllable.coda].max()
    relative = (envelope - _band_db(envelope, rate, 60.0, rate / 2.0)[:, None]).astype(
        np.float16
    )  # to a twentieth of a dB: half the memory
    return Speech(f0, relative, aperiodicity.astype(np.float16), loudness, rate, found)


def _voice_vowel(f0: np.ndarray, spectra: tuple[np.ndarray, ...], syllable: Syllable) -> None:
    """Give frames of a vowel where no pitch was found what the nearest voiced one has; changes the arrays."""
    vowel = np.arange(syllable.vowel, syllable.coda)
    voiced = vowel[f0[vowel] > 0.0]
    if len(voiced):
        source = voiced[np.abs(vowel[:, None] - voiced[None]).argmin(axis=1)]
        for values in (f0, *spectra):
            values[vowel] = values[source]


def _without_ends(audio: np.ndarray, rate: int) -> np.ndarray:
    """What is left of a recording without the silence before and after, but for a hundredth of a second."""
    sounding = np.flatnonzero(np.abs(audio) > 10.0 ** (SILENT_DB / 20.0) * np.abs(audio).max())
    margin = rate // 100
    return audio[max(sounding[0] - margin, 0) : sounding[-1] + margin]


def find_syllables(f0: np.ndarray, envelope_db: np.ndarray, rate: int, count: int) -> tuple[Syllable, ...]:
    """Split an utterance into `count` syllables at the dips of its sonority: voice in the first formants."""
    frames = len(f0)
    voiced = ndimage.binary_closing(f0 > 0.0, np.ones(5))
    sonority = _band_db(envelope_db, rate, 280.0, 3000.0) - 25.0 * ~voiced
    sonority = ndimage.gaussian_filter1d(sonority, 3.0, mode="nearest")
    padded = np.concatenate([[sonority.min() - 1.0], sonority, [sonority.min() - 1.0]])
    peaks, traits = signal.find_peaks(padded, prominence=0.0, distance=8)
    worth = traits["prominences"] + 0.5 * (padded[peaks] - padded.max())
    best = np.sort(peaks[np.argsort(-worth, kind="stable")[:count]]) - 1
    if len(best) < count:  # syllables run into one another: equal parts
        best = ((np.arange(count) + 0.5) * frames / count).astype(int)
    dips = [a + 1 + int(np.argmin(sonority[a + 1 : b + 1])) for a, b in pairwise(best)]
    edges = [0, *dips, frames]
    return tuple(
        _syllable(sonority, peak, start, stop) for peak, (start, stop) in zip(best, pairwise(edges), strict=True)
    )


def _syllable(sonority: np.ndarray, peak: int, start: int, stop: int) -> Syllable:
    """The frames around a peak that are nearly as loud as it are the vowel."""
    loud = sonority > sonority[peak] - NUCLEUS_DB
    vowel, coda = peak, peak + 1
    while vowel > start and loud[vowel - 1]:
        vowel -= 1
    while coda < stop and loud[coda]:
        coda += 1
    return Syllable(start, vowel, coda, stop)


def _band_db(envelope_db: np.ndarray, rate: int, low_hz: float, high_hz: float) -> np.ndarray:
    """Level of each frame between two frequencies."""
    hz = np.linspace(0.0, rate / 2.0, envelope_db.shape[1])
    inside = (hz >= low_hz) & (hz <= high_hz)
    return 10.0 * np.log10(np.mean(10.0 ** (envelope_db[:, inside] / 10.0), axis=1) + 1e-16)
