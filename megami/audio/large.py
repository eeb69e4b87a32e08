"""Large arrays that need not fit into memory: they live in a temporary file, of which the system keeps what is used."""

from __future__ import annotations

import math
import mmap
import os
import tempfile
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import IO, TypeVar

import numpy as np
import torch
from torch import Tensor

T = TypeVar("T")

LARGE_BYTES = 192_000_000  # smaller arrays stay in memory: six mono tracks of three minutes
FOLDER_VARIABLE = "MEGAMI_TEMP"
LASTING_TEMPORARY = Path("/var/tmp")  # /tmp is often kept in memory, which would gain nothing


def large_zeros(*shape: int, like: Tensor | None = None) -> Tensor:
    """Zeros like `torch.zeros(*shape)`, in a temporary file where they are many (from 192 MB on).

    With `like`, of its kind and on its device; only single precision on the CPU is ever kept in a file.

    The file has no name that others see, and goes when the last tensor that shares its samples does. It lies in the
    folder that the environment variable MEGAMI_TEMP names, else in /var/tmp where there is one, else where Python keeps
    temporary files. Where there is no room for it, the array is an ordinary one.
    """
    if like is not None and (like.dtype != torch.float32 or like.device.type != "cpu"):
        return like.new_zeros(*shape)
    return torch.zeros(*shape) if 4 * math.prod(shape) < LARGE_BYTES else _zeros_in_file(shape)


def large_map(function: Callable[[T], Tensor], tracks: Collection[T]) -> Tensor:
    """What a function makes of each track, stacked and kept as `large_zeros` are; one at a time is in memory."""
    first, *rest = tracks
    result = function(first)
    out = large_zeros(len(tracks), *result.shape, like=result)
    out[0] = result
    for place, track in zip(out[1:], rest, strict=True):
        place[...] = function(track)
    return out


def kept_large(audio: Tensor, among: int = 1) -> Tensor:
    """The same samples of a float tensor, in a temporary file where `among` such arrays together would be large."""
    if among * 4 * audio.numel() < LARGE_BYTES:
        return audio
    return _zeros_in_file(audio.shape).copy_(audio)


def _zeros_in_file(shape: Sequence[int]) -> Tensor:
    size = 4 * math.prod(shape)
    try:
        with tempfile.TemporaryFile(dir=_folder()) as file:
            _reserve(file, size)
            mapped = mmap.mmap(file.fileno(), size)  # keeps the file for as long as it is used itself
    except OSError:
        return torch.zeros(*shape)
    return torch.from_numpy(np.frombuffer(mapped, dtype=np.float32).reshape(tuple(shape)))


def _folder() -> str | None:
    """Where large temporary files go; None leaves it to Python."""
    named = os.environ.get(FOLDER_VARIABLE)
    if named:
        return named
    return str(LASTING_TEMPORARY) if os.access(LASTING_TEMPORARY, os.W_OK) else None


def _reserve(file: IO[bytes], size: int) -> None:
    """Make a file that large, with its place on the disk.

    A file that has no place yet would end the process when the disk is full, at the first sample that does not fit.
    """
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file.fileno(), 0, size)
        return
    zeros = bytes(2**20)
    for start in range(0, size, len(zeros)):
        file.write(zeros[: size - start])
    file.flush()
