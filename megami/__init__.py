"""MEGAMI: generative automatic music mixing.

import megami
song = megami.read_multitrack("data_samples/paper_boats")
mixer = megami.Mixer.from_pretrained("small")
mixes = mixer.mix(song, num_mixes=3, seed=0)
mixes[0].save("mix.wav")
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from megami.errors import UserError

__version__ = "0.1.0"
__all__ = ["Compat", "Mix", "Mixer", "Multitrack", "UserError", "__version__", "read_multitrack"]

_HOMES = {
    "Compat": "megami.mixing.compat",
    "Mix": "megami.mixing.mix",
    "Mixer": "megami.mixing.mixer",
    "Multitrack": "megami.audio",
    "read_multitrack": "megami.audio",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that `megami.audio` alone does not load every network."""
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'megami' has no attribute {name!r}")
