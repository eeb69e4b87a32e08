"""MEGAMI: generative automatic music mixing.

import megami
song = megami.read_multitrack("data_samples/paper_boats")
mixer = megami.Mixer.from_pretrained("small")
mixes = mixer.mix(song, num_mixes=3, seed=0)
mixes[0].save("mix.wav")
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from megami.audio import Multitrack, read_multitrack
    from megami.errors import UserError
    from megami.mixing import Compat, Mix, Mixer

__version__ = "1.0.0"
__all__ = ["Compat", "Mix", "Mixer", "Multitrack", "UserError", "__version__", "read_multitrack"]

# Imported when first used, so that `megami --help` loads no network and `megami.audio` alone not all of them.
__getattr__, __dir__, _ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "audio": ["Multitrack", "read_multitrack"],
        "errors": ["UserError"],
        "mixing": ["Compat", "Mix", "Mixer"],
    },
)
