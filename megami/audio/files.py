"""Reading and writing one audio file."""

from __future__ import annotations

import os
import re
import secrets
from pathlib import Path

import numpy as np
import soundfile
import torch
from torch import Tensor

from megami.audio.multitrack import check_finite
from megami.audio.rate import SAMPLE_RATE
from megami.errors import UserError

AUDIO_SUFFIXES = (".wav", ".wave", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".aifc")
WRITABLE_FORMATS = {".wav": "WAV", ".flac": "FLAC"}
LARGEST_LENGTH = 2**40  # libsndfile's "length not stated" is far above
STREAMED_SIZE = 0x7FFFFFFF  # a chunk of this size or more was written to a pipe, its true size unknown
MP3_TOLERANCE = 0.01  # encoders disagree about the frames of padding
OGG_CUT = ("lacks an end-of-stream", "Junk after the last page")  # half a page at the end, or no last page


def read_audio(path: str | Path) -> tuple[Tensor, int]:
    """Read a WAV, FLAC, OGG, MP3 or AIFF file as (float32 [channels, samples], sample rate in Hz), full scale ±1.

    Raises UserError, naming the file, where it does not exist, is not audio, is cut off, has no samples, or has NaN or
    infinite samples.
    """
    path = Path(path)
    _check_exists(path)
    try:
        with soundfile.SoundFile(_as_given(path)) as file:
            _check_length(file, path)
            samples, rate = file.read(dtype="float32", always_2d=True), int(file.samplerate)
            _check_complete(file, len(samples), path)
    except (soundfile.SoundFileError, OSError, ValueError, TypeError, RuntimeError, MemoryError) as error:
        reason = " ".join(str(error).split()).rsplit(": ", 1)[-1].rstrip(".")
        raise UserError(f"{path}: cannot be read as audio ({reason}); damaged, cut off, or not an audio file") from None
    audio = torch.from_numpy(np.ascontiguousarray(samples.T))
    check_finite(audio, str(path))
    return audio, rate


def write_audio(path: str | Path, audio: Tensor, sample_rate: int = SAMPLE_RATE, subtype: str = "PCM_24") -> Path:
    """Write [channels, samples] or [samples] as WAV or FLAC, chosen by the suffix; return the path.

    Whole or not at all: written beside the target, then moved over it; missing folders are made. Values beyond ±1 are
    clipped by the PCM subtypes. Raises UserError for another suffix, a subtype that the format lacks, samples that are
    not finite, or a place that cannot be written.
    """
    path = Path(path)
    audio_format = WRITABLE_FORMATS.get(path.suffix.lower())
    if audio_format is None:
        raise UserError(f"{path}: can only write {' or '.join(WRITABLE_FORMATS)} files")
    if not soundfile.check_format(audio_format, subtype):
        raise UserError(f"{path}: {audio_format} has no subtype {subtype!r}: use PCM_16 or PCM_24")
    samples = torch.atleast_2d(torch.as_tensor(audio).detach().cpu().float())
    check_finite(samples, f"the audio for {path}")
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(_as_given(temporary), samples.numpy().T, sample_rate, subtype=subtype, format=audio_format)
        os.replace(temporary, path)
    except (OSError, soundfile.SoundFileError) as error:
        reason = getattr(error, "strerror", None) or "the file cannot be opened or the disk is full"
        raise UserError(f"{path}: cannot be written ({reason}); choose another folder") from None
    finally:
        _remove(temporary)
    return path


def _as_given(path: Path) -> bytes | str:
    """The path's own bytes: soundfile refuses names that are not valid text, which Linux allows."""
    return os.fsencode(path) if os.name == "posix" else str(path)


def _remove(path: Path) -> None:
    """Delete a file if it is there and its folder lets us."""
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return


def _check_exists(path: Path) -> None:
    try:
        if path.is_dir():
            raise UserError(f"{path}: is a folder, not an audio file")
        if not path.exists():
            raise UserError(f"{path}: no such file")
        if path.stat().st_size == 0:
            raise UserError(f"{path}: is empty (0 bytes)")
    except OSError as error:
        raise UserError(f"{path}: cannot be opened ({error.strerror})") from None


def _check_length(file: soundfile.SoundFile, path: Path) -> None:
    if file.frames > LARGEST_LENGTH:
        raise UserError(f"{path}: does not state its length (it was streamed); convert it to WAV first")
    if file.frames == 0:
        raise UserError(f"{path}: has no samples")


def _check_complete(file: soundfile.SoundFile, frames_read: int, path: Path) -> None:
    """Compare what was read with what the header promises; libsndfile itself shortens a cut-off file silently."""
    tolerated = int(MP3_TOLERANCE * file.frames) if file.format == "MP3" else 0
    missing_bytes = max(
        (
            int(stated) - int(found)
            for stated, found in re.findall(r"(?:data|SSND|Riff size)\s*: (\d+) \(should be (\d+)\)", file.extra_info)
            if int(stated) < STREAMED_SIZE
        ),
        default=0,
    )
    half_page = file.format == "OGG" and any(words in file.extra_info for words in OGG_CUT)
    if frames_read < file.frames - tolerated or missing_bytes > 16 or half_page:
        raise UserError(f"{path}: is cut off (its end is missing); export or copy it again")
