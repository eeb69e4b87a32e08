"""Recordings for a widget: checked, made alike and equally loud, compressed, with a small picture of each."""

from __future__ import annotations

import base64
import hashlib
import html
import math
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property

import torch

from megami.audio import SAMPLE_RATE, db_to_gain, resample
from megami.errors import UserError
from megami.notebook.compress import PAGE_RATES, compress
from megami.notebook.matching import Match, keep_balance, match_loudness
from megami.notebook.overview import overview
from megami.notebook.stores import Store

Item = tuple[str, torch.Tensor]


@dataclass(frozen=True)
class Recordings:
    """Recordings of one length and one loudness (or one balance), ready to be put into a page."""

    titles: tuple[str, ...]
    audios: tuple[torch.Tensor, ...]  # [channels, samples] each, as they are played
    sample_rate: int
    matches: tuple[Match, ...]
    bitrate_kbps: int

    @property
    def seconds(self) -> float:
        """How long each of them is."""
        return self.audios[0].shape[-1] / self.sample_rate

    @cached_property
    def compressed(self) -> tuple[bytes, ...]:
        """Each as a file; several are encoded side by side, because that is what a widget's making mostly waits for."""
        with ThreadPoolExecutor(torch.get_num_threads()) as threads:
            files = threads.map(lambda audio: compress(audio, self.sample_rate, self.bitrate_kbps), self.audios)
            return tuple(files)

    def identity(self, *words: str) -> str:
        """A name for a widget with this sound and these words: the same whenever it is made again."""
        return hashlib.blake2s("".join(words).encode() + b"".join(self.compressed), digest_size=5).hexdigest()

    def config(self) -> dict[str, object]:
        """What every widget's script needs to know of its sound."""
        return {"seconds": self.seconds, "sampleRate": self.sample_rate, "channels": self.audios[0].shape[0]}

    def overviews(self) -> list[str]:
        """The small picture of each, as base64, on one scale."""
        reference = max(float(audio.abs().max()) for audio in self.audios)
        pictures = (overview(audio, self.sample_rate, reference) for audio in self.audios)
        return [base64.b64encode(picture).decode() for picture in pictures]

    def audio_elements(self, store: Store, identity: str) -> str:
        """Plain <audio> elements that work without scripts; a widget's script plays what they name."""
        named = enumerate(zip(self.titles, self.compressed, strict=True), start=1)
        return "\n".join(audio_element(store, identity, number, name, data) for number, (name, data) in named)


def audio_element(store: Store, identity: str, number: int, name: str, data: bytes) -> str:
    """One <audio> element with its name, which loads nothing before it is asked to."""
    source = store.sound(identity, f"{number:02d}-{slug(name)}", data)
    label, address = html.escape(name), html.escape(source)
    audio = f'<audio controls preload="none" src="{address}" aria-label="{label}"></audio>'
    return f"<figure><figcaption>{label}</figcaption>{audio}</figure>"


def recordings(items: Sequence[Item], sample_rate: int, match: bool = True, bitrate_kbps: int = 128) -> Recordings:
    """Prepare recordings for a widget.

    items: (title, audio [channels, samples]) each, mono or stereo; shorter ones are padded with silence. match: bring
    all to one loudness; False keeps their balance (stems of one song). Raises UserError if there is nothing to play.
    """
    titles, audios = _checked(items)
    if sample_rate not in PAGE_RATES:
        audios, sample_rate = [resample(audio, sample_rate, SAMPLE_RATE) for audio in audios], SAMPLE_RATE
    audios = _alike(audios)
    matches = (match_loudness if match else keep_balance)(audios, sample_rate)
    played = tuple(audio * db_to_gain(found.gain_db) for audio, found in zip(audios, matches, strict=True))
    return Recordings(tuple(titles), played, sample_rate, matches, bitrate_kbps)


def _checked(items: Sequence[Item]) -> tuple[list[str], list[torch.Tensor]]:
    if not items:
        raise UserError("nothing to play: give at least one (title, audio) pair")
    audios = [torch.as_tensor(audio).detach().to("cpu", torch.float32) for _, audio in items]
    audios = [audio[None] if audio.ndim == 1 else audio for audio in audios]
    for (name, _), audio in zip(items, audios, strict=True):
        if audio.ndim != 2 or audio.shape[0] not in (1, 2) or audio.shape[1] == 0:
            raise UserError(f"cannot play {name!r}: expected audio [1 or 2 channels, samples], got {list(audio.shape)}")
        if not bool(torch.isfinite(audio).all()):
            raise UserError(f"cannot play {name!r}: the audio holds NaN or infinite samples")
    return [str(name) for name, _ in items], audios


def _alike(audios: list[torch.Tensor]) -> list[torch.Tensor]:
    """All of one length, and all stereo if one is: equal files start after equal delays of the decoder."""
    longest = max(audio.shape[-1] for audio in audios)
    channels = max(audio.shape[0] for audio in audios)
    return [torch.nn.functional.pad(audio, (0, longest - audio.shape[-1])).expand(channels, -1) for audio in audios]


def loudness_words(found: Match, matched: bool) -> tuple[str, str]:
    """A recording's own loudness in a few words, and in a sentence with the gain that it is played with."""
    if not math.isfinite(found.loudness_lufs):
        return "silent", ""
    loudness = minus(f"{found.loudness_lufs:.1f}\N{NO-BREAK SPACE}LUFS")
    change = minus(f"{found.gain_db:+.1f}\N{NO-BREAK SPACE}dB")
    # Less than a decibel is nothing to tell of.
    short = f"{loudness}, played {change}" if matched and abs(found.gain_db) >= 1.0 else loudness
    return short, f"Integrated loudness {loudness}; played with a gain of {change}"


def minus(text: str) -> str:
    """With a minus sign instead of a hyphen."""
    return text.replace("-", "\N{MINUS SIGN}")


def slug(text: str) -> str:
    """A text as part of a file's name."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:40] or "audio"
