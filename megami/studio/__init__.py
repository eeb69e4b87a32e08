"""Room of the studio: seeded songs as dry tracks, played by a band, and engineers who mix them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from megami.studio.band.genres import GENRES, HELD_OUT_GENRES
    from megami.studio.band.recording_session import compose_song, compose_song_in_form
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
    "compose_song_in_form",
    "mix_with_random_engineer",
]

# Imported when first used: presets need the names of instruments and roles alone, and scipy.signal, beneath the rest,
# takes longer to import than everything else of mixing but torch.
__getattr__, __dir__, _ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "band.genres": ["GENRES", "HELD_OUT_GENRES"],
        "band.recording_session": ["compose_song", "compose_song_in_form"],
        "engineers.engineer": ["ENGINEERS", "Engineer", "EngineeredMix", "mix_with_random_engineer"],
        "song": ["INSTRUMENTS", "ROLES", "Song"],
    },
)
