"""Reading and writing one audio file."""

from __future__ import annotations

import os
import re
import secrets
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import soundfile
import torch
from torch import Tensor

from megami.audio.kinds import PYAV_SUFFIXES, suffix_of
from megami.audio.mp3 import ENCODER_DELAY, read_mp3_stream
from megami.audio.multitrack import check_finite
from megami.audio.pyav import read_with_pyav
from megami.audio.rate import SAMPLE_RATE, check_length, check_rate
from megami.audio.riff import read_wav_chunks
from megami.audio.scale import LOUDEST_FLOAT
from megami.errors import UserError, warn_of_song

WRITABLE_FORMATS = {".wav": "WAV", ".flac": "FLAC"}
LARGEST_LENGTH = 2**40  # libsndfile's "length not stated" is far above
STREAMED_SIZE = 0x7FFFFFFF  # a chunk of this size or more was written to a pipe, its true size unknown
MP3_TOLERANCE = 0.01  # encoders disagree about the frames of padding
OGG_CUT = ("lacks an end-of-stream", "Junk after the last page")  # half a page at the end, or no last page
DELAY_WORDS = "does not state the delay of its encoder, so it may be out of step by some hundredths of a second"


@dataclass(frozen=True)
class AudioFile:
    """A file that was read: audio [channels, samples] of full scale ±1, its sample rate in Hz, and what was odd.

    start_seconds: since midnight, where the file says when it was recorded. oddities: lines that name the file.
    """

    audio: Tensor
    sample_rate: int
    oddities: tuple[str, ...] = ()
    start_seconds: Fraction | None = None


def read_audio(path: str | Path) -> tuple[Tensor, int]:
    """Read an audio file as (float32 [channels, samples], sample rate in Hz), full scale ±1; see `read_audio_file`."""
    file = read_audio_file(path)
    warn_of_song(file.oddities)
    return file.audio, file.sample_rate


def read_audio_file(path: str | Path) -> AudioFile:
    """Read a WAV, FLAC, OGG, MP3, AIFF, CAF or AU file, or what PyAV reads.

    All audio that is there is read: also of a WAV whose header was never finished, and of an MP3 that does not state
    its length. Raises UserError, naming the file, where it does not exist, is not audio, is cut off, has no samples, or
    has NaN or infinite samples.
    """
    path = Path(path)
    _check_exists(path)
    try:
        file = _read_with_pyav(path) if suffix_of(path) in PYAV_SUFFIXES else _read_with_libsndfile(path)
    except (soundfile.SoundFileError, OSError, ValueError, TypeError, RuntimeError, MemoryError) as error:
        reason = " ".join(str(error).split()).rsplit(": ", 1)[-1].rstrip(".")
        raise UserError(f"{path}: cannot be read as audio ({reason}); damaged, cut off, or not an audio file") from None
    check_finite(file.audio, str(path))
    return file


def _read_with_pyav(path: Path) -> AudioFile:
    """Read a file that libsndfile does not know."""
    audio, rate, delay_stated = read_with_pyav(path)
    return AudioFile(audio, rate, () if delay_stated else (f"{path.name}: {DELAY_WORDS}",))


def _read_with_libsndfile(path: Path) -> AudioFile:
    """Read a file, with the length that it should state where it is a WAV or an MP3 that states a wrong one."""
    wav = read_wav_chunks(path)
    if wav is not None and wav.holds_floats:
        raise UserError(
            f"{path}: holds floats (16.8, of Cool Edit or old Audition) where its header says whole numbers: "
            "export it again as 24 bit or as 32 bit float"
        )
    unfinished = wav is not None and wav.unfinished
    with ExitStack() as stack:
        source = stack.enter_context(wav.finished(as_given(path))) if wav and unfinished else as_given(path)
        file = stack.enter_context(soundfile.SoundFile(source))
        rate = int(file.samplerate)
        if file.format == "MP3":
            return _read_mp3(file, path)
        samples = _read_all(file, path)
    oddities: tuple[str, ...] = ()
    if wav and unfinished:
        stated, found = wav.data_size / wav.bytes_per_second, wav.found_size / wav.bytes_per_second
        said = f"{path.name}: its header says {stated:.1f} s, but {found:.1f} s of audio lie in the file"
        oddities = (f"{said}, as when a recorder loses power: all of it is read",)
    if len(samples) and (peak := float(np.abs(samples).max())) > LOUDEST_FLOAT:
        oddities += (
            f"{path.name}: its peak is {peak:.3g} times full scale: its samples may be of another scale than ±1",
        )
    start = None if wav is None or wav.time_reference is None else Fraction(wav.time_reference, rate)
    return AudioFile(_as_tensor(samples), rate, oddities, start)


def _read_mp3(file: soundfile.SoundFile, path: Path) -> AudioFile:
    """Read an MP3 to its end, and from where its sound begins, as far as that is known."""
    stream = read_mp3_stream(path)
    if stream is not None and stream.states_too_little:
        with soundfile.SoundFile(stream.with_true_length()) as whole:
            samples = _read_all(whole, path)
    else:
        samples = _read_all(file, path)
    if stream is None or (stream.delay is not None and not stream.states_too_little):
        return AudioFile(_as_tensor(samples), file.samplerate)  # libsndfile took the delay off, where it is stated
    oddities: tuple[str, ...] = ()
    if stream.delay is None:
        usual = f"{1000 * ENCODER_DELAY / file.samplerate:.0f} ms were taken off its start, as is usual"
        oddities = (f"{path.name}: {DELAY_WORDS}; {usual}",)
    elif stream.frames > (stream.stated_frames or 0) + 1:  # encoders disagree about one
        stated, found = ((number or 0) * stream.seconds_per_frame for number in (stream.stated_frames, stream.frames))
        oddities = (f"{path.name}: its tag says {stated:.1f} s, but {found:.1f} s lie in the file: all of it is read",)
    start = ENCODER_DELAY if stream.delay is None else stream.delay
    return AudioFile(_as_tensor(samples[min(start, len(samples) - 1) :]), file.samplerate, oddities)


def _as_tensor(samples: np.ndarray) -> Tensor:
    """[samples, channels] as a tensor [channels, samples]."""
    return torch.from_numpy(np.ascontiguousarray(samples.T))


def _read_all(file: soundfile.SoundFile, path: Path) -> np.ndarray:
    """All samples [samples, channels] of an open file. Raises UserError for lengths and scales that cannot be."""
    _check_length(file, path)
    samples = file.read(dtype="float32", always_2d=True)
    _check_complete(file, len(samples), path)
    return samples


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
    temporary = path.with_name(f".{secrets.token_hex(8)}.part")  # not with the name, which may be as long as can be
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(as_given(temporary), samples.numpy().T, sample_rate, subtype=subtype, format=audio_format)
        os.replace(temporary, path)
    except (OSError, soundfile.SoundFileError) as error:
        reason = getattr(error, "strerror", None) or "the file cannot be opened or the disk is full"
        raise UserError(f"{path}: cannot be written ({reason}); choose another folder") from None
    finally:
        _remove(temporary)
    return path


def as_given(path: Path) -> bytes | str:
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
    check_rate(file.samplerate, str(path))
    check_length(file.frames, file.samplerate, str(path))


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
