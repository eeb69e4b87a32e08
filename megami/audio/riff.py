"""The chunks of a WAV file: where its audio lies, when it was recorded, and whether its header was ever finished."""

from __future__ import annotations

import io
import os
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

IDS = (b"RIFF", b"RF64", b"BW64")
PCM, EXTENSIBLE = 1, 0xFFFE
NOT_STATED = 0x7FFFFFFF  # a size of this or more was written to a pipe, or stands in another chunk
BEXT_TIME = 338  # bytes of the bext chunk before its TimeReference
LEAST_SHARE_OF_SECOND = 0.1  # what follows the audio and is shorter is some tag, no audio


@dataclass(frozen=True)
class Wav:
    """What the chunks of a WAV file say.

    data_start, data_size: the audio in bytes as the header states it; found_size: what lies in the file, which is more
    where the header was written before the audio and never finished. bytes_per_second: of audio. time_reference: the
    first sample since midnight, of broadcast WAVs (EBU Tech 3285). holds_floats: whether floats lie where the header
    says whole numbers, as Cool Edit wrote them (scaled to 32768, "16.8").
    """

    data_start: int
    data_size: int
    found_size: int
    bytes_per_second: int
    time_reference: int | None
    holds_floats: bool = False

    @property
    def unfinished(self) -> bool:
        """Whether there is more audio than the header says."""
        return self.found_size > self.data_size

    def finished(self, path: bytes | str) -> BinaryIO:
        """The file, opened, with the header that it should have."""
        data = min(self.found_size, 0xFFFFFFFF)
        riff = min(self.data_start - 8 + self.found_size, 0xFFFFFFFF)
        return _Patched(path, {4: riff.to_bytes(4, "little"), self.data_start - 4: data.to_bytes(4, "little")})


def read_wav_chunks(path: Path) -> Wav | None:
    """Read the chunks of a WAV file; None where it is none, or has no audio chunk. Raises OSError."""
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        head = file.read(12)
        if head[:4] not in IDS or head[8:] != b"WAVE":
            return None
        chunks: dict[bytes, bytes] = {}
        at = 12
        while (chunk := _chunk_at(file, at)) is not None:
            name, stated = chunk
            if name == b"data":
                break
            chunks[name] = file.read(min(stated, 1024))
            at += 8 + stated + stated % 2
        else:
            return None
        fmt = chunks.get(b"fmt ", b"")
        bytes_per_second, block = int.from_bytes(fmt[8:12], "little"), int.from_bytes(fmt[12:14], "little")
        if not bytes_per_second or not block:
            return None
        start = at + 8
        found = stated
        if stated < NOT_STATED and _is_audio_after(file, start + stated, size, bytes_per_second, stated):
            found = (size - start) // block * block
        floats = _says_32_bit_whole_numbers(fmt) and _looks_like_floats(file, start, size)
        return Wav(start, stated, found, bytes_per_second, _time_reference(chunks.get(b"bext", b"")), floats)


def _chunk_at(file: BinaryIO, at: int) -> tuple[bytes, int] | None:
    """Name and stated size of the chunk that begins here."""
    file.seek(at)
    head = file.read(8)
    return (head[:4], int.from_bytes(head[4:], "little")) if len(head) == 8 else None


def _is_audio_after(file: BinaryIO, end: int, size: int, bytes_per_second: int, stated: int) -> bool:
    """Whether audio goes on where the header says that it ends: neither chunks, nor zeros, nor a short tag."""
    rest = size - end
    if rest < (LEAST_SHARE_OF_SECOND * bytes_per_second if stated else 16):
        return False
    for at in {end, end + end % 2}:
        chunk = _chunk_at(file, at)
        if chunk is not None and all(32 <= byte < 127 for byte in chunk[0]) and at + 8 + chunk[1] <= size + 1:
            return False
    file.seek(end)
    while block := file.read(1 << 16):
        if any(block):
            return True
    return False


def _says_32_bit_whole_numbers(fmt: bytes) -> bool:
    """Whether a format chunk says PCM in blocks of four bytes for each channel."""
    tag, channels = (int.from_bytes(fmt[at : at + 2], "little") for at in (0, 2))
    if tag == EXTENSIBLE:
        tag = int.from_bytes(fmt[24:26], "little")
    return tag == PCM and int.from_bytes(fmt[12:14], "little") == 4 * channels


def _looks_like_floats(file: BinaryIO, start: int, end: int) -> bool:
    """Whether the audio makes sense as floats: as such, whole numbers are not numbers, or next to nothing."""
    some = []
    for share in (0.0, 0.25, 0.5, 0.75):
        file.seek(start + int(share * (end - start)) // 4 * 4)
        content = file.read(1 << 16)
        some.append(np.frombuffer(content[: len(content) // 4 * 4], "<f4"))
    floats = np.concatenate(some)
    sizes = np.abs(floats[floats != 0])
    return len(sizes) > 0 and float(np.mean((sizes > 1e-9) & (sizes < 1e6))) > 0.99


def _time_reference(bext: bytes) -> int | None:
    """The first sample since midnight that a bext chunk states."""
    stated = bext[BEXT_TIME : BEXT_TIME + 8]
    return int.from_bytes(stated, "little") if len(stated) == 8 else None


class _Patched(io.FileIO):
    """A file that is read as if other bytes stood at some places."""

    def __init__(self, path: bytes | str, patches: dict[int, bytes]) -> None:
        super().__init__(path)
        self.patches = patches

    def readinto(self, buffer) -> int:
        """Read as a file does, then put the other bytes where they belong."""
        start, view = self.tell(), memoryview(buffer).cast("B")
        count = super().readinto(view) or 0
        for place, content in self.patches.items():
            for at, byte in enumerate(content, place - start):
                if 0 <= at < count:
                    view[at] = byte
        return count
