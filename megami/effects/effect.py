"""What every effect shares: named parameters with ranges and units, a seeded draw, and the shape of its audio."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from typing import ClassVar, Self

import numpy as np

from megami.errors import UserError


@dataclass(frozen=True)
class Range:
    """The values a parameter may take, [low, high] in `unit`, and the narrower ones that a random draw uses.

    `draw_low` and `draw_high` default to the limits; `log` draws uniformly on a logarithmic scale; `whole` parameters
    are integers, both ends included.
    """

    low: float
    high: float
    unit: str
    log: bool = False
    draw_low: float | None = None
    draw_high: float | None = None
    whole: bool = False

    def draw(self, rng: np.random.Generator) -> float:
        """Return one value between the drawing limits."""
        low = self.low if self.draw_low is None else self.draw_low
        high = self.high if self.draw_high is None else self.draw_high
        if self.whole:
            return int(rng.integers(int(low), int(high), endpoint=True))
        if self.log:
            return float(min(max(math.exp(rng.uniform(math.log(low), math.log(high))), low), high))
        return float(rng.uniform(low, high))

    def accepts(self, value: object) -> bool:
        """Whether `value` is a number within the limits (an integer, for whole parameters)."""
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return False
        return self.low <= value <= self.high and (not self.whole or float(value).is_integer())


@dataclass(frozen=True)
class Effect(ABC):
    """An audio effect: a frozen record of parameters that turns float32 [2, samples] into the same shape.

    Every field has its limits in `RANGES`; a value outside raises UserError when the effect is built.
    """

    RANGES: ClassVar[dict[str, Range]]

    def __post_init__(self) -> None:
        for field in fields(self):
            limits, value = self.RANGES[field.name], getattr(self, field.name)
            if isinstance(value, np.generic):
                value = value.item()
            if not limits.accepts(value):
                kind = "a whole number" if limits.whole else "a number"
                unit = f" {limits.unit}" if limits.unit else ""
                raise UserError(
                    f"{type(self).__name__}: {field.name} must be {kind} from {limits.low:g} to {limits.high:g}{unit}, "
                    f"not {value!r}"
                )
            object.__setattr__(self, field.name, int(value) if limits.whole else float(value))

    @classmethod
    def random(cls, rng: np.random.Generator) -> Self:
        """Draw every parameter independently from its range; the same generator state gives the same effect."""
        return cls(**{field.name: cls.RANGES[field.name].draw(rng) for field in fields(cls)})

    def apply(self, audio: np.ndarray, sample_rate: int) -> np.ndarray:
        """Return the treated copy of `audio` [2, samples] as float32 of the same shape (tails are cut).

        Raises ValueError where `audio` is not [2, samples].
        """
        audio = np.ascontiguousarray(audio, dtype=np.float32)
        if audio.ndim != 2 or audio.shape[0] != 2:
            raise ValueError(f"an effect takes audio [2, samples], not {list(audio.shape)}")
        if not audio.any():
            return audio.copy()
        return np.ascontiguousarray(self._process(audio, sample_rate), dtype=np.float32)

    @abstractmethod
    def _process(self, audio: np.ndarray, sample_rate: int) -> np.ndarray:
        """Treat audio [2, samples] that is not all zero; never writes into its input."""
