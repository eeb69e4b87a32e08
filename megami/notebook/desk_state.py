"""What a mixing desk remembers: takes, what is wanted of the next one, trims; in a file that outlives the kernel."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from itertools import chain, count
from pathlib import Path
from typing import Any

from megami import __version__
from megami.errors import UserError
from megami.mixing.direction import Plan
from megami.mixing.plan_words import plan_in_words, plan_of_words
from megami.mixing.pretrained import ENCODER_OF_FIRST_EDITION
from megami.mixing.trim import Trim
from megami.notebook.desk_following import named
from megami.notebook.recordings import minus, slug
from megami.notebook.stores import write_whole

STATE_FILE = "desk.json"
FORM = 1  # of the file
LARGEST_FILE = 2**28  # bytes


@dataclass(eq=False)
class DeskTake:
    """One mix of the song: its plan, how it came about in a few words, and how its tracks were trimmed since."""

    name: str
    seed: int
    plan: Plan
    made: str = ""
    trims: dict[str, Trim] = field(default_factory=dict)
    wishes: list[dict[str, Any]] = field(default_factory=list)  # what became of them, as numbers

    @property
    def caption(self) -> str:
        """How it came about and which tracks are trimmed, for those who compare it."""
        trims = f"trimmed: {', '.join(self.trims)}" if self.trims else ""
        return "; ".join(part for part in (self.made, trims) if part)


@dataclass(eq=False)
class DeskState:
    """All that a desk remembers. `keep`: by track, the take it is kept from; `wishes`: by track and measure, in dB.

    reference: what the field of that name says (`desk_following`).
    """

    weights: str = "small"
    song: str = ""
    takes: dict[str, DeskTake] = field(default_factory=dict)
    chosen: str = ""
    keep: dict[str, str] = field(default_factory=dict)
    wishes: dict[str, dict[str, float]] = field(default_factory=dict)
    reference: str = ""
    names_trusted: bool = False  # whether tracks are heard as what their names say
    encoder: str = ""  # which effect encoder the plans of its takes come from
    drawn: int = 0  # how many takes there ever were: names and seeds are not used again

    def wanted(self, names: Sequence[str]) -> str:
        """What is wanted of the next take, in words: "vocal kept from Take 1; vocal level +2 dB"; empty if nothing."""
        by_take: dict[str, list[str]] = {}
        for track, take in self.keep.items():
            by_take.setdefault(take, []).append(track)
        parts = [
            f"{'all' if set(tracks) == set(names) else ', '.join(tracks)} kept from {take}"
            for take, tracks in by_take.items()
        ]
        for track, wishes in self.wishes.items():
            parts += [f"{track} {measure} {minus(f'{db:+g}')} dB" for measure, db in wishes.items()]
        if self.reference:
            parts.append(f"after {named(self.reference)}")
        return "; ".join(parts)

    def in_words(self) -> dict[str, Any]:
        """The same as JSON holds it, plans bit for bit."""
        takes = []
        for take in self.takes.values():
            trims = {track: asdict(trim) for track, trim in take.trims.items()}
            words = {"name": take.name, "seed": take.seed, "made": take.made, "wishes": take.wishes}
            takes.append({**words, "trims": trims, "plan": plan_in_words(take.plan)})
        rest = {name: value for name, value in vars(self).items() if name != "takes"}
        return {"megami": __version__, "desk": FORM, **rest, "takes": takes}

    @classmethod
    def of_words(cls, words: dict[str, Any]) -> DeskState:
        """Undo `in_words`. Raises one of the usual errors for what it did not write."""
        if words["desk"] != FORM:
            raise ValueError("another form")
        takes = {}
        for said in words["takes"]:
            trims = {str(track): Trim(**trim) for track, trim in said["trims"].items()}
            plan = plan_of_words(said["plan"])
            outcomes = [dict(wish) for wish in said["wishes"]]
            name, made = str(said["name"]), str(said["made"])
            takes[name] = DeskTake(name, int(said["seed"]), plan, made, trims, outcomes)
        keep = {str(track): str(take) for track, take in words["keep"].items() if take in takes}
        wishes = {
            str(track): {str(measure): float(db) for measure, db in by_measure.items()}
            for track, by_measure in words["wishes"].items()
        }
        chosen = str(words["chosen"]) if words["chosen"] in takes else ""
        weights, song, reference = (str(words[name]) for name in ("weights", "song", "reference"))
        trusted, drawn = bool(words["names_trusted"]), int(words["drawn"])
        encoder = str(words.get("encoder", ENCODER_OF_FIRST_EDITION.get(weights, "")))
        return cls(weights, song, takes, chosen, keep, wishes, reference, trusted, encoder, drawn)


class StateFile:
    """desk.json in a folder: never written over anything but what this desk wrote there, or read from it, itself."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / STATE_FILE
        self._known: bytes | None = None  # what it held when we last read or wrote it; None: there was none

    def read(self) -> DeskState | None:
        """What it holds; None where there is none. Raises UserError for a file that no desk wrote."""
        try:
            if not self.path.exists():
                return None
            if self.path.stat().st_size > LARGEST_FILE:
                raise ValueError("too large")
            text = self.path.read_bytes()
            state = DeskState.of_words(json.loads(text))
        except OSError as error:
            raise UserError(f"{self.path} cannot be read ({error.strerror}): choose another folder") from None
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError, UserError):
            raise UserError(f"{self.path} is not what a desk wrote: move it away, or choose another folder") from None
        self._known = text
        return state

    def set_aside(self, song: str) -> Path:
        """Give the file a name of its own, because another song begins; returns it."""
        place = free_place(self.path.with_stem(f"{self.path.stem}-{slug(song)}"))
        with _disk_in_words(self.path):
            os.rename(self.path, place)
        self._known = None
        return place

    def write(self, state: DeskState) -> None:
        """Write it, whole or not at all. Raises UserError where somebody else wrote it since, or the disk refuses."""
        data = (json.dumps(state.in_words(), indent=1, allow_nan=False) + "\n").encode()
        with _disk_in_words(self.path):
            there = self.path.read_bytes() if self.path.exists() else None
            if there != self._known:
                raise UserError(f"{self.path} was written by another desk: close it, or choose another folder")
            if there != data:
                write_whole(self.path, data)
        self._known = data


def free_place(path: Path) -> Path:
    """The path, or where something is there already, the same with the lowest number, from 2, that makes it free."""
    numbered = (path.with_stem(f"{path.stem}_{number}") for number in count(2))
    return next(place for place in chain([path], numbered) if not os.path.lexists(place))


@contextmanager
def _disk_in_words(path: Path) -> Iterator[None]:
    """Turn what the disk refuses into one line."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise UserError(f"{path} cannot be written ({reason}): choose another folder, or free some space") from None
