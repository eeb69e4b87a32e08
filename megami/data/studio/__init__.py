"""The synthetic studio: seeded songs as dry tracks, and engineers who mix them."""

from __future__ import annotations

from megami.data.studio.song import INSTRUMENTS, ROLES, Song

__all__ = ["INSTRUMENTS", "ROLES", "Song"]
