"""Clips and impulse responses as WAV files in memory, as a session packs them."""

from __future__ import annotations

import io

import numpy as np
import soundfile

from megami.errors import UserError


def wav_bytes(audio: np.ndarray, sample_rate: int, floats: bool = False) -> bytes:
    """Audio [channels, samples] as a WAV of 24 bits; of floats where it goes beyond full scale, or where asked for.

    Impulse responses want floats: they die away far below 24 bits.
    """
    file = io.BytesIO()
    subtype = "FLOAT" if floats or float(np.abs(audio).max(initial=0.0)) >= 1.0 else "PCM_24"
    soundfile.write(file, np.asarray(audio, dtype=np.float32).T, sample_rate, format="WAV", subtype=subtype)
    return file.getvalue()


def read_wav_bytes(data: bytes, name: str, sample_rate: int | None = None) -> tuple[np.ndarray, int]:
    """A WAV as float64 [channels, samples], and its rate in Hz.

    Raises UserError, naming the file, for what is no audio, or has another rate than is asked for.
    """
    try:
        audio, rate = soundfile.read(io.BytesIO(data), dtype="float64", always_2d=True)
    except (soundfile.SoundFileError, OSError, ValueError, RuntimeError) as error:
        raise UserError(f"{name} in the session cannot be read as audio ({' '.join(str(error).split())})") from None
    if sample_rate is not None and rate != sample_rate:
        raise UserError(f"{name} has {rate} Hz in a session of {sample_rate} Hz")
    return np.ascontiguousarray(audio.T), int(rate)
