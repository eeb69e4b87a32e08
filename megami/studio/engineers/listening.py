"""The engineer's ears: the few measurements on which the decisions of a simulated mix rest."""

from __future__ import annotations

import itertools

import numpy as np
import torch

from megami.audio import framed_level_db, framed_power, gated_loudness
from megami.studio.song import Song

QUIETEST_LUFS = -120.0  # what silence counts as, so that a fader can be set by it
REGION_EDGES_HZ = (20.0, 160.0, 700.0, 2200.0, 6000.0, 20000.0)  # what each of the equaliser's five bands is heard by
FLOOR_POWER = 1e-12


def framed_level(audio: np.ndarray, sample_rate: int) -> float:
    """Level in dB of the loudest 400 ms of `audio` [channels, n], mean over channels: MEGAMI sets mixes by it."""
    return float(framed_level_db(_exactly(audio), sample_rate).mean())


def loudness(audio: np.ndarray, sample_rate: int) -> float:
    """Gated loudness in LUFS of what sounds in `audio` [channels, n], at least -120."""
    return max(gated_loudness(audio, sample_rate), QUIETEST_LUFS)


def _exactly(audio: np.ndarray) -> torch.Tensor:
    """The audio in double precision: engineers set faders by what they measure."""
    return torch.from_numpy(audio.astype(np.float64))


def region_levels_db(audio: np.ndarray, sample_rate: int, edges_hz: tuple[float, ...] = REGION_EDGES_HZ) -> np.ndarray:
    """Power in each region of the spectrum relative to the whole, in dB, floor -70: `audio`'s [channels, n] colour."""
    size = 4096
    mono = audio.mean(0)
    mono = np.pad(mono, (0, -len(mono) % size)).reshape(-1, size)
    power = np.square(np.abs(np.fft.rfft(mono * np.hanning(size), axis=-1))).sum(0)
    frequency = np.fft.rfftfreq(size, 1 / sample_rate)
    limits = itertools.pairwise(edges_hz)
    bands = [power[(frequency >= low) & (frequency < high)].sum() for low, high in limits]
    return 10 * np.log10(np.maximum(np.array(bands) / max(sum(bands), FLOOR_POWER), 1e-7))


def block_peaks_db(audio: np.ndarray, sample_rate: int) -> np.ndarray:
    """Peak level in dB of each 10 ms that sounds (within 30 dB of the loudest): what a compressor's detector sees."""
    block = round(0.01 * sample_rate)
    peaks = np.abs(audio).max(0)
    peaks = np.pad(peaks, (0, -len(peaks) % block)).reshape(-1, block).max(-1)
    level = 20 * np.log10(np.maximum(peaks, 1e-6))
    return level[level > level.max() - 30]


def activity(audio: np.ndarray, sample_rate: int) -> float:
    """Share (0..1) of the frames of `audio` [channels, n] within 30 dB of its loudest frame."""
    power = framed_power(_exactly(audio), sample_rate).numpy().mean(0)
    return float(np.mean(power > power.max() / 1000)) if power.max() > 0 else 0.0


def beat_seconds(audio: np.ndarray, sample_rate: int) -> float:
    """Beat period (0.33..0.66 s) of `audio` [channels, n] from its onsets' autocorrelation; delays are set by it."""
    hop = round(0.01 * sample_rate)
    mono = audio.mean(0)
    energy = np.square(mono[: len(mono) // hop * hop].reshape(-1, hop), dtype=np.float64).sum(-1)
    onsets = np.maximum(np.diff(10 * np.log10(energy + 1e-6)), 0)
    if len(onsets) < 140:
        return 0.5
    onsets = onsets - onsets.mean()

    def alike(lag: int) -> float:
        return float(np.dot(onsets[lag:], onsets[:-lag]))

    lags = np.arange(33, 67)
    strength = [alike(lag) + 0.5 * alike(2 * lag) for lag in lags]
    return float(lags[int(np.argmax(strength))] * 0.01)


def choose_lead(song: Song, dry: list[np.ndarray], audible: list[bool]) -> int:
    """Index of the track a mix is built around: a vocal, else a lead, else the most active melodic track, else any.

    Among equals the more active, then the louder one leads; a track named as backing only where there is no other.
    `dry` are the tracks [channels, n], `audible` says which of them are not silent (at least one).
    """
    rate = song.multitrack.sample_rate

    def rank(i: int) -> tuple[bool, float, float]:
        in_front = "backing" not in song.multitrack.names[i].lower()
        return in_front, round(activity(dry[i], rate), 1), loudness(dry[i], rate)

    for roles in (("vocal",), ("lead",), ("chords", "pad"), ("bass",), song.roles):
        found = [i for i, role in enumerate(song.roles) if role in roles and audible[i]]
        if found:
            return max(found, key=rank)
    raise ValueError("no audible track to lead the mix")
