"""Compressed audio for a web page: small files that every browser decodes, all with the same encoder delay."""

from __future__ import annotations

import io
from functools import cache

import numpy as np
import soundfile
import torch

PAGE_RATES = (32000, 44100, 48000)  # Hz, what MP3 knows (and browsers like)
MEDIA_TYPES = {"mp3": "audio/mpeg", "ogg": "audio/ogg"}
_LOWEST_KBPS, _HIGHEST_KBPS = 32.0, 320.0  # the range libsndfile's 0..1 compression level spans for MP3


def page_audio_suffix() -> str:
    """Which format this machine can write for a page: "mp3" (all browsers), else "ogg" (Vorbis; Safari from 18.4)."""
    return "mp3" if "MP3" in soundfile.available_formats() else "ogg"


def compress(audio: torch.Tensor, sample_rate: int, bitrate_kbps: int = 128) -> bytes:
    """Encode audio for a page, at a constant bit rate so that all items of a player start after the same delay.

    audio: [channels, samples], one or two channels, full scale ±1. Decoded, it is as loud as it was.
    bitrate_kbps: for the whole file, 32 to 320.
    """
    samples = audio.detach().to("cpu", torch.float32).numpy().T
    return _encode(samples / encoder_gain(sample_rate, samples.shape[1], bitrate_kbps), sample_rate, bitrate_kbps)


@cache
def encoder_gain(sample_rate: int, channels: int, bitrate_kbps: int) -> float:
    """The gain that the encoder itself applies: at low bit rates LAME turns down by up to half a decibel."""
    time = np.arange(sample_rate) / sample_rate
    tone = np.tile(0.25 * np.sin(2 * np.pi * 997 * time)[:, None], (1, channels)).astype(np.float32)
    decoded, _ = soundfile.read(io.BytesIO(_encode(tone, sample_rate, bitrate_kbps)), dtype="float32", always_2d=True)
    middle = slice(sample_rate // 4, 3 * sample_rate // 4)
    return float(np.sqrt(np.mean(decoded[middle] ** 2) / np.mean(tone[middle] ** 2)))


def _encode(samples: np.ndarray, sample_rate: int, bitrate_kbps: int) -> bytes:
    """[samples, channels] as one constant-rate file."""
    buffer = io.BytesIO()
    if page_audio_suffix() == "mp3":
        level = (_HIGHEST_KBPS - bitrate_kbps) / (_HIGHEST_KBPS - _LOWEST_KBPS)
        soundfile.write(
            buffer,
            samples,
            sample_rate,
            format="MP3",
            subtype="MPEG_LAYER_III",
            bitrate_mode="CONSTANT",
            compression_level=float(np.clip(level, 0.0, 1.0)),
        )
    else:
        soundfile.write(buffer, samples, sample_rate, format="OGG", subtype="VORBIS", compression_level=0.7)
    return buffer.getvalue()
