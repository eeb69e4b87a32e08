"""The synthetic studio: seeded songs as dry tracks, and engineers who mix them."""

from __future__ import annotations

from megami.data.studio.session import compose_song
from megami.data.studio.song import INSTRUMENTS, ROLES, Song
from megami.data.studio.styles import HELD_OUT_STYLES, STYLES

__all__ = ["HELD_OUT_STYLES", "INSTRUMENTS", "ROLES", "STYLES", "Song", "compose_song"]
