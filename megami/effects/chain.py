"""Chains of effects: applying, drawing, and keeping them as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields

import numpy as np

from megami.audio import SAMPLE_RATE
from megami.effects.compressor import Compressor
from megami.effects.delay import Delay
from megami.effects.drive import Drive
from megami.effects.effect import Effect
from megami.effects.equaliser import Equaliser
from megami.effects.level import Gain, Pan
from megami.effects.reverb import Reverb
from megami.effects.width import Width
from megami.errors import UserError

EFFECTS: tuple[type[Effect], ...] = (Equaliser, Compressor, Drive, Gain, Width, Pan, Delay, Reverb)


@dataclass(frozen=True)
class EffectChain:
    """Effects in the order in which they are applied; the empty chain changes nothing."""

    effects: tuple[Effect, ...] = ()

    def apply(self, audio: np.ndarray, sample_rate: int = SAMPLE_RATE) -> np.ndarray:
        """Return float32 [2, samples] from [2, samples], or from [1, samples] or [samples], which are doubled first.

        The output is as long as the input; silence gives silence. Raises ValueError for any other shape.
        """
        wet = _stereo(audio)
        for effect in self.effects:
            wet = effect.apply(wet, sample_rate)
        return wet

    def to_json(self) -> str:
        """Write the chain as JSON that `from_json` reads back to an equal chain, parameter for parameter."""
        entries = [{"effect": type(effect).__name__, **asdict(effect)} for effect in self.effects]
        return json.dumps({"effects": entries})

    @classmethod
    def from_json(cls, text: str) -> EffectChain:
        """Read a chain written by `to_json`.

        Raises UserError for text that is no such JSON, an unknown effect, a missing or unknown parameter, or a value
        outside its range.
        """
        try:
            content = json.loads(text)
        except ValueError as error:
            raise UserError(f"effect chain is not JSON: {error}") from None
        entries = content.get("effects") if isinstance(content, dict) else None
        if not isinstance(entries, list):
            raise UserError('effect chain must be a JSON object with a list "effects"')
        return cls(tuple(_read_effect(entry) for entry in entries))


def _stereo(audio: np.ndarray) -> np.ndarray:
    """Copy to float32 [2, samples]."""
    audio = np.atleast_2d(np.asarray(audio, dtype=np.float32))
    if audio.ndim != 2 or audio.shape[0] not in (1, 2):
        raise ValueError(f"an effect chain takes audio [1 or 2, samples], not {list(audio.shape)}")
    return np.array(np.broadcast_to(audio, (2, audio.shape[1])), dtype=np.float32, order="C")


def _read_effect(entry: object) -> Effect:
    """Build the effect that one JSON entry describes, or say what is wrong with it."""
    entry = entry if isinstance(entry, dict) else {}
    name = entry.get("effect")
    known = {effect_class.__name__: effect_class for effect_class in EFFECTS}
    if not isinstance(name, str) or name not in known:
        raise UserError(f"unknown effect {name!r}: use one of {', '.join(known)}")
    given = {key: value for key, value in entry.items() if key != "effect"}
    expected = {field.name for field in fields(known[name])}
    missing, unexpected = expected - given.keys(), given.keys() - expected
    if missing:
        raise UserError(f"{name}: parameter {', '.join(sorted(missing))} is missing")
    if unexpected:
        raise UserError(f"{name}: unknown parameter {', '.join(sorted(unexpected))}")
    return known[name](**given)


def identity_chain() -> EffectChain:
    """The chain that changes nothing."""
    return EffectChain(())


def single_effect_chain(rng: np.random.Generator, effect_class: type[Effect]) -> EffectChain:
    """A chain of one effect with drawn parameters, to study effects one at a time."""
    return EffectChain((effect_class.random(rng),))


def random_chain(rng: np.random.Generator, probability: float = 0.6, shuffle: bool = True) -> EffectChain:
    """Draw a chain: each effect with `probability`, parameters anew, in random order (else in mixing-desk order).

    MEGAMI trains its processor on such chains (random order, each effect independently with probability 0.5 to 0.8).
    """
    chosen = [effect_class for effect_class in EFFECTS if rng.random() < probability]
    if shuffle:
        chosen = [chosen[place] for place in rng.permutation(len(chosen))]
    return EffectChain(tuple(effect_class.random(rng) for effect_class in chosen))
