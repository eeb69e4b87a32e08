"""A song of the synthetic studio: dry tracks and what is known about each of them."""

from __future__ import annotations

from dataclasses import dataclass

from megami.audio import Multitrack
from megami.errors import UserError

ROLES: tuple[str, ...] = ("drums", "percussion", "bass", "chords", "lead", "pad", "vocal")

INSTRUMENTS: tuple[str, ...] = (
    "kick",
    "snare",
    "overheads",
    "drum kit",
    "drum machine",
    "percussion",
    "electric bass",
    "acoustic bass",
    "synth bass",
    "acoustic guitar",
    "electric guitar",
    "distorted guitar",
    "piano",
    "electric piano",
    "organ",
    "strings",
    "brass",
    "woodwind",
    "mallets",
    "synth lead",
    "synth pad",
    "voice",
)


@dataclass(frozen=True)
class Song:
    """Dry mono tracks with the role and instrument of each, so that engineers and training targets need no guessing.

    `multitrack` holds [tracks, 1, samples]; `roles` and `instruments` have one entry per track, out of ROLES and
    INSTRUMENTS. Raises UserError where they do not fit.
    """

    multitrack: Multitrack
    roles: tuple[str, ...]
    instruments: tuple[str, ...]
    genre: str
    seed: int

    def __post_init__(self) -> None:
        tracks = len(self.multitrack.names)
        if len(self.roles) != tracks or len(self.instruments) != tracks:
            raise UserError(f"a song of {tracks} tracks needs {tracks} roles and {tracks} instruments")
        unknown = (set(self.roles) - set(ROLES)) | (set(self.instruments) - set(INSTRUMENTS))
        if unknown:
            raise UserError(f"unknown role or instrument {sorted(unknown)}: use those of ROLES and INSTRUMENTS")
