"""The mean of several engineers' channel strips for one track: a strip with the average of every setting.

No engineer would use it. The chapter "Many right answers" plays it beside theirs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict

import numpy as np

from megami.effects import Compressor, Delay, Drive, Effect, EffectChain, Equaliser, Gain, Pan, Range, Reverb, Width

# What a strip inserts, in its order; the place of a width before or behind the room is told by its spread.
PLACES = ("input", "equaliser", "compressor", "drive", "spread", "pan", "echo", "room", "stereo", "fader")
KINDS: tuple[type[Effect], ...] = (Gain, Equaliser, Compressor, Drive, Width, Pan, Delay, Reverb, Width, Gain)
AMOUNTS = {"drive": "mix", "spread": "spread", "pan": "position", "echo": "wet", "room": "wet", "stereo": "width"}
"""The setting that says how much there is of an insert, and what a strip without it has."""
LEFT_OUT = {"stereo": 1.0}  # all others: 0


def mean_strip(chains: Sequence[EffectChain]) -> EffectChain:
    """Average the strips of one track, setting by setting.

    chains: of `EngineeredMix.chains`, of one track each. Frequencies, times and ratios, whose ranges are logarithmic,
    are averaged as logarithms, whole numbers are rounded. A strip without an insert counts as one with none of it, and
    its other settings do not count. The room's seed is that of the first strip that has one. Raises ValueError for
    chains that no engineer has built.
    """
    strips = [by_place(chain) for chain in chains]
    effects = []
    for place, kind in zip(PLACES, KINDS, strict=True):
        there = [strip[place] for strip in strips if place in strip]
        if not there:
            continue
        settings = {name: mean_setting([asdict(effect)[name] for effect in there], limits)
                    for name, limits in kind.RANGES.items()}  # fmt: skip
        if place in AMOUNTS:
            amount, none = AMOUNTS[place], LEFT_OUT.get(place, 0.0)
            values = [asdict(strip[place])[amount] if place in strip else none for strip in strips]
            settings[amount] = float(np.mean(values))
        if place == "room":
            settings["seed"] = asdict(there[0])["seed"]
        effects.append(kind(**settings))
    return EffectChain(tuple(effects))


def by_place(chain: EffectChain) -> dict[str, Effect]:
    """Say which insert of a strip each effect is. Raises ValueError for other chains."""
    found: dict[str, Effect] = {}
    places = iter(zip(PLACES, KINDS, strict=True))
    for effect in chain.effects:
        for place, kind in places:
            if isinstance(effect, kind) and not (place == "spread" and isinstance(effect, Width) and not effect.spread):
                found[place] = effect
                break
        else:
            raise ValueError(f"{type(effect).__name__} stands where no engineer's strip has it")
    return found


def mean_setting(values: Sequence[float], limits: Range) -> float:
    """Average one setting, as its range asks for."""
    if limits.log:
        return math.exp(float(np.mean(np.log(values))))
    mean = float(np.mean(values))
    return round(mean) if limits.whole else mean
