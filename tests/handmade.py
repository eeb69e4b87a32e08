"""Small songs made by hand, so that tests need neither the composer nor a SoundFont."""

from __future__ import annotations

import numpy as np
import torch

from megami.audio import SAMPLE_RATE, Multitrack
from megami.studio import Song

TRACKS = {
    "bass": ("bass", "electric bass"),
    "drums": ("drums", "drum kit"),
    "guitar a": ("chords", "electric guitar"),
    "guitar b": ("chords", "acoustic guitar"),
    "pad": ("pad", "strings"),
    "voice": ("vocal", "voice"),
}


def _decays(time_s: np.ndarray, period_s: float, decay_s: float, start_s: float = 0.0) -> np.ndarray:
    return np.exp(-((time_s - start_s) % period_s) / decay_s) * (time_s >= start_s)


def _tone(time_s: np.ndarray, pitch_hz: float, slope: float) -> np.ndarray:
    harmonics = range(1, int(min(30, 16000 / pitch_hz)) + 1)
    return sum(np.sin(2 * np.pi * pitch_hz * k * time_s + k) / k**slope for k in harmonics)


def _waveforms(rng: np.random.Generator, time_s: np.ndarray) -> dict[str, np.ndarray]:
    noise = rng.normal(size=(2, len(time_s)))
    beat = rng.uniform(0.4, 0.55)
    root = 55.0 * 2 ** rng.uniform(-0.3, 0.3)
    kick = _decays(time_s, 2 * beat, 0.08) * np.sin(2 * np.pi * root * time_s)
    snare = _decays(time_s, 2 * beat, 0.1, beat) * noise[0]
    hats = _decays(time_s, beat / 2, 0.03) * np.diff(noise[1], prepend=0)
    return {
        "bass": 0.2 * _tone(time_s, root, 1.5) * _decays(time_s, beat, 0.4),
        "drums": 0.6 * kick + 0.2 * snare + 0.05 * hats,
        "guitar a": 0.1 * _tone(time_s, 4 * root, rng.uniform(1.2, 1.6)) * _decays(time_s, beat, 0.3),
        "guitar b": 0.1 * _tone(time_s, 6 * root, rng.uniform(1.2, 1.6)) * _decays(time_s, 2 * beat, 0.4),
        "pad": 0.1 * _tone(time_s, 5 * root, 1.8) * _decays(time_s, 8 * beat, 5.0),
        "voice": 0.1 * _tone(time_s, 8 * root, rng.uniform(1.0, 1.3)) * _decays(time_s, 3 * beat, 0.5),
    }


def handmade_song(
    seed: int = 0, seconds: float = 4.0, silent: tuple[str, ...] = (), without: tuple[str, ...] = ()
) -> Song:
    """A song of six dry tracks; those in `silent` hold only a faint noise floor, those in `without` are absent."""
    rng = np.random.default_rng(seed)
    time_s = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    waves = _waveforms(rng, time_s)
    names = tuple(name for name in TRACKS if name not in without)
    floor = 1e-4 * rng.normal(size=(len(names), len(time_s)))
    tracks = [floor[i] + (0 if name in silent else waves[name]) for i, name in enumerate(names)]
    audio = torch.tensor(np.stack(tracks)[:, None], dtype=torch.float32)
    roles, instruments = zip(*(TRACKS[name] for name in names), strict=True)
    return Song(Multitrack(names, audio, SAMPLE_RATE), roles, instruments, "handmade", seed)
