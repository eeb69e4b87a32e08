"""Electronic drums: synthesised hits in the manner of analogue machines, and kits of recorded CC0 hits.

Recorded hits come from the Debian package sonic-pi-samples (CC0). Where it is absent, synthesised hits replace them.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import gcd
from pathlib import Path

import numpy as np
import soundfile
from scipy import signal

from megami.audio import SAMPLE_RATE, db_to_gain
from megami.studio.band.filters import bandpass, highpass, lowpass
from megami.studio.band.grooves import DRUM_KEYS
from megami.studio.band.notes import PlayedNote

_NAMES = {key: name for name, key in DRUM_KEYS.items()}
_RECORDED: dict[str, dict[str, tuple[str, ...]]] = {
    "recorded": {
        "kick": ("drum_bass_soft", "drum_bass_hard"), "snare": ("drum_snare_soft", "drum_snare_hard"),
        "hat": ("drum_cymbal_closed",), "pedal": ("drum_cymbal_pedal",), "open": ("drum_cymbal_open",),
        "ride": ("drum_cymbal_soft",), "crash": ("drum_splash_soft", "drum_splash_hard"),
        "tom high": ("drum_tom_hi_soft", "drum_tom_hi_hard"), "tom mid": ("drum_tom_mid_soft", "drum_tom_mid_hard"),
        "tom low": ("drum_tom_lo_soft", "drum_tom_lo_hard"), "rim": ("elec_wood",), "clap": ("perc_snap",),
    },
    "recorded machine": {
        "kick": ("bd_haus",), "snare": ("sn_dolf",), "hat": ("elec_tick",), "clap": ("perc_snap2",),
        "open": ("drum_cymbal_pedal",), "ride": ("elec_cymbal",), "crash": ("drum_splash_soft",),
        "tom low": ("elec_fuzz_tom",), "rim": ("elec_twip",),
    },
}  # fmt: skip


@dataclass(frozen=True)
class Machine:
    """Character of a synthesised drum machine. Times in seconds, pitches in Hz."""

    kick_hz: float
    kick_decay_s: float
    kick_click: float
    snare_hz: float
    snare_decay_s: float
    snare_noise: float
    hat_hz: float
    hat_decay_s: float


def random_machine(kit: str, rng: np.random.Generator) -> Machine:
    """A machine of a family: "808" is long and deep, "house machine" punchy, "tight machine" short, others between."""
    longer = {"808": 2.6, "house machine": 1.0, "tight machine": 0.6}.get(kit, 1.2)
    return Machine(
        kick_hz=rng.uniform(44.0, 58.0),
        kick_decay_s=rng.uniform(0.10, 0.2) * longer,
        kick_click=rng.uniform(0.1, 0.5),
        snare_hz=rng.uniform(165.0, 215.0),
        snare_decay_s=rng.uniform(0.06, 0.14) * min(longer, 1.3),
        snare_noise=rng.uniform(0.4, 0.9),
        hat_hz=rng.uniform(6000.0, 8500.0),
        hat_decay_s=rng.uniform(0.02, 0.05),
    )


def render_hits(notes: Sequence[PlayedNote], kit: str, num_samples: int, rng: np.random.Generator) -> np.ndarray:
    """Play drum notes on a machine or recorded kit; mono samples [num_samples] (float64, unscaled)."""
    machine = random_machine(kit, rng)
    tuning = rng.uniform(0.93, 1.07)
    takes: dict[tuple[str, int], np.ndarray] = {}
    audio = np.zeros(num_samples)
    for count, note in enumerate(notes):
        name = _NAMES[note.pitch]
        files = _RECORDED.get(kit, {}).get(name, ())
        layer = min(int(note.velocity * len(files) * 1.2), len(files) - 1) if files else count % 3
        if (name, layer) not in takes:
            recorded = _recorded_hit(files[layer], tuning) if files else None
            takes[name, layer] = _synthesise(name, machine, rng) if recorded is None else recorded
        hit = takes[name, layer]
        start = int(note.start_s * SAMPLE_RATE)
        length = min(len(hit), num_samples - start)
        audio[start : start + length] += _gain(note.velocity, rng) * hit[:length]
    return audio


def _gain(velocity: float, rng: np.random.Generator) -> float:
    return velocity**1.5 * db_to_gain(rng.normal(0.0, 0.3))


@lru_cache(maxsize=64)
def _recorded_hit(name: str, tuning: float) -> np.ndarray | None:
    """A CC0 hit at the studio's rate, peak 1, retuned by resampling; None where the package is not installed."""
    folder = Path(os.environ.get("MEGAMI_DRUM_HITS", "/usr/share/sonic-pi/samples"))
    try:
        audio, rate = soundfile.read(folder / f"{name}.flac", dtype="float64", always_2d=True)
    except (OSError, soundfile.LibsndfileError):
        return None
    target, source = round(SAMPLE_RATE / 100), round(rate * tuning / 100)
    common = gcd(target, source)
    mono = signal.resample_poly(audio.mean(axis=1), target // common, source // common)[: 2 * SAMPLE_RATE]
    mono[-200:] *= np.linspace(1.0, 0.0, len(mono[-200:]))
    return mono / max(np.abs(mono).max(), 1e-9)


def _synthesise(name: str, machine: Machine, rng: np.random.Generator) -> np.ndarray:
    """One hit of a synthesised drum, peak about 1."""
    if name == "kick":
        return _kick(machine, rng)
    if name.startswith("tom"):
        hz = {"tom high": 165.0, "tom mid": 125.0, "tom low": 88.0}[name]
        time = _time(0.5)
        return 0.8 * np.sin(2 * np.pi * (hz * time + 6.0 * (1 - np.exp(-time / 0.03)) / 6)) * np.exp(-time / 0.12)
    if name == "snare":
        time = _time(0.4)
        body = np.sin(2 * np.pi * machine.snare_hz * time) + 0.6 * np.sin(2 * np.pi * 1.78 * machine.snare_hz * time)
        noise = highpass(rng.standard_normal(len(time)), 900.0) * np.exp(-time / machine.snare_decay_s)
        return 0.5 * body * np.exp(-time / 0.05) + 0.3 * machine.snare_noise * lowpass(noise, 9000.0)
    if name == "clap":
        time = _time(0.35)
        bursts = sum(np.exp(-np.maximum(time - d, 0) / 0.006) * (time >= d) for d in (0.0, 0.011, 0.023))
        envelope = 0.5 * bursts + np.exp(-np.maximum(time - 0.03, 0) / 0.07) * (time >= 0.03)
        return 0.55 * envelope * bandpass(rng.standard_normal(len(time)), 800.0, 2600.0)
    if name in ("rim", "clave", "woodblock", "sticks"):
        time = _time(0.12)
        return 0.6 * (np.sin(2 * np.pi * 1710 * time) + np.sin(2 * np.pi * 2420 * time)) * np.exp(-time / 0.012)
    decay_s = {"open": 8.0, "ride": 10.0, "crash": 22.0}.get(name, 1.0) * machine.hat_decay_s
    return _metal(machine.hat_hz * (0.75 if name in ("ride", "crash") else 1.0), decay_s, rng)


def _kick(machine: Machine, rng: np.random.Generator) -> np.ndarray:
    time = _time(min(5.0 * machine.kick_decay_s, 1.5))
    sweep = machine.kick_hz * time + 2.2 * (1.0 - np.exp(-time / 0.018)) + 0.5 * (1.0 - np.exp(-time / 0.08))
    click = lowpass(rng.standard_normal(len(time)), 4000.0) * np.exp(-time / 0.003)
    return np.sin(2 * np.pi * sweep) * np.exp(-time / machine.kick_decay_s) + machine.kick_click * click


def _metal(hz: float, decay_s: float, rng: np.random.Generator) -> np.ndarray:
    """Six detuned square waves and noise through a highpass: hats and cymbals."""
    time = _time(min(5.0 * decay_s, 2.0))
    tones = sum(np.sign(np.sin(2 * np.pi * f * time + rng.uniform(0, 6))) for f in (205, 369, 304, 522, 800, 540))
    metal = highpass(0.25 * tones + 0.8 * rng.standard_normal(len(time)), hz, 4)
    return 0.22 * lowpass(metal, 11000.0, 1) * np.exp(-time / decay_s) * np.minimum(time / 0.0005, 1.0)


def _time(seconds: float) -> np.ndarray:
    return np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
