"""Room of the studio: seeded songs as dry tracks, played by a band, and engineers who mix them."""

from __future__ import annotations

from megami.studio.band.genres import GENRES, HELD_OUT_GENRES
from megami.studio.band.recording_session import compose_song
from megami.studio.engineers.engineer import ENGINEERS, Engineer, EngineeredMix, mix_with_random_engineer
from megami.studio.song import INSTRUMENTS, ROLES, Song

__all__ = [
    "ENGINEERS",
    "GENRES",
    "HELD_OUT_GENRES",
    "INSTRUMENTS",
    "ROLES",
    "Engineer",
    "EngineeredMix",
    "Song",
    "compose_song",
    "mix_with_random_engineer",
]
