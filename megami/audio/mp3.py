"""MP3 files that do not state their length or their encoder's delay."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

KBPS_1 = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
KBPS_2 = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
RATES_HZ = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}  # by MPEG version bits
SAME_STREAM = 0xFFFE0C00  # bits of the header that all frames of a stream share: sync, version, layer, rate
ENCODER_DELAY = 576  # samples that LAME, and many others, put before the sound; libsndfile takes off the decoder's own
LONGEST_JUNK = 1 << 16  # bytes between frames that are passed over


@dataclass(frozen=True)
class Mp3Stream:
    """The frames of an MP3 file.

    frames: of audio, without the tag frame; stated_frames: what the tag states, None without one; delay: samples that
    the encoder put before the sound, None where the tag does not say; seconds_per_frame: of audio.
    """

    frames: int
    stated_frames: int | None
    delay: int | None
    seconds_per_frame: float
    audio: bytes

    @property
    def states_too_little(self) -> bool:
        """Whether a decoder that trusts the tag, or guesses the length, leaves the end out."""
        return self.frames > (self.stated_frames or 0)

    def with_true_length(self) -> io.BytesIO:
        """The same audio behind a tag that states its true number of frames."""
        tag = _tag_frame(int.from_bytes(self.audio[:4], "big"), self.frames)
        return io.BytesIO(tag + self.audio)


def read_mp3_stream(path: Path) -> Mp3Stream | None:
    """The frames of an MPEG layer III file; None where it is none.

    Source: ISO/IEC 11172-3, 2.4.1.3 (header); the Xing and LAME tags (gabriel.mp3-tech.org/mp3infotag.html).
    """
    content = path.read_bytes()
    start = _after_id3(content)
    first = _next_frame(content, start, None)
    if first is None:
        return None
    length = _frame_length(content, first)
    is_tag, stated, delay = _read_tag(content[first : first + length])
    frames, parts = _walk(content, first + length if is_tag else first)
    if not frames:
        return None
    header = int.from_bytes(content[first : first + 4], "big")
    version = header >> 19 & 3
    seconds = (1152 if version == 3 else 576) / RATES_HZ[version][header >> 10 & 3]
    return Mp3Stream(frames, stated, delay, seconds, b"".join(parts))


def _after_id3(content: bytes) -> int:
    """Where an ID3v2 tag at the start ends; it may be repeated."""
    at = 0
    while content[at : at + 3] == b"ID3" and len(content) >= at + 10:
        size = 0
        for byte in content[at + 6 : at + 10]:
            size = size << 7 | byte & 0x7F
        at += 10 + size
    return at


def _walk(content: bytes, at: int) -> tuple[int, list[bytes]]:
    """Count the whole frames from a place on, and give their bytes."""
    frames, parts, kind = 0, [], None
    while (found := _next_frame(content, at, kind)) is not None:
        length = _frame_length(content, found)
        if found + length > len(content):
            break  # the last one is cut off
        kind = int.from_bytes(content[found : found + 4], "big") & SAME_STREAM
        parts.append(content[found : found + length])
        frames, at = frames + 1, found + length
    return frames, parts


def _next_frame(content: bytes, at: int, kind: int | None) -> int | None:
    """The next place where a frame begins, of the same kind as those before."""
    for place in range(at, min(at + LONGEST_JUNK, len(content) - 3)):
        if content[place] != 0xFF:
            continue
        length = _frame_length(content, place)
        same = kind is None or int.from_bytes(content[place : place + 4], "big") & SAME_STREAM == kind
        if not length or not same:
            continue
        after = place + length
        # Where nothing is known yet, or something lies between, one header is too little evidence.
        if (place == at and kind is not None) or after >= len(content) - 3 or _frame_length(content, after):
            return place
    return None


def _frame_length(content: bytes, at: int) -> int:
    """Bytes of the layer III frame whose header is here; 0 where there is none."""
    header = int.from_bytes(content[at : at + 4], "big")
    version, layer = header >> 19 & 3, header >> 17 & 3
    bitrate, rate, padding = header >> 12 & 15, header >> 10 & 3, header >> 9 & 1
    if header >> 21 != 0x7FF or layer != 1 or version == 1 or rate == 3 or bitrate in (0, 15):
        return 0
    kbps = (KBPS_1 if version == 3 else KBPS_2)[bitrate]
    return (144 if version == 3 else 72) * kbps * 1000 // RATES_HZ[version][rate] + padding


def _side_information(header: int) -> int:
    """Bytes between the header of a frame and its data, in which a tag lies."""
    mono = header >> 6 & 3 == 3
    return (17 if mono else 32) if header >> 19 & 3 == 3 else (9 if mono else 17)


def _read_tag(frame: bytes) -> tuple[bool, int | None, int | None]:
    """Whether a frame is a tag, and the number of frames and the delay that it states, None where it does not.

    A VBRI tag (of Fraunhofer's encoders) counts as one that states nothing: libsndfile does not read it.
    """
    at = 4 + _side_information(int.from_bytes(frame[:4], "big"))
    if frame[36:40] == b"VBRI":
        return True, None, None
    if frame[at : at + 4] not in (b"Xing", b"Info"):
        return False, None, None
    flags = int.from_bytes(frame[at + 4 : at + 8], "big")
    frames = int.from_bytes(frame[at + 8 : at + 12], "big") if flags & 1 else 0
    after = at + 8 + 4 * (flags & 1) + 4 * (flags >> 1 & 1) + 100 * (flags >> 2 & 1) + 4 * (flags >> 3 & 1)
    delays = frame[after + 21 : after + 24]  # twelve bits for each end
    return True, frames, int.from_bytes(delays[:2], "big") >> 4 if len(delays) == 3 and any(delays) else None


def _tag_frame(header: int, frames: int) -> bytes:
    """A frame without sound that states the number of frames, of the kind of `header` but large enough."""
    header = header & ~0x0001F200 | 1 << 16 | 9 << 12  # no checksum, no padding, 128 or 80 kbit/s
    length = _frame_length(header.to_bytes(4, "big"), 0)
    tag = bytes(_side_information(header)) + b"Xing" + (1).to_bytes(4, "big") + frames.to_bytes(4, "big")
    return (header.to_bytes(4, "big") + tag).ljust(length, b"\0")
