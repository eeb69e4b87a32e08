"""Where the tracks of a song sit between the loudspeakers: decided for all of them together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

CENTRE_PARTS = ("kick", "snare", "drums", "bass")
FAMILIES = (
    ("acoustic guitar", "electric guitar", "distorted guitar"),
    ("piano", "electric piano", "organ"),
    ("strings", "brass", "woodwind"),
    ("synth lead", "synth pad"),
    ("percussion", "mallets"),
)


@dataclass(frozen=True)
class Seat:
    """What placement knows of one track before it sits."""

    part: str
    instrument: str
    weight: float = 0.0  # share of its power below 160 Hz
    spread: float = 0.0  # pseudo-stereo it will get, 0..1


def family(seat: Seat) -> str:
    """Name shared by tracks that sound alike and therefore belong on opposite sides."""
    for members in FAMILIES:
        if seat.instrument in members:
            return members[0]
    return seat.instrument


def pair_up(seats: list[Seat], movable: list[int]) -> list[tuple[int, ...]]:
    """Groups `movable` tracks in pairs (same part and family first, then same family, then same part) and singles."""
    left, groups = list(movable), []
    for alike in (lambda s: (s.part, family(s)), family, lambda s: s.part):
        waiting: dict = {}
        for i in left:
            partner = waiting.pop(alike(seats[i]), None)
            if partner is None:
                waiting[alike(seats[i])] = i
            else:
                groups.append((partner, i))
        left = sorted(waiting.values())
    return groups + [(i,) for i in left]


def angles(count: int, outermost: float, positions: int, rng: np.random.Generator) -> np.ndarray:
    """Evenly spaced pan angles [count], inner to outer, slightly varied or snapped to `positions` steps."""
    even = (np.arange(count) + 1) / max(count, 1)
    if positions:
        return outermost * np.ceil(even * positions - 1e-9) / positions
    return outermost * even * rng.uniform(0.88, 1.0, count)


def place(seats: list[Seat], lead: int, outermost: float, rng: np.random.Generator, positions: int = 0) -> np.ndarray:
    """Pan positions [tracks] in -1..1: lead, bass and drums in the middle, similar parts on opposite sides.

    The other tracks share the angles up to `outermost`, evenly spaced by their number, the heavy ones further in and
    those without a counterpart further in the wider they are themselves. With `positions` > 0 the angles snap to that
    many steps per side, as on a console with few seats.
    """
    movable = [i for i, seat in enumerate(seats) if i != lead and seat.part not in CENTRE_PARTS]
    groups = sorted(pair_up(seats, movable), key=lambda group: -float(np.mean([seats[i].weight for i in group])))
    spread = angles(len(groups), outermost, positions, rng)
    alone = [rank for rank, group in enumerate(groups) if len(group) == 1]
    if len(alone) % 2:
        spread[alone[-1]] *= 0.5  # nothing answers it on the other side: far out it would tip the mix over
    position = np.zeros(len(seats))
    side = 1.0 if rng.random() < 0.5 else -1.0
    for angle, group in zip(spread, groups, strict=True):
        tilt = position.sum()
        side = -side if abs(tilt) < 1e-9 or len(group) == 2 else -float(np.sign(tilt))
        if len(group) == 1:
            angle = angle * (1 - 0.7 * seats[group[0]].spread)
        for i, sign in zip(group, (side, -side), strict=False):  # a single track takes the first side
            position[i] = sign * angle
    return np.clip(position, -1.0, 1.0)
