"""What the recording adds to an instrument: amplifier, microphone colour, early reflections, noise floor and bleed."""

from __future__ import annotations

import numpy as np
from scipy import signal

from megami.audio import SAMPLE_RATE, db_to_gain
from megami.studio.band.filters import bandpass, bell, highpass, lowpass, tilt


def amplify(audio: np.ndarray, drive: float, rng: np.random.Generator) -> np.ndarray:
    """A guitar amplifier: input highpass, soft asymmetric clipping at twice the rate, and a closed cabinet."""
    audio = audio / max(np.abs(audio).max(), 1e-9)
    hot = signal.resample_poly(highpass(audio, rng.uniform(70.0, 140.0), 1), 2, 1)
    bias = 0.15 * min(drive, 1.0)
    shaped = np.tanh(drive * hot + bias) - np.tanh(bias)
    clipped = signal.resample_poly(shaped, 1, 2)[: len(audio)]
    speaker = lowpass(highpass(clipped, rng.uniform(75.0, 110.0)), rng.uniform(3600.0, 5200.0), 3)
    speaker = bell(speaker, rng.uniform(1800.0, 2900.0), rng.uniform(1.0, 5.0), 1.2)
    return bell(speaker, rng.uniform(350.0, 650.0), rng.uniform(-5.0, 0.0), 1.0)


def microphone(audio: np.ndarray, top_db: float, rng: np.random.Generator) -> np.ndarray:
    """Colour of a microphone and its distance: proximity, presence and a top lifted by about `top_db`."""
    audio = tilt(audio, rng.uniform(150.0, 400.0), rng.uniform(-3.0, 2.0), 0.0)
    audio = bell(audio, rng.uniform(2200.0, 6000.0), rng.uniform(-3.0, 3.0), rng.uniform(0.6, 1.4))
    audio = tilt(audio, rng.uniform(1200.0, 3000.0), 0.0, top_db + rng.uniform(-4.0, 4.0))
    return lowpass(audio, rng.uniform(9000.0, 18000.0), 1)


def reflections(audio: np.ndarray, amount_db: float, rng: np.random.Generator) -> np.ndarray:
    """Add the early reflections and short tail of a treated room, `amount_db` against the direct sound."""
    decay_s = rng.uniform(0.04, 0.12)
    length = int(4.0 * decay_s * SAMPLE_RATE)
    time = np.arange(length) / SAMPLE_RATE
    response = 0.25 * rng.standard_normal(length) * (time > 0.008)
    for delay_s in rng.uniform(0.002, 0.035, size=14):
        response[int(delay_s * SAMPLE_RATE)] += rng.choice([-1.0, 1.0]) * rng.uniform(2.0, 5.0)
    response = lowpass(response * np.exp(-time / decay_s), rng.uniform(2500.0, 6000.0), 1)
    response *= db_to_gain(amount_db) / np.sqrt(np.sum(response**2))
    return audio + signal.fftconvolve(audio, response)[: len(audio)]


def noise_floor(num_samples: int, kind: str, level_db: float, rng: np.random.Generator) -> np.ndarray:
    """Noise of `level_db` dBFS RMS: "amp" hum and hiss, "mic" room rumble and hiss, "line" converter hiss."""
    white = rng.standard_normal(num_samples)
    time = np.arange(num_samples) / SAMPLE_RATE
    if kind == "line":
        noise = white
    elif kind == "amp":
        mains = 50.0 if rng.random() < 0.5 else 60.0
        orders = range(1, 6)
        hum = sum(rng.uniform(0.1, 1.0) / k * np.sin(2 * np.pi * (k * mains * time + rng.random())) for k in orders)
        noise = hum + 0.6 * bandpass(white, 200.0, 5000.0)
    else:
        noise = 3.0 * lowpass(white, rng.uniform(120.0, 300.0), 1) + 0.3 * white
    return noise * db_to_gain(level_db) / np.sqrt(np.mean(noise**2))


def bleed_of(source: np.ndarray, level_db: float, rng: np.random.Generator) -> np.ndarray:
    """What a microphone some metres away picks up of `source`: later, duller, `level_db` lower."""
    delay = int(rng.uniform(0.004, 0.014) * SAMPLE_RATE)
    late = np.concatenate([np.zeros(delay), source[: len(source) - delay]])
    dull = lowpass(highpass(late, 60.0), rng.uniform(1500.0, 5000.0), 1)
    return db_to_gain(level_db) * dull
