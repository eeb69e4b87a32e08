"""Random folders as people have them, and worse: audio of many kinds, whole and damaged, odd names, links, nesting."""

from __future__ import annotations

import io
import os
import random
import unicodedata
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile

FORMATS = {
    "wav": ("WAV", ("PCM_16", "PCM_24", "PCM_32", "PCM_U8", "FLOAT", "DOUBLE", "ULAW", "IMA_ADPCM")),
    "flac": ("FLAC", ("PCM_16", "PCM_24")),
    "ogg": ("OGG", ("VORBIS",)),
    "mp3": ("MP3", ("MPEG_LAYER_III",)),
    "aiff": ("AIFF", ("PCM_16", "PCM_24", "FLOAT")),
    "caf": ("CAF", ("PCM_16", "FLOAT")),
    "w64": ("W64", ("PCM_16", "FLOAT")),
    "rf64": ("RF64", ("PCM_16", "FLOAT")),
    "au": ("AU", ("PCM_16", "FLOAT")),
}
RATES = (8000, 11025, 16000, 44100, 44100, 44100, 48000)
NAMES = (
    "bass", "Lead Vocal", "kick.in", "ou\u0301", "o\u00fa", "日本語", "🎸 solo", "a\nb", "tab\there", "-rf",
    "--out", "'quoted'", '"', "x" * 240, "ü" * 120, "mix_1", "index", "mixes", "Rough Mix", "click", "pad.L", "pad.R",
    "snare_L", "snare_R", "KICK", "kick", "Kick ", " bass", ".hidden", "", "...", "con", "%s", "{}", "\\", "a;b&c|d",
)  # fmt: skip
SUFFIXES = (
    "",
    ".txt",
    ".WAV",
    ".Wav",
    ".wav ",
    ".m4a",
    ".asd",
    ".wav.icloud",
    ".aup3",
    ".mid",
    ".mp3",
    ".flac",
    ".zip",
)


class RandomFolder:
    """Makes the folder of a seed; the same seed makes the same folder."""

    def __init__(self, root: Path, seed: int) -> None:
        self.root, self.random, self.numbers = root, random.Random(seed), np.random.default_rng(seed)
        self.made: list[str] = []  # what there is, in words, for whoever looks for a fault
        root.mkdir(parents=True)
        for _ in range(self.random.choice((0, 1, 1, 2, 3, 3, 4, 6))):
            self.add(root)

    def add(self, folder: Path) -> None:
        """Add one thing, if the disk has such names."""
        draw = self.random.random()
        makers = ((0.55, self.audio), (0.75, self.damaged), (0.82, self.rubbish), (0.9, self.link), (1.0, self.nested))
        make = next(make for share, make in makers if draw < share)
        try:
            make(folder)
        except (OSError, ValueError, AssertionError, soundfile.SoundFileError) as error:
            self.made.append(f"nothing: the disk has no such name, or libsndfile no such file ({error})")

    def path(self, folder: Path, suffix: str) -> Path:
        name = self.random.choice(NAMES)
        if self.random.random() < 0.2:
            name = unicodedata.normalize("NFD", name)
        if self.random.random() < 0.15:
            suffix = self.random.choice(SUFFIXES)
        if self.random.random() < 0.05 and os.name == "posix":
            return folder / os.fsdecode(b"\xff\xfe" + os.fsencode(name[:100] + suffix))
        return folder / (name + suffix)

    def signal(self, frames: int, channels: int, rate: int) -> np.ndarray:
        time = np.arange(frames)[:, None] / rate
        noise = self.numbers.uniform(-0.3, 0.3, (frames, channels))
        kinds: dict[str, Callable[[], np.ndarray]] = {
            "noise": lambda: noise,
            "tone": lambda: 0.3 * np.sin(2 * np.pi * 220 * time) * np.ones(channels),
            "silence": lambda: 0 * noise,
            "quiet": lambda: 1e-4 * noise,
            "DC": lambda: 0 * noise + 0.5,
            "clicks": lambda: (np.arange(frames)[:, None] % 1000 == 0) * np.ones(channels),
            "inverted": lambda: noise[:, :1] * np.array([1.0, -1.0] * 4)[:channels],
            "one side": lambda: noise * np.arange(channels),
            "not finite": lambda: np.where(noise > 0.29, self.random.choice((np.nan, np.inf)), noise),
            "huge": lambda: noise * self.random.choice((50.0, 1e6, 1e15, 3e38)),
        }
        weights = [6, 6, 1, 1, 1, 1, 1, 1, 1, 1]
        (kind,) = self.random.choices(list(kinds), weights)
        self.made.append(f"{frames} x {channels} of {kind} at {rate} Hz")
        return kinds[kind]()

    def content(self) -> tuple[bytes, str]:
        """The bytes of an audio file, and their true suffix."""
        suffix = self.random.choice((*FORMATS, "wav", "wav", "flac"))
        name, subtypes = FORMATS[suffix]
        rate = self.random.choice(RATES if suffix in ("ogg", "mp3") else (*RATES, 2000, 44056, 96000, 192000))
        if suffix in ("ogg", "mp3"):
            rate = 44100
        frames = round(rate * self.random.choice((0, 0.00005, 0.01, 0.1, 0.1, 0.3, 0.3, 0.3)))
        channels = self.random.choice((1, 1, 1, 2, 2, 2, 2, 6 if suffix != "mp3" else 2))
        file = io.BytesIO()
        audio, subtype = self.signal(frames, channels, rate), self.random.choice(subtypes)
        if suffix in ("ogg", "mp3") or subtype in ("ULAW", "ALAW"):
            # Their encoders end the process over such numbers, and a decoder never gives them.
            audio = np.clip(np.nan_to_num(audio), -1.0, 1.0)
        soundfile.write(file, audio, rate, format=name, subtype=subtype)
        return file.getvalue(), f".{suffix}"

    def audio(self, folder: Path) -> None:
        content, suffix = self.content()
        path = self.path(folder, suffix)
        path.write_bytes(content)
        self.made.append(f"{path.name!r}: {len(content)} bytes")

    def damaged(self, folder: Path) -> None:
        content, suffix = self.content()
        data, draw = bytearray(content), self.random
        kind = draw.choice(("cut", "cut early", "flip", "flip header", "zeros", "more", "twice", "sizes", "rate"))
        if kind == "cut":
            del data[draw.randrange(len(data)) :]
        elif kind == "cut early":
            del data[draw.randrange(100) :]
        elif kind in ("flip", "flip header"):
            for _ in range(draw.randint(1, 8)):
                data[draw.randrange(min(len(data), 60 if kind == "flip header" else len(data)))] ^= 1 << draw.randrange(
                    8
                )
        elif kind == "zeros":
            start = draw.randrange(len(data))
            data[start : start + 200] = bytes(len(data[start : start + 200]))
        elif kind == "more":
            data += draw.randbytes(draw.randint(1, 3000))
        elif kind == "twice":
            data = data + data
        elif kind == "sizes":
            data[4:8] = draw.choice((bytes(4), b"\xff" * 4, draw.randbytes(4)))
            data[40:44] = draw.choice((bytes(4), b"\xff" * 4, draw.randbytes(4)))
        else:
            data[24:28] = draw.choice((1, 0, 16_821_316, 2**32 - 1, 44101)).to_bytes(4, "little")
        path = self.path(folder, suffix)
        path.write_bytes(data)
        self.made.append(f"{path.name!r}: {kind}, {len(data)} bytes")

    def rubbish(self, folder: Path) -> None:
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as file:
            file.writestr("bass.wav", self.content()[0])
        kinds = (b"", b"\0", self.random.randbytes(3000), b"<!DOCTYPE html><html></html>", b"notes", archive.getvalue())
        path = self.path(folder, self.random.choice((".wav", ".flac", ".mp3", ".ogg", ".aif", ".m4a", ".zip", "")))
        path.write_bytes(self.random.choice(kinds))
        self.made.append(f"{path.name!r}: rubbish")

    def link(self, folder: Path) -> None:
        there = [path for path in sorted(self.root.rglob("*")) if path.is_file()]
        targets = [Path("nowhere.wav"), folder, Path("/dev/null"), *(there[:3])]
        path = self.path(folder, ".wav")
        if self.random.random() < 0.15 and hasattr(os, "mkfifo"):
            os.mkfifo(path)  # nobody will ever write to it
        elif self.random.random() < 0.2:
            path.symlink_to(path.name)  # to itself
        else:
            path.symlink_to(self.random.choice(targets))
        self.made.append(f"{path.name!r}: a link or a pipe")

    def nested(self, folder: Path) -> None:
        name = self.random.choice(
            ("Stems", "song_STEMS", "song_RAW", "Audio Files", ".Trash-1000", "bass.wav", "drums")
        )
        inner = folder / name
        inner.mkdir()
        self.made.append(f"{name!r}: a folder")
        if len(inner.parts) - len(self.root.parts) < 3:
            for _ in range(self.random.randint(0, 3)):
                self.add(inner)
