"""A panel of listeners that nobody asked: answers drawn from a stated truth, to try an analysis before it matters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from megami.errors import UserError
from megami.notebook.listening_results import Choice, ListeningResults, Participant, Rating

SIMULATED = "simulated"
"""The id of every simulated test: no page of a real one has it."""


@dataclass(frozen=True)
class PanelTruth:
    """What the answers are drawn from; all in points of a scale from 0 to 100.

    worth: of each system. mix: how far a single mix lies from what its system is worth (standard deviation, as all that
    follow). listener: how generous a listener is. taste: what a listener makes of a system, beside all others. chance:
    of a single answer. first: by how much the version that is heard as A seems better in a comparison.
    """

    worth: Mapping[str, float]
    mix: float = 5.0
    listener: float = 10.0
    taste: float = 6.0
    chance: float = 9.0
    first: float = 0.0


@dataclass
class _Panel:
    """What is true of one panel."""

    truth: PanelTruth
    random: np.random.Generator
    generous: dict[str, float] = field(default_factory=dict)  # listener
    taste: dict[tuple[str, str], float] = field(default_factory=dict)  # listener, system
    mixes: dict[tuple[str, str], float] = field(default_factory=dict)  # song, version

    def drawn(self, deviation: float) -> float:
        return float(deviation * self.random.normal())

    def seems(self, listener: str, song: str, version: str, system: str) -> float:
        """How good a mix seems to a listener this time."""
        return (
            self.truth.worth[system]
            + self.mixes[song, version]
            + self.generous[listener]
            + self.taste[listener, system]
            + self.drawn(self.truth.chance)
        )


def simulated_panel(
    truth: PanelTruth,
    songs: Sequence[str],
    system_of: Mapping[str, str],
    listeners: int = 16,
    seed: int = 0,
    *,
    pairs: Sequence[tuple[str, str]] = (),
    question: str = "production value",
) -> ListeningResults:
    """Draw the answers of a panel: each listener rates every version of every song, then compares pairs of versions.

    songs: names of pages. system_of: version -> the system that made it; a system may have several versions. pairs: of
    versions, compared once for each song; which is heard as A is drawn. Ratings are whole numbers from 0 to 100. The
    results have the form of `read_listening_results`, with the test id `SIMULATED` and a title that says so. Raises
    UserError for a system without worth, or without listeners.
    """
    lacking = sorted(set(system_of.values()) - set(truth.worth))
    if lacking or listeners < 1 or not songs:
        raise UserError(f"a simulated panel needs listeners, songs, and the worth of every system; lacking: {lacking}")
    names = [f"simulated {number:02d}" for number in range(1, listeners + 1)]
    panel = _Panel(truth, np.random.default_rng(seed))
    panel.mixes = {(song, version): panel.drawn(truth.mix) for song in songs for version in system_of}
    panel.generous = {name: panel.drawn(truth.listener) for name in names}
    panel.taste = {
        (name, system): panel.drawn(truth.taste) for name in names for system in dict.fromkeys(system_of.values())
    }
    ratings, choices = [], []
    for name in names:
        for song in songs:
            for version, system in system_of.items():
                rating = float(np.clip(round(panel.seems(name, song, version, system)), 0, 100))
                ratings.append(Rating(name, song, version, question, rating, False, 1, 0.0))
            choices += [_choice(panel, name, song, pair, system_of) for pair in pairs]
    people = tuple(Participant(name, "simulated", "none", "", 0.0, 0.0, "") for name in names)
    return ListeningResults(SIMULATED, "A simulated panel", people, tuple(ratings), tuple(choices), ())


def _choice(panel: _Panel, name: str, song: str, pair: tuple[str, str], system_of: Mapping[str, str]) -> Choice:
    first, second = pair if panel.random.random() < 0.5 else pair[::-1]
    one, other = (panel.seems(name, song, version, system_of[version]) for version in (first, second))
    return Choice(name, song, "preference", first, second, first if one + panel.truth.first > other else second)
