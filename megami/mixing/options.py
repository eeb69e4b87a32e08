"""Options of mixing, checked: what no mix can be made with is refused in one line."""

from __future__ import annotations

import numbers

from megami.errors import UserError
from megami.generator import check_temperature

MAX_STEPS, MAX_MIXES, MAX_GUIDANCE = 1000, 100, 20.0
QUIETEST_LUFS, LOUDEST_LUFS = -60.0, -6.0


def check_options(num_mixes: int, seed: int) -> None:
    """Raise UserError for a number of mixes or a seed that means nothing."""
    _check_kind("the number of mixes", num_mixes, whole=True)
    _check_kind("the seed", seed, whole=True)
    if not 1 <= num_mixes <= MAX_MIXES:
        raise UserError(f"the number of mixes must be from 1 to {MAX_MIXES}, not {num_mixes}")
    if not 0 <= seed < 2**32:
        raise UserError(f"the seed must be from 0 to {2**32 - 1}, not {seed}")


def check_sampling(steps: int, guidance: float, temperature: float) -> None:
    """Raise UserError for options of sampling that no mix can be drawn with."""
    _check_kind("the number of steps", steps, whole=True)
    _check_kind("guidance", guidance)
    _check_kind("temperature", temperature)
    if not 1 <= steps <= MAX_STEPS:
        raise UserError(f"the number of steps must be from 1 to {MAX_STEPS}, not {steps}")
    if not 0 <= guidance <= MAX_GUIDANCE:
        raise UserError(f"guidance must be from 0 to {MAX_GUIDANCE:g}, not {guidance}")
    check_temperature(temperature)


def check_loudness(loudness_lufs: float) -> None:
    """Raise UserError for a target that no mix can have."""
    _check_kind("the loudness", loudness_lufs)
    if not QUIETEST_LUFS <= loudness_lufs <= LOUDEST_LUFS:
        raise UserError(f"the loudness must be from {QUIETEST_LUFS:g} to {LOUDEST_LUFS:g} LUFS, not {loudness_lufs:g}")


def _check_kind(what: str, value: object, whole: bool = False) -> None:
    """Raise UserError unless the value is a number, Python's or numpy's, and a whole one where that is asked for."""
    if isinstance(value, bool) or not isinstance(value, numbers.Integral if whole else numbers.Real):
        raise UserError(f"{what} must be a {'whole ' if whole else ''}number, not {value!r}")
