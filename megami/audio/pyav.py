"""Formats that libsndfile does not read, through PyAV (FFmpeg), where it is installed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from megami.audio.kinds import PYAV_HINT, suffix_of
from megami.errors import UserError

DELAY_NOT_STATED = (".aac", ".wma", ".ac3")  # FFmpeg is not told how much silence the encoder put first


def read_with_pyav(path: Path) -> tuple[Tensor, int]:
    """Read M4A, AAC, ALAC, WMA, WavPack and others as (float32 [channels, samples], sample rate in Hz), full scale ±1.

    Raises UserError where PyAV is missing, the file is damaged, or it does not hold exactly one audio stream.
    """
    try:
        import av
    except ImportError:
        raise UserError(f"{path}: reading {suffix_of(path)[1:].upper()} takes another package: {PYAV_HINT}") from None
    try:
        with path.open("rb") as file, av.open(file, "r") as container:
            streams = container.streams.audio
            if len(streams) != 1:
                held = f"{len(streams)} audio streams" if streams else "no audio"
                raise UserError(f"{path}: holds {held}, not one track: export each as a file of its own")
            rate = streams[0].rate
            planes = av.AudioResampler(format="fltp", rate=rate)
            frames = [part for frame in container.decode(streams[0]) for part in planes.resample(frame)]
            parts = [part.to_ndarray() for part in (*frames, *planes.resample(None))]
    except (av.FFmpegError, OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UserError(f"{path}: cannot be read as audio ({reason}); damaged, cut off, or not an audio file") from None
    if not parts:
        raise UserError(f"{path}: has no samples")
    return torch.from_numpy(np.ascontiguousarray(np.concatenate(parts, axis=1))), int(rate)
