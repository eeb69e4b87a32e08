"""Constant offsets (DC) of recordings: nobody hears them, so they are no level; where they would count, they go."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import Tensor

from megami.audio.large import large_map
from megami.audio.level import FRAME_S
from megami.audio.multitrack import Multitrack

LARGEST_SHARE = 0.1  # of the power of the loudest 400 ms, which an offset may be without being removed (0.5 dB)
HIGH_PASS_HZ = 5.0
REST_S = 0.1  # of exact zeros: sound ends before it and begins anew after it, and neither rings into it


def without_offset(song: Multitrack) -> tuple[Multitrack, list[str]]:
    """Give a song without offsets that would count as level, and a line about each track that had one.

    A channel is high-passed, without delay, where its loudest 400 ms would be more than 0.5 dB quieter without what is
    constant in them; all others stay as they are, sample for sample.
    """
    audio, lines = song.audio, []
    for index, (name, track) in enumerate(zip(song.names, song.audio, strict=True)):
        shifted = has_offset(track, song.sample_rate)
        if not bool(shifted.any()):
            continue
        audio = large_map(torch.clone, audio) if audio is song.audio else audio
        audio[index, shifted] = high_pass(track[shifted], song.sample_rate)
        offset = float(track.mean(dim=-1).abs().max())
        lines.append(f"track {name!r} has a constant offset (DC) of {offset:.4f}, which is no sound: it was removed")
    return (replace(song, audio=audio), lines) if lines else (song, [])


def has_offset(track: Tensor, sample_rate: int) -> Tensor:
    """Which channels of [channels, samples] would be more than 0.5 dB quieter without what is constant in them.

    Judged by frames of 400 ms, next to each other; what is shorter may be a part of a slow wave. True or false for each
    channel [channels].
    """
    frame = int(FRAME_S * sample_rate)
    if track.shape[-1] < frame:
        return torch.zeros(len(track), dtype=torch.bool)
    frames = track[:, : track.shape[-1] // frame * frame].unflatten(-1, (-1, frame))
    power, constant = frames.square().mean(dim=-1), frames.mean(dim=-1).square()
    return (power - constant).amax(dim=-1) < (1.0 - LARGEST_SHARE) * power.amax(dim=-1)


def high_pass(track: Tensor, sample_rate: int) -> Tensor:
    """Take away what lies below 5 Hz, without delay: [channels, samples] -> the same shape.

    Each stretch of sound between rests is continued by its own mirror image at both ends, so that an offset that begins
    or ends with it leaves no thump there. Rests stay as they are.
    """
    from scipy.signal import butter, sosfiltfilt  # here, because it takes long to import

    sections = butter(2, HIGH_PASS_HZ, "highpass", fs=sample_rate, output="sos")
    out = track.double()
    for start, end in sounding(track, int(REST_S * sample_rate)):
        stretch = out[:, start:end] - out[:, start:end].mean(dim=-1, keepdim=True)
        if end - start > 1:
            ends = min(int(sample_rate / HIGH_PASS_HZ), end - start - 1)
            filtered = sosfiltfilt(sections, stretch.numpy(), axis=-1, padtype="even", padlen=ends)
            stretch = torch.from_numpy(filtered.copy())
        out[:, start:end] = stretch
    return out.to(track)


def sounding(track: Tensor, rest: int) -> Iterator[tuple[int, int]]:
    """First sample, and the one after the last, of stretches without `rest` zeros in a row: of [channels, samples]."""
    places = torch.nonzero((track != 0).any(dim=0))[:, 0]
    if not len(places):
        return
    gaps = torch.nonzero(places.diff() > rest)[:, 0]
    starts = [0, *(gaps + 1).tolist()]
    for first, last in zip(starts, [*gaps.tolist(), len(places) - 1], strict=True):
        yield int(places[first]), int(places[last]) + 1
