"""Rhythms that players know: bass lines, chord rhythms and melody rhythms as text, one character a step.

A bar of 16 characters is in sixteenths, one of 12 in triplets. Digits are onsets with their accent, "-" holds the note
before, "." rests. Bass lines name the tone instead: R root, F fifth, O octave, T third, A approach to the next root.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np

Choice = TypeVar("Choice")


@dataclass(frozen=True)
class Playing:
    """How chords are played: one-bar rhythms and an articulation (block, strum, arpeggio, power or hold)."""

    articulation: str
    rhythms: tuple[str, ...]


BASS_LINES: dict[str, tuple[str, ...]] = {
    "roots": ("R---R---R-R-R---", "R-----R-R---R-R-", "R---R-R-R---R-A-"),
    "eighths": ("R-R-R-R-R-R-R-R-", "R-R-R-R-R-R-F-A-", "R-R-R-O-R-R-R-A-"),
    "push": ("R--R--R-..R-F-R-", "R--R..R-R--R..A-", "R--R--R---F-R-A-"),
    "octaves": ("R.O.R.O.R.O.R.O.", "R.O.R.O.F.O.R.OA", "RRO.R.O.R.OOR.A."),
    "two": ("R---....F---....", "R---....F---R-A-", "R-----..F-----A-"),
    "walk": ("R---T---F---A---", "R---F---O---A---", "R---T---F---O-A-"),
    "funk": ("R..R..O.-.R.F.A.", "R.R...OR..R..FA.", "RR..O..R..R.O.F."),
    "long": ("R---------------", "R-----------A---", "R-------R-----F-"),
    "pump": ("..R-..R-..R-..R-", "..R-..R-..RR..O-", "..R...R...R..RO."),
    "sixteenths": ("RRRRRRRRRRRRRRRR", "R.RRR.RRR.RRR.RO", "RRORRRORRRORRROR"),
    "boom": ("R-----..........", "R---....R-......", "R------...R-..A-"),
    "bossa": ("R-----F-F-----R-", "R-----F-F-----A-", "R-----F-R-----F-"),
    "slow twelve": ("R-----F--R-A", "R-----R--F--", "R--..RF-----"),
}

CHORD_RHYTHMS: dict[str, Playing] = {
    "strum": Playing("strum", ("9---7-6-..6-7-6-", "9---7-66-.667-6-", "9---6-7-8---7-66")),
    "slow strum": Playing("strum", ("9-------7---6---", "9-----7-----6-7-", "9---------7-6---")),
    "boom chick": Playing("strum", ("....8-......8-..", "....8-..6...8-6.", "....8-......8-67")),
    "whole": Playing("block", ("8---------------", "8-------7-------", "8-----------6---")),
    "quarters": Playing("block", ("9--.7--.8--.7--.", "9---6---8---6---", "9--.7--.8--.7-6-")),
    "comp": Playing("block", ("8--.....7--.....", "..7-....8--...6.", "8-....7--...6---")),
    "stabs": Playing("block", ("....9.......9...", "..8...8...8...8.", "9..8..7...8..7..")),
    "offbeats": Playing("block", ("..8...8...8...8.", "..8-..8-..8-..8-", "..8...8...8..78.")),
    "house": Playing("block", ("9..8..7..8..7...", "..9..8....8..7..", "9..7..8...8..7..")),
    "scratch": Playing("strum", ("9.57.58.5.85.75.", "..8.58..5.8.5.85", "9.5.8.579.5.8.5.")),
    "bossa": Playing("block", ("8--7---7--7---7-", "8--8..8...8..8..", "..8-..7--.8--.7-")),
    "chug": Playing("power", ("9-7-7-7-9-7-7-7-", "9---8-6-9-6-8-6-", "9--7--8-..7-8---")),
    "power whole": Playing("power", ("9---------------", "9-----8-8-------", "9-------8---8---")),
    "arpeggio": Playing("arpeggio", ("8-6-7-6-8-6-7-6-", "8-6-6-7-6-6-7-6-", "8-..6-7-8-..7-6-")),
    "fast arpeggio": Playing("arpeggio", ("8666766686667666", "8.66.76.8.66.76.", "8-6-6678-6-6-676")),
    "fingerpick": Playing("arpeggio", ("9-6-7-669-6-7-6-", "9-..6-7-8-6.6-7-", "9-6-6-7-9-6-7-6-")),
    "hold": Playing("hold", ("7---------------", "7-------6-------")),
    "riff": Playing("block", ("9.7...8..7..8...", "..9.....8.7.....", "9...........8.9.")),
    "twelve block": Playing("block", ("9--7--8--7--", "9--7--8--7-6", "9-----8-----")),
    "twelve arpeggio": Playing("arpeggio", ("867867867867", "8-67-68-67-6", "866766866766")),
}

MELODY_RHYTHMS: dict[str, tuple[str, ...]] = {
    "song": ("..7-8-7-9---7-6-", "8-7-8---..7-8-7-", "....8-7-8-9-7---", "9---7-8-----6-7-", "..8-7--8--7-6-7-"),
    "syncopated": ("..7--8-7..8--7-.", "8--7--8-..7-8---", "...78-7-..78--7-", "8-.78-.7.-8-7---"),
    "busy": ("8-7-7-8-7-7-8-7-", "..7878--7-78-7--", "8-667-8-7-668---", "..7-667-8-667---"),
    "sparse": ("8-----------....", "..8-----7-------", "8-------7---....", "....8---------7-"),
    "rap": ("8-7-77..8-7-77..", "..77877-..77877-", "8-77.77-8-77.8--", "..7-778-7-77-8--"),
    "twelve": ("..78--7--8--", "8--7-78-----", "..7--78--7--", "8-----..78-7"),
}
ENDINGS: dict[int, tuple[str, ...]] = {
    16: ("8---------......", "7-8-------......", "8-7-8---........", "7-7-8-----......"),
    12: ("8-------....", "7-8-----....", "78----......"),
}


def onsets(rhythm: str) -> list[tuple[int, int, str]]:
    """Onsets of a rhythm text as (step, length in steps, character)."""
    found = []
    for step, character in enumerate(rhythm):
        if character in ".-":
            continue
        held = len(rhythm[step + 1 :]) - len(rhythm[step + 1 :].lstrip("-"))
        found.append((step, 1 + held, character))
    return found


def pick(rng: np.random.Generator, choices: tuple[Choice, ...]) -> Choice:
    """One of the choices, all equally likely (numpy's own choice turns strings and tuples into arrays)."""
    return choices[int(rng.integers(len(choices)))]
