"""Room of the mixer: from dry tracks to mixes, with any set of networks."""

from __future__ import annotations

from megami.mixing.compat import Compat
from megami.mixing.direction import Direction, Plan
from megami.mixing.hearing import Heard, TakenFor
from megami.mixing.mix import Mix
from megami.mixing.mixer import Mixer
from megami.mixing.pretrained import Networks, from_pretrained, weights_folder
from megami.mixing.wishes import MEASURES, Outcome, Wish

__all__ = [
    "MEASURES",
    "Compat",
    "Direction",
    "Heard",
    "Mix",
    "Mixer",
    "Networks",
    "Outcome",
    "Plan",
    "TakenFor",
    "Wish",
    "from_pretrained",
    "weights_folder",
]
