"""Writing the odd files of these tests."""

from __future__ import annotations

import struct
import warnings
from pathlib import Path

import numpy as np
import soundfile

from megami.audio import Multitrack, read_multitrack
from megami.errors import SongWarning

RATE = 44100
KBPS = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)


def tone(seconds: float = 1.0, hz: float = 220.0, rate: int = RATE) -> np.ndarray:
    return (0.2 * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


def clicks(seconds: float = 2.0, rate: int = RATE) -> np.ndarray:
    """A short 900 Hz burst every half second, from half a second on."""
    out, burst = np.zeros(round(seconds * rate), np.float32), np.arange(300)
    for start in range(rate // 2, len(out) - 300, rate // 2):
        out[start : start + 300] = 0.5 * np.sin(2 * np.pi * 900 * burst / rate) * np.hanning(300)
    return out


def write(path: Path, samples: np.ndarray | None = None, rate: int = RATE, **options: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, tone() if samples is None else samples, rate, **options)
    return path


def wav_bytes(
    samples: np.ndarray,
    rate: int = RATE,
    stated: int | None = None,
    extensible: bool = False,
    time_reference: int | None = None,
) -> bytes:
    """A 16-bit mono WAV whose header states another size of its audio in bytes, or a start time (bext)."""
    pcm = (samples * 32767).astype("<i2").tobytes()
    fmt = struct.pack("<HHIIHH", 0xFFFE if extensible else 1, 1, rate, 2 * rate, 2, 16)
    if extensible:
        fmt += struct.pack("<HHI", 22, 16, 4) + bytes.fromhex("0100000000001000800000aa00389b71")
    chunks = b"fmt " + struct.pack("<I", len(fmt)) + fmt
    if time_reference is not None:
        bext = bytes(338) + struct.pack("<Q", time_reference) + bytes(256)
        chunks = b"bext" + struct.pack("<I", len(bext)) + bext + chunks
    size = len(pcm) if stated is None else stated
    riff = 0 if stated == 0 else 4 + len(chunks) + 8 + size
    return b"RIFF" + struct.pack("<I", riff) + b"WAVE" + chunks + b"data" + struct.pack("<I", size) + pcm


def mp3_without_tag(path: Path, samples: np.ndarray, mode: str, level: float = 0.3) -> int:
    """Write an MP3, at 44.1 kHz, and take its first frame away, the tag; returns the number of frames left."""
    write(path, samples, format="MP3", subtype="MPEG_LAYER_III", bitrate_mode=mode, compression_level=level)
    content, at, frames = path.read_bytes(), 0, []
    while at + 4 <= len(content) and content[at] == 0xFF:
        length = 144 * KBPS[content[at + 2] >> 4] * 1000 // RATE + (content[at + 2] >> 1 & 1)
        frames.append(content[at : at + length])
        at += length
    assert b"Info" in frames[0] or b"Xing" in frames[0]
    path.write_bytes(b"".join(frames[1:]))
    return len(frames) - 1


def read_and_warned(source: object, **options: object) -> tuple[Multitrack, list[str]]:
    """A song, and what was warned of while it was read, which is what it keeps."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        song = read_multitrack(source, **options)
    lines = [str(one.message) for one in caught if issubclass(one.category, SongWarning)]
    assert list(song.warnings) == lines
    return song, lines


def lag(one: np.ndarray, other: np.ndarray) -> int:
    """By how many samples the first is later than the second."""
    size = 2 * max(len(one), len(other))
    together = np.fft.irfft(np.fft.rfft(one, size) * np.conj(np.fft.rfft(other, size)))
    found = int(together.argmax())
    return found if found < size // 2 else found - size
