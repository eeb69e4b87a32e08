"""Formats that libsndfile does not read, through PyAV (FFmpeg), where it is installed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from megami.audio.kinds import PYAV_HINT, suffix_of
from megami.audio.rate import check_length, check_rate
from megami.errors import UserError

LOSSLESS = ("alac", "ape", "flac", "tta", "wavpack", "wmalossless")


def read_with_pyav(path: Path) -> tuple[Tensor, int, bool]:
    """Read M4A, AAC, ALAC, WMA, WavPack and others as (float32 [channels, samples], sample rate in Hz, delay stated).

    Full scale is ±1. Whether the encoder's delay is stated: FFmpeg then takes it away. Raises UserError where PyAV is
    missing, the file is damaged, or it does not hold exactly one audio stream.
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
            if streams[0].codec_context is None:
                raise ValueError("of an unknown kind")
            rate, first_packet, frames = streams[0].rate, None, []
            check_rate(rate, str(path))
            check_length(container.duration or 0, 1_000_000, str(path))  # in microseconds
            for packet in container.demux(streams[0]):
                first_packet = packet.pts if first_packet is None else first_packet
                frames += packet.decode()
            planes = av.AudioResampler(format="fltp", rate=rate)
            starts = [frame.pts for frame in frames[:1]]
            parts = [part.to_ndarray() for frame in (*frames, None) for part in planes.resample(frame)]
            codec = streams[0].codec_context.name
            stated = codec in LOSSLESS or (codec == "aac" and starts != [first_packet])
    except (av.FFmpegError, OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UserError(f"{path}: cannot be read as audio ({reason}); damaged, cut off, or not an audio file") from None
    if not parts:
        raise UserError(f"{path}: has no samples")
    return torch.from_numpy(np.ascontiguousarray(np.concatenate(parts, axis=1))), int(rate), stated
