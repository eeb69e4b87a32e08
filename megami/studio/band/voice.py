"""A sung stand-in: a glottal source with vibrato and jitter through moving formants, with breath and consonants.

Source-filter synthesis after Fant; vowel formants are textbook averages of sung and spoken English vowels.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import ndimage

from megami.audio import SAMPLE_RATE
from megami.studio.band.filters import bandpass
from megami.studio.band.notes import PlayedNote
from megami.studio.band.patterns import pick
from megami.studio.band.singer import CONTROL_HZ, Singer, scoop_into, unsteady, vibrato_depth

_VOWELS: dict[str, tuple[float, ...]] = {
    "ah": (730.0, 1150.0, 2500.0, 3400.0, 4300.0),
    "eh": (560.0, 1750.0, 2480.0, 3450.0, 4300.0),
    "ee": (300.0, 2250.0, 2950.0, 3600.0, 4400.0),
    "oh": (480.0, 880.0, 2450.0, 3300.0, 4200.0),
    "oo": (330.0, 830.0, 2300.0, 3250.0, 4200.0),
    "uh": (620.0, 1220.0, 2450.0, 3350.0, 4250.0),
}
_NASAL = (260.0, 1100.0, 2250.0, 3300.0, 4200.0)
_UPPER = (5300.0, 6300.0, 7300.0, 8400.0)  # poles above the vowels' own, alike for all of them
_BANDWIDTHS = np.array([75.0, 95.0, 130.0, 180.0, 240.0, 320.0, 400.0, 500.0, 600.0])
_FRICATIVES: dict[str, tuple[float, float, float, float]] = {
    # band low Hz, band high Hz, seconds, level against the vowel
    "s": (4800.0, 9500.0, 0.09, 0.06),
    "sh": (2300.0, 6000.0, 0.10, 0.07),
    "f": (1500.0, 9000.0, 0.07, 0.025),
    "h": (700.0, 4000.0, 0.06, 0.035),
    "t": (3000.0, 8000.0, 0.022, 0.10),
    "k": (1500.0, 3800.0, 0.025, 0.10),
    "p": (400.0, 2000.0, 0.018, 0.09),
}
_WINDOW, _HOP, _FFT = 1024, 256, 2048


def sing(notes: Sequence[PlayedNote], singer: Singer, num_samples: int, rng: np.random.Generator) -> np.ndarray:
    """Sing notes with syllables drawn by `rng`; mono samples [num_samples] (float64, unscaled)."""
    if not notes:
        return np.zeros(num_samples)
    frames = num_samples * CONTROL_HZ // SAMPLE_RATE + 2
    pitch, loud, formants = _score(notes, singer, frames, rng)
    at = np.arange(num_samples) * (CONTROL_HZ / SAMPLE_RATE)
    grid = np.arange(frames)
    hz = 440.0 * 2.0 ** ((np.interp(at, grid, pitch) - 69.0) / 12.0)
    loudness = np.interp(at, grid, loud)
    voiced, cycle = _glottis(hz, loudness, singer, rng)
    noise = rng.standard_normal(num_samples) * singer.breath * (0.35 + 0.65 * np.sin(np.pi * cycle) ** 2)
    source = loudness * (voiced + noise)
    upper = np.tile(np.array(_UPPER), (frames, 1))
    tract = _through_tract(source, np.hstack([formants, upper]) * singer.tract)
    return tract + _consonants(notes, num_samples, np.abs(tract).max(), rng)


def _score(notes: Sequence[PlayedNote], singer: Singer, frames: int, rng: np.random.Generator) -> tuple:
    """Pitch (MIDI), loudness (0..1) and formants (Hz) at the control rate."""
    pitch = np.full(frames, float(notes[0].pitch + 12 * (singer.octave - 1) + 12))
    loud = np.zeros(frames)
    formants = np.tile(np.array(_VOWELS["uh"]), (frames, 1))
    vibrato = np.zeros(frames)
    for i, note in enumerate(notes):
        start, stop = int(note.start_s * CONTROL_HZ), int((note.start_s + note.duration_s) * CONTROL_HZ)
        following = int(notes[i + 1].start_s * CONTROL_HZ) if i + 1 < len(notes) else frames
        stop = max(min(stop, following, frames), start + 4)
        pitch[start:] = note.pitch + 12 * singer.octave
        scoop_into(pitch, start, singer, rng)
        time = np.arange(max(min(stop, frames) - start, 0)) / CONTROL_HZ
        swell = 0.85 + 0.15 * np.sin(np.pi * np.minimum(time / max(note.duration_s, 0.1), 1.0))
        loud[start : start + len(time)] = (0.3 + 0.7 * note.velocity) * swell
        vibrato[start : start + len(time)] = vibrato_depth(time)
        formants[start:] = _VOWELS[str(pick(rng, tuple(_VOWELS)))]
        if rng.random() < 0.3:
            formants[start : start + 12] = _NASAL
            loud[start : start + 12] *= 0.5
        gap = 6 if rng.random() < 0.45 else 2
        loud[max(start - gap, 0) : start] *= 0.15 if gap == 6 else 0.6
    pitch = unsteady(pitch, vibrato, singer, rng)
    loud = ndimage.gaussian_filter1d(loud, 3.5)
    return pitch, loud, ndimage.gaussian_filter1d(formants, 6.0, axis=0)


def _glottis(hz: np.ndarray, loudness: np.ndarray, singer: Singer, rng: np.random.Generator) -> tuple:
    """Derivative of the glottal flow, brighter where the voice is louder; also the phase (0..1) within each cycle."""
    jitter = 1.0 + 0.004 * _slow_noise(len(hz), 150.0, rng)
    cycles = np.cumsum(hz * jitter) / SAMPLE_RATE
    partials = int(min(12000.0 / hz.max(), 80))
    soft, hard = _pulse(partials, 1.7), _pulse(partials, 0.8)
    index = (cycles * len(soft)).astype(np.int64) & (len(soft) - 1)
    pressed = np.clip(singer.effort * loudness * 1.3, 0.0, 1.0)
    shimmer = 1.0 + 0.05 * _slow_noise(len(hz), 60.0, rng)
    return shimmer * ((1.0 - pressed) * soft[index] + pressed * hard[index]), cycles % 1.0


def _slow_noise(num_samples: int, hz: float, rng: np.random.Generator) -> np.ndarray:
    """Noise of unit variance that takes a new value `hz` times a second, linear in between."""
    at = np.arange(num_samples) * (hz / SAMPLE_RATE)
    values = rng.standard_normal(int(at[-1]) + 2)
    return np.interp(at, np.arange(len(values)), values)


def _pulse(partials: int, slope: float) -> np.ndarray:
    """One band-limited period whose partials fall as order ** -slope, in the phases of a pulse train."""
    orders = np.arange(1, partials + 1)
    spectrum = np.zeros(2049, complex)
    spectrum[1 : partials + 1] = 0.5 * 4096 * orders**-slope * np.exp(-0.5j * np.pi * orders**0.3)
    return np.fft.irfft(spectrum, 4096)


def _through_tract(source: np.ndarray, formants: np.ndarray) -> np.ndarray:
    """Filter frame by frame with the cascade of formant resonators (overlap-add, Hann windows)."""
    starts = np.arange(0, len(source), _HOP)
    padded = np.concatenate([np.zeros(_WINDOW // 2), source, np.zeros(_WINDOW + _FFT)])
    window = np.hanning(_WINDOW + 1)[:-1] * (2.0 * _HOP / _WINDOW)
    audio = np.zeros(len(padded) + _FFT)
    hz = np.fft.rfftfreq(_FFT, 1.0 / SAMPLE_RATE)
    where = np.minimum((starts * CONTROL_HZ) // SAMPLE_RATE, len(formants) - 1)
    frames = padded[starts[:, None] + np.arange(_WINDOW)]
    sounding = np.flatnonzero(np.abs(frames).max(axis=1) > 1e-5)
    for first in range(0, len(sounding), 256):
        chosen = sounding[first : first + 256]
        response = _response(formants[where[chosen]], hz)
        wet = np.fft.irfft(np.fft.rfft(frames[chosen] * window, _FFT) * response, _FFT)
        for row, start in zip(wet, starts[chosen], strict=True):
            audio[start : start + _FFT] += row
    return audio[_WINDOW // 2 : _WINDOW // 2 + len(source)]


def _response(formants: np.ndarray, hz: np.ndarray) -> np.ndarray:
    """Cascade response [frames, bins] of second-order resonators at `formants` [frames, poles]."""
    squared = (hz * hz)[None]
    response = np.ones((len(formants), len(hz)), np.complex128)
    for k, width in enumerate(_BANDWIDTHS):
        centre = formants[:, k : k + 1] ** 2
        response *= centre / (centre - squared + 1j * width * hz[None])
    return response


def _consonants(notes: Sequence[PlayedNote], num_samples: int, level: float, rng: np.random.Generator) -> np.ndarray:
    """Noise bursts before some of the notes, and a breath before each phrase."""
    noise = np.zeros(num_samples)
    last_end = -1.0
    for note in notes:
        if note.start_s - last_end > 0.5:
            breathe_in(noise, note.start_s - 0.12, level, rng)
        if rng.random() < 0.7:
            _burst(noise, note.start_s, _FRICATIVES[str(pick(rng, tuple(_FRICATIVES)))], level * note.velocity, rng)
        last_end = note.start_s + note.duration_s
    return noise


def breathe_in(noise: np.ndarray, end_s: float, level: float, rng: np.random.Generator) -> None:
    """Add an audible breath that ends at `end_s` to `noise`; `level` is the peak of the voice."""
    _burst(noise, end_s, (600.0, 5000.0, rng.uniform(0.18, 0.35), 0.006), level, rng)


def _burst(noise: np.ndarray, end_s: float, kind: tuple, level: float, rng: np.random.Generator) -> None:
    low_hz, high_hz, seconds, gain = kind
    length = int(seconds * rng.uniform(0.8, 1.25) * SAMPLE_RATE)
    burst = bandpass(rng.standard_normal(length), low_hz, high_hz)
    burst *= np.sin(np.pi * np.linspace(0.0, 1.0, length)) ** 0.7 * gain * level / (np.std(burst) + 1e-9)
    start = int(end_s * SAMPLE_RATE) - length
    inside = slice(max(start, 0), max(min(start + length, len(noise)), 0))
    noise[inside] += burst[inside.start - start : inside.stop - start]
