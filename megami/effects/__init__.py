"""Room `effects`: audio effects with named, ranged parameters, and chains of them that replay exactly."""

from megami.effects.chain import EFFECTS, EffectChain, identity_chain, random_chain, single_effect_chain
from megami.effects.compressor import Compressor
from megami.effects.delay import Delay
from megami.effects.drive import Drive
from megami.effects.effect import Effect, Range
from megami.effects.equaliser import Equaliser
from megami.effects.level import Gain, Pan
from megami.effects.reverb import Reverb
from megami.effects.width import Width

__all__ = [
    "EFFECTS",
    "Compressor",
    "Delay",
    "Drive",
    "Effect",
    "EffectChain",
    "Equaliser",
    "Gain",
    "Pan",
    "Range",
    "Reverb",
    "Width",
    "identity_chain",
    "random_chain",
    "single_effect_chain",
]
