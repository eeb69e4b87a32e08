"""Sampled instruments: notes through a General MIDI SoundFont, dry, by tinysoundfont."""

from __future__ import annotations

import heapq
import os
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from megami.audio import SAMPLE_RATE
from megami.errors import UserError
from megami.studio.band.notes import PlayedNote

_FILE = "FluidR3Mono_GM.sf3"
_FOLDERS = ("/usr/share/sounds/sf3", "/usr/share/soundfonts", "/usr/local/share/sounds/sf3", "~/.local/share/sounds")
_ROUND_ROBIN = 4
DRUM_BANK = 128


def find_soundfont() -> Path:
    """Path of FluidR3Mono_GM.sf3: from the variable MEGAMI_SOUNDFONT, else the usual folders; UserError if absent."""
    wanted = os.environ.get("MEGAMI_SOUNDFONT")
    places = [Path(wanted)] if wanted else [Path(folder).expanduser() / _FILE for folder in _FOLDERS]
    for place in places:
        if place.is_file():
            return place
    raise UserError(
        f"no SoundFont at {places[0]}: install the package fluidr3mono-gm-soundfont (Debian, Ubuntu) "
        f"or point MEGAMI_SOUNDFONT to {_FILE}"
    )


@lru_cache(maxsize=1)
def _load(path: str) -> tuple[Any, int]:
    try:
        import tinysoundfont
    except ImportError:
        raise UserError("the studio needs tinysoundfont to render songs: pip install --no-deps tinysoundfont") from None
    synth = tinysoundfont.Synth(gain=-9.0, samplerate=SAMPLE_RATE)
    return synth, synth.sfload(path)


def render_soundfont(
    notes: Sequence[PlayedNote], program: int, bank: int, num_samples: int, rng: np.random.Generator
) -> np.ndarray:
    """Play notes on one program and return mono samples [num_samples] (float64, unscaled).

    Four channels of the same program, a few cents apart, take turns, so that repeated notes are not identical.
    """
    synth, font = _load(str(find_soundfont()))
    for channel in range(_ROUND_ROBIN):
        synth.sounds_off(channel)
        synth.program_select(channel, font, bank, program, bank == DRUM_BANK)
        synth.set_tuning(channel, float(rng.normal(0.0, 0.015 if bank != DRUM_BANK else 0.08)))
    events: list[tuple[int, int, int, int, int]] = []  # sample, kind (0 off, 1 on), channel, key, velocity
    for index, note in enumerate(notes):
        channel = index % _ROUND_ROBIN
        start, stop = int(note.start_s * SAMPLE_RATE), int((note.start_s + note.duration_s) * SAMPLE_RATE)
        velocity = int(np.clip(round(127 * note.velocity), 1, 127))
        heapq.heappush(events, (start, 1, channel, note.pitch, velocity))
        heapq.heappush(events, (max(stop, start + 64), 0, channel, note.pitch, 0))
    audio = np.zeros(num_samples, np.float64)
    position = 0
    while events and position < num_samples:
        sample, kind, channel, key, velocity = heapq.heappop(events)
        position = _advance(synth, audio, position, min(sample, num_samples))
        if kind == 1:
            synth.noteon(channel, key, velocity)
        else:
            synth.noteoff(channel, key)
    _advance(synth, audio, position, num_samples)
    for channel in range(_ROUND_ROBIN):
        synth.sounds_off(channel)
    synth.generate(SAMPLE_RATE // 4)  # let the killed voices fade, so that the next part starts from silence
    return audio


def _advance(synth: Any, audio: np.ndarray, start: int, stop: int) -> int:
    if stop > start:
        block = np.frombuffer(bytes(synth.generate(stop - start)), np.float32)
        audio[start:stop] = 0.5 * (block[0::2] + block[1::2])
    return max(start, stop)
