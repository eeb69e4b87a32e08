"""Reading a track of a data set, whole or a part of it, at one sample rate."""

from __future__ import annotations

import math
from pathlib import Path

import soundfile
import torch
from torch import Tensor
from torch.nn.functional import pad

from megami.audio import SAMPLE_RATE
from megami.audio.files import as_given, read_audio_file
from megami.audio.multitrack import check_finite
from megami.audio.resampling import WIDTH, resample
from megami.audio.riff import read_wav_chunks
from megami.corpus.recordings.songs import TrackFile
from megami.errors import UserError

SEEKABLE = (".wav", ".wave", ".flac", ".aif", ".aiff", ".w64", ".rf64")
"""Formats in which a part is read without what lies before it."""


def read_track(
    track: TrackFile | Path, start_s: float = 0.0, seconds: float | None = None, sample_rate: int = SAMPLE_RATE
) -> Tensor:
    """Read a track as float32 [1 or 2, samples], as many channels as are stored, full scale ±1.

    start_s, seconds: the part that is read, round(seconds * sample_rate) samples from the sample that `start_s` is
    nearest to; None reads to the end. Past the end is silence, so that tracks of one song read alike can be added. A
    part equals the same part of the whole track, also where the rate is converted. Raises UserError, naming the file,
    where it cannot be read or has more than two channels, and for a negative time.
    """
    path = track.path if isinstance(track, TrackFile) else Path(track)
    if start_s < 0 or (seconds is not None and seconds < 0):
        raise UserError(f"{path}: start and length must be 0 s or more, not {start_s:g} s and {seconds} s")
    first = round(start_s * sample_rate)
    count = None if seconds is None else round(seconds * sample_rate)
    audio = _part(path, first, count, sample_rate)
    if len(audio) > 2:
        raise UserError(f"{path}: has {len(audio)} channels; tracks of one or two are read: fold it first")
    return audio if count is None else pad(audio[:, :count], (0, max(0, count - audio.shape[1])))


def _part(path: Path, first: int, count: int | None, sample_rate: int) -> Tensor:
    """Samples from number `first` at `sample_rate`, at most `count` where it is given, fewer at the end."""
    if count is None or not _is_seekable(path):
        whole = read_audio_file(path)
        return resample(whole.audio, whole.sample_rate, sample_rate)[:, first:]
    try:
        with soundfile.SoundFile(as_given(path)) as file:
            rate = int(file.samplerate)
            # In blocks of so many samples both rates meet, so that a part falls on the whole track's grid.
            divisor = math.gcd(rate, sample_rate)
            stored, given = rate // divisor, sample_rate // divisor
            margin = 0 if rate == sample_rate else math.ceil(2 * WIDTH * max(rate, sample_rate) / sample_rate / stored)
            begin = max(0, first // given - margin)
            end = -(-(first + count) // given) + margin
            if begin * stored >= file.frames:
                return torch.zeros(file.channels, 0)
            file.seek(begin * stored)
            samples = file.read((end - begin) * stored, dtype="float32", always_2d=True)
    except (soundfile.SoundFileError, OSError, ValueError, RuntimeError) as error:
        reason = " ".join(str(error).split()).rsplit(": ", 1)[-1].rstrip(".")
        raise UserError(f"{path}: cannot be read as audio ({reason}); damaged, cut off, or not an audio file") from None
    audio = torch.from_numpy(samples.T.copy())
    check_finite(audio, str(path))
    return resample(audio, rate, sample_rate)[:, first - begin * given :]


def _is_seekable(path: Path) -> bool:
    """Whether a part can be read as it is: a format that seeks, with a header that tells its true length."""
    if path.suffix.lower() not in SEEKABLE or not path.is_file():
        return False
    try:
        wav = read_wav_chunks(path)
    except OSError:
        return False
    return wav is None or not (wav.unfinished or wav.holds_floats)
