"""Room `data`: multitrack datasets, and the synthetic studio with its songs and engineers."""

from __future__ import annotations

from megami.data.folder import MultitrackFolder
from megami.data.studio import INSTRUMENTS, ROLES, Song
from megami.data.studio.engineers import ENGINEERS, EngineeredMix, Engineer, mix_with_random_engineer

__all__ = [
    "ENGINEERS",
    "INSTRUMENTS",
    "ROLES",
    "EngineeredMix",
    "Engineer",
    "MultitrackFolder",
    "Song",
    "mix_with_random_engineer",
]
