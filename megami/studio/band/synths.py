"""Own synthesiser voices: bass, lead, pluck and pad with band-limited oscillators, envelopes and a moving lowpass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from megami.audio import SAMPLE_RATE
from megami.studio.band.filters import sweeping_lowpass
from megami.studio.band.notes import PlayedNote
from megami.studio.band.patterns import pick

_TABLE = 8192


@dataclass(frozen=True)
class Patch:
    """Settings of one synthesiser sound. Times in seconds, detune in cents, cutoff in Hz at rest."""

    wave: str
    oscillators: int
    detune_cents: float
    sub: float
    attack_s: float
    decay_s: float
    sustain: float
    release_s: float
    cutoff_hz: float
    octaves: float
    filter_decay_s: float
    resonance: float
    glide_s: float = 0.0
    vibrato_cents: float = 0.0
    drive: float = 0.0


def random_patch(family: str, rng: np.random.Generator) -> Patch:
    """A patch of a family: "bass synth", "lead synth", "pluck synth" or "pad synth"."""
    if family == "bass synth":
        wave = str(pick(rng, ("saw", "saw", "square", "triangle")))
        return Patch(
            wave, int(pick(rng, (1, 2))), rng.uniform(3, 12), rng.uniform(0.2, 0.9), 0.004, rng.uniform(0.15, 0.6),
            rng.uniform(0.4, 0.9), rng.uniform(0.03, 0.12), rng.uniform(90, 260), rng.uniform(1.5, 4.0),
            rng.uniform(0.08, 0.4), rng.uniform(0.7, 3.0), float(pick(rng, (0.0, 0.0, 0.04))), 0.0, rng.uniform(0, 2),
        )  # fmt: skip
    if family == "lead synth":
        wave = str(pick(rng, ("saw", "square", "triangle")))
        return Patch(
            wave, int(pick(rng, (1, 2, 3))), rng.uniform(4, 18), 0.0, rng.uniform(0.005, 0.05), 0.4,
            rng.uniform(0.6, 0.9), rng.uniform(0.06, 0.3), rng.uniform(500, 1100), rng.uniform(1.0, 2.5),
            rng.uniform(0.2, 0.8), rng.uniform(0.7, 1.8), rng.uniform(0.0, 0.06), rng.uniform(0, 18), rng.uniform(0, 1),
        )  # fmt: skip
    if family == "pluck synth":
        wave = str(pick(rng, ("saw", "square")))
        return Patch(
            wave, 2, rng.uniform(3, 10), 0.0, 0.003, rng.uniform(0.15, 0.5), rng.uniform(0.0, 0.2),
            rng.uniform(0.1, 0.3), rng.uniform(250, 600), rng.uniform(1.5, 3.5), rng.uniform(0.06, 0.25),
            rng.uniform(0.7, 2.5),
        )  # fmt: skip
    return Patch(
        str(pick(rng, ("saw", "saw", "square"))), 3, rng.uniform(6, 20), rng.uniform(0.0, 0.3), rng.uniform(0.08, 0.5),
        0.8, 0.85, rng.uniform(0.3, 0.9), rng.uniform(350, 900), rng.uniform(0.5, 2.0), rng.uniform(1.0, 3.0),
        rng.uniform(0.6, 1.2),
    )  # fmt: skip


def render_synth(notes: Sequence[PlayedNote], patch: Patch, num_samples: int, rng: np.random.Generator) -> np.ndarray:
    """Play notes on a patch; mono samples [num_samples] (float64, unscaled). The filter is shared by all notes."""
    audio = np.zeros(num_samples)
    opening = np.zeros(num_samples)
    previous_hz = None
    for note in notes:
        start = int(note.start_s * SAMPLE_RATE)
        length = min(int((note.duration_s + patch.release_s) * SAMPLE_RATE), num_samples - start)
        if length <= 64:
            continue
        hz = 440.0 * 2.0 ** ((note.pitch - 69) / 12.0)
        time = np.arange(length) / SAMPLE_RATE
        envelope = _envelope(time, note.duration_s, patch)
        wave = _oscillate(hz, previous_hz if patch.glide_s else None, time, patch, rng)
        audio[start : start + length] += (0.35 + 0.65 * note.velocity) * envelope * wave
        bright = (0.5 + 0.5 * note.velocity) * np.exp(-time / patch.filter_decay_s) * np.minimum(time / 0.004, 1.0)
        np.maximum(opening[start : start + length], bright, out=opening[start : start + length])
        previous_hz = hz
    if patch.drive > 0.0:
        audio = np.tanh((1.0 + patch.drive) * audio)
    return sweeping_lowpass(audio, patch.cutoff_hz, patch.octaves, opening, patch.resonance)


def _envelope(time: np.ndarray, held_s: float, patch: Patch) -> np.ndarray:
    """Attack, decay to sustain, release after `held_s`."""
    body = np.minimum(time / patch.attack_s, 1.0)
    decay = np.exp(-np.maximum(time - patch.attack_s, 0.0) / patch.decay_s)
    body = body * (patch.sustain + (1.0 - patch.sustain) * decay)
    after = np.maximum(time - held_s, 0.0)
    return body * np.exp(-4.0 * after / patch.release_s) * np.clip((held_s + patch.release_s - time) / 0.005, 0.0, 1.0)


def _oscillate(
    hz: float, from_hz: float | None, time: np.ndarray, patch: Patch, rng: np.random.Generator
) -> np.ndarray:
    ratio = np.ones_like(time)
    if from_hz is not None:
        ratio = (from_hz / hz) ** np.exp(-time / patch.glide_s)
    if patch.vibrato_cents:
        depth = patch.vibrato_cents * np.clip((time - 0.25) / 0.3, 0.0, 1.0)
        ratio = ratio * 2.0 ** (depth * np.sin(2.0 * np.pi * 5.4 * time) / 1200.0)
    cycles = np.cumsum(ratio) * (hz / SAMPLE_RATE)
    spread = np.linspace(-1.0, 1.0, patch.oscillators) if patch.oscillators > 1 else np.zeros(1)
    table = wavetable(patch.wave, int(min(16000.0 / hz, 400)))
    wave = np.zeros_like(time)
    for position in spread:
        detune = 2.0 ** ((position * patch.detune_cents + rng.normal(0.0, 1.0)) / 1200.0)
        wave += _look_up(table, cycles * detune + rng.random())
    wave /= np.sqrt(patch.oscillators)
    if patch.sub > 0.0:
        wave += patch.sub * _look_up(wavetable("sine", 1), cycles * (1.0 if hz < 60.0 else 0.5))
    return wave


def _look_up(table: np.ndarray, cycles: np.ndarray) -> np.ndarray:
    return table[(cycles * _TABLE).astype(np.int64) & (_TABLE - 1)]


@lru_cache(maxsize=256)
def wavetable(wave: str, harmonics: int) -> np.ndarray:
    """One period of a sine, saw, square or triangle, built from `harmonics` partials so that it does not alias."""
    orders = np.arange(1, max(harmonics, 1) + 1)
    if wave == "sine":
        weights = (orders == 1).astype(float)
    elif wave == "saw":
        weights = 2.0 / (np.pi * orders)
    elif wave == "square":
        weights = np.where(orders % 2 == 1, 4.0 / (np.pi * orders), 0.0)
    else:
        weights = np.where(orders % 2 == 1, 8.0 / (np.pi * orders) ** 2 * (-1.0) ** ((orders - 1) // 2), 0.0)
    spectrum = np.zeros(_TABLE // 2 + 1, complex)
    spectrum[1 : len(orders) + 1] = -0.5j * _TABLE * weights
    return np.fft.irfft(spectrum, _TABLE)
