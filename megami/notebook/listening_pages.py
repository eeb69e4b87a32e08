"""What a listening test asks: pages on which versions of a song are rated, or compared two by two."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from megami.errors import UserError
from megami.notebook.recordings import Item

MOST_VERSIONS = 9  # a digit of the keyboard each


@dataclass(frozen=True)
class Question:
    """A question: its name in the results, its words on the page, and words for the two ends of its axis."""

    name: str
    words: str
    low: str = "low"
    high: str = "high"


PRODUCTION_VALUE = Question("production value", "How well is this song produced?", "badly", "very well")
CLARITY = Question("clarity", "How clearly can you hear each part of the music?", "not at all", "very clearly")
EXCITEMENT = Question("excitement", "How exciting does this version sound?", "dull", "very exciting")
BETTER = Question("preference", "Which version is the better mix?")


@dataclass(frozen=True)
class RatingPage:
    """All versions of a song as numbered handles on one axis for each question.

    song: its name, which listeners see. versions: (system, audio [channels, samples]) each, two to nine; listeners do
    not see the systems. repeat: a system that appears twice, to see how steady a listener is.
    """

    song: str
    versions: Sequence[Item]
    questions: Sequence[Question] = (PRODUCTION_VALUE,)
    repeat: str = ""

    def check(self) -> None:
        """Raises UserError if it cannot be asked."""
        check_versions(self.song, self.versions, MOST_VERSIONS - bool(self.repeat))
        names = [question.name for question in self.questions]
        if not names or len(set(names)) < len(names):
            raise UserError(f"the page of {self.song!r} needs questions with different names, not {names}")
        if self.repeat and self.repeat not in systems_of(self.versions):
            raise UserError(f"the page of {self.song!r} cannot repeat {self.repeat!r}: it is none of its versions")


@dataclass(frozen=True)
class PairPage:
    """Versions of a song compared two by two: which of them is better?

    pairs: of systems; left out, every version is compared with every other. no_preference: it may be answered that
    neither is better.
    """

    song: str
    versions: Sequence[Item]
    question: Question = BETTER
    no_preference: bool = False
    pairs: Sequence[tuple[str, str]] | None = None

    def check(self) -> None:
        """Raises UserError if it cannot be asked."""
        check_versions(self.song, self.versions, MOST_VERSIONS)
        systems = systems_of(self.versions)
        for first, second in self.pairs if self.pairs is not None else ():
            if first == second or first not in systems or second not in systems:
                raise UserError(f"the page of {self.song!r} cannot compare {first!r} with {second!r}")
        if not self.numbered_pairs():
            raise UserError(f"the page of {self.song!r} compares no pairs: leave `pairs` out, or name some")

    def numbered_pairs(self) -> list[tuple[int, int]]:
        """The pairs as numbers of versions."""
        systems = systems_of(self.versions)
        if self.pairs is None:
            return list(itertools.combinations(range(len(systems)), 2))
        return [(systems.index(first), systems.index(second)) for first, second in self.pairs]


def systems_of(versions: Sequence[Item]) -> list[str]:
    """Who made each version."""
    return [str(system) for system, _ in versions]


def check_versions(song: str, versions: Sequence[Item], most: int) -> None:
    """Raises UserError for too few or too many versions, or for two of one name."""
    systems = systems_of(versions)
    if not 2 <= len(systems) <= most:
        raise UserError(f"the page of {song!r} needs 2 to {most} versions, not {len(systems)}")
    if len(set(systems)) < len(systems):
        raise UserError(f"the page of {song!r} has two versions of one name: {', '.join(systems)}")
