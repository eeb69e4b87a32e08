"""Room `data`: multitrack datasets, and the synthetic studio with its songs and engineers."""

from __future__ import annotations

from megami.data.folder import MultitrackFolder
from megami.data.studio import HELD_OUT_STYLES, INSTRUMENTS, ROLES, STYLES, Song, compose_song
from megami.data.studio.engineers import ENGINEERS, Engineer, EngineeredMix, mix_with_random_engineer

__all__ = [
    "ENGINEERS",
    "HELD_OUT_STYLES",
    "INSTRUMENTS",
    "ROLES",
    "STYLES",
    "EngineeredMix",
    "Engineer",
    "MultitrackFolder",
    "Song",
    "compose_song",
    "mix_with_random_engineer",
]
