"""What the answers of a listening test say: means with intervals, rank tests, win rates, Bradley-Terry strengths."""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import scipy.stats

from megami.errors import UserError
from megami.notebook.bradley_terry import bradley_terry, wilson_interval
from megami.notebook.listening_results import Choice, ListeningResults, Rating

DRAWS = 2000
Row = TypeVar("Row", Rating, Choice)


@dataclass(frozen=True)
class Interval:
    """A value and the bounds of its interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class SystemRating:
    """How a system was rated at a question. by_participant: the mean of each participant over the pages."""

    question: str
    system: str
    mean: Interval
    median: Interval
    ratings: int
    by_participant: dict[str, float]


@dataclass(frozen=True)
class PairTest:
    """Wilcoxon's signed rank test of two systems over participants.

    difference: mean of first minus second. p_holm: corrected by Holm for all pairs of the question.
    """

    first: str
    second: str
    difference: float
    p: float
    p_holm: float


@dataclass(frozen=True)
class RankTest:
    """Friedman's test of all systems at a question (NaN with fewer than three), and the pairs.

    participants: who rated all systems at this question; the others are left out of the tests.
    """

    question: str
    participants: int
    statistic: float
    p: float
    pairs: tuple[PairTest, ...]


@dataclass(frozen=True)
class WinRate:
    """How often `first` was preferred to `second`; no preference counts half. rate: with Wilson's interval."""

    question: str
    first: str
    second: str
    wins: int
    losses: int
    ties: int
    rate: Interval


@dataclass(frozen=True)
class Strength:
    """A system's Bradley-Terry strength: log odds to win against an average system, with a bootstrap interval.

    smoothed: half a win each way was added for all pairs, because some systems always won (or lost).
    """

    question: str
    system: str
    strength: Interval
    smoothed: bool


@dataclass(frozen=True)
class ListeningSummary:
    """Everything that `summarise_listening` finds."""

    level: float
    participants: int
    ratings: tuple[SystemRating, ...]
    rank_tests: tuple[RankTest, ...]
    win_rates: tuple[WinRate, ...]
    strengths: tuple[Strength, ...]


@dataclass(frozen=True)
class Steadiness:
    """How far a participant's ratings of the same sound lie apart, in mean, on the scale of 100."""

    participant: str
    mean_difference: float
    comparisons: int
    unsteady: bool


def summarise_listening(
    results: ListeningResults, *, seed: int, level: float = 0.95, draws: int = DRAWS
) -> ListeningSummary:
    """Summarise ratings by question and system, and comparisons by question and pair of systems.

    Intervals are percentiles of a bootstrap over participants: answers of one participant resemble each other, so whole
    participants are drawn. seed: of the bootstrap. level: of all intervals. The rank tests compare participants' means
    over pages. Wilson's interval of a win rate takes comparisons for independent, so it is somewhat narrow where
    participants answer many of one pair. Repeated versions count once (their first appearance). Raises UserError for a
    level outside 0 to 1.
    """
    if not 0 < level < 1:
        raise UserError(f"the level of an interval lies between 0 and 1, not {level!r}")
    names = [participant.id for participant in results.participants]
    random = np.random.default_rng(seed)
    drawn = random.integers(len(names), size=(draws, len(names)))
    first = [row for row in results.ratings if not row.repeat]
    return ListeningSummary(
        level,
        len(names),
        tuple(_system_ratings(first, names, drawn, level)),
        tuple(_rank_test(question, rows) for question, rows in _by_question(first).items()),
        tuple(
            rate
            for question, rows in _by_question(results.choices).items()
            for rate in _win_rates(question, rows, level)
        ),
        tuple(
            strength
            for question, rows in _by_question(results.choices).items()
            for strength in _strengths(question, rows, names, drawn[: max(1, draws // 4)], level)
        ),
    )


def listener_steadiness(results: ListeningResults, largest_difference: float = 20.0) -> tuple[Steadiness, ...]:
    """How steady each participant is at versions that were shown twice: named, never left out.

    A participant whose ratings of one sound differ by more than `largest_difference` in mean is called unsteady.
    Whoever leaves such participants out decides so before looking at the results, and says it. Raises UserError if the
    test repeats no version.
    """
    pairs: dict[tuple[str, str, str, str], dict[bool, float]] = defaultdict(dict)
    for row in results.ratings:
        pairs[row.participant, row.page, row.system, row.question][row.repeat] = row.rating
    apart: dict[str, list[float]] = defaultdict(list)
    for (participant, *_), both in pairs.items():
        if len(both) == 2:
            apart[participant].append(abs(both[False] - both[True]))
    if not apart:
        raise UserError("the test repeats no version: give its pages `repeat`, and steadiness can be told")
    means = {participant: float(np.mean(values)) for participant, values in apart.items()}
    return tuple(
        Steadiness(participant, mean, len(apart[participant]), mean > largest_difference)
        for participant, mean in sorted(means.items(), key=lambda one: -one[1])
    )


def holm(p_values: Sequence[float]) -> list[float]:
    """P-values corrected for their number (Holm 1979): the smallest times n, the next times n - 1, never falling."""
    order = np.argsort(p_values)
    corrected, largest = [0.0] * len(order), 0.0
    for rank, index in enumerate(order):
        largest = max(largest, min(1.0, (len(order) - rank) * p_values[index]))
        corrected[index] = largest
    return corrected


# ---- ratings ----


def _by_question(rows: Iterable[Row]) -> dict[str, list[Row]]:
    """Rows of each question, in the order of their first appearance."""
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[row.question].append(row)
    return dict(found)


def _system_ratings(
    rows: Sequence[Rating], names: Sequence[str], drawn: np.ndarray, level: float
) -> Iterator[SystemRating]:
    cells: dict[tuple[str, str], dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        cells[row.question, row.system][row.participant].append(row.rating)
    for (question, system), by_name in sorted(cells.items()):
        most = max(map(len, by_name.values()))
        values = np.full((len(names), most), np.nan)  # [participants, ratings of each]
        for number, name in enumerate(names):
            values[number, : len(by_name.get(name, []))] = by_name.get(name, [])
        samples = values[drawn].reshape(len(drawn), -1)
        samples = samples[~np.isnan(samples).all(axis=1)]
        yield SystemRating(
            question,
            system,
            _interval(float(np.nanmean(values)), np.nanmean(samples, axis=1), level),
            _interval(float(np.nanmedian(values)), np.nanmedian(samples, axis=1), level),
            int(np.isfinite(values).sum()),
            {name: float(np.mean(by_name[name])) for name in names if name in by_name},
        )


def _interval(value: float, draws: Sequence[float] | np.ndarray, level: float) -> Interval:
    low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2])
    return Interval(value, float(low), float(high))


def _rank_test(question: str, rows: Sequence[Rating]) -> RankTest:
    systems = sorted({row.system for row in rows})
    cells: dict[tuple[str, str], list[float]] = defaultdict(list)
    for row in rows:
        cells[row.participant, row.system].append(row.rating)
    whole = [name for name in sorted({row.participant for row in rows}) if all((name, s) in cells for s in systems)]
    table = np.array([[np.mean(cells[name, system]) for system in systems] for name in whole]).reshape(-1, len(systems))
    statistic = p = math.nan
    if len(systems) >= 3 and len(whole) >= 2 and np.ptp(table, axis=1).any():
        statistic, p = map(float, scipy.stats.friedmanchisquare(*table.T))
    pairs = list(itertools.combinations(range(len(systems)), 2)) if len(whole) else []
    differences = [table[:, one] - table[:, other] for one, other in pairs]
    p_values = [_wilcoxon(values) for values in differences]
    tests = tuple(
        PairTest(systems[one], systems[other], float(values.mean()), p_value, corrected)
        for (one, other), values, p_value, corrected in zip(pairs, differences, p_values, holm(p_values), strict=True)
    )
    return RankTest(question, len(whole), statistic, p, tests)


def _wilcoxon(differences: np.ndarray) -> float:
    return float(scipy.stats.wilcoxon(differences).pvalue) if differences.any() else 1.0


# ---- comparisons ----


def _win_rates(question: str, rows: Sequence[Choice], level: float) -> Iterator[WinRate]:
    pairs = sorted({(min(row.first, row.second), max(row.first, row.second)) for row in rows})
    for one, other in pairs:
        own = [row.winner for row in rows if {row.first, row.second} == {one, other}]
        wins, losses, ties = own.count(one), own.count(other), own.count("")
        value = (wins + ties / 2) / len(own)
        rate = Interval(value, *wilson_interval(wins + ties / 2, len(own), level))
        yield WinRate(question, one, other, wins, losses, ties, rate)


def _strengths(
    question: str, rows: Sequence[Choice], names: Sequence[str], drawn: np.ndarray, level: float
) -> Iterator[Strength]:
    systems = sorted({system for row in rows for system in (row.first, row.second)})
    tables = np.array([_wins([row for row in rows if row.participant == name], systems) for name in names])
    try:
        found = bradley_terry(tables.sum(0))
    except UserError:
        return  # systems that never met have no strengths on one scale
    samples = list(_strength_draws(tables, drawn, found.smoothed))
    for number, system in enumerate(systems):
        own = [float(sample[number]) for sample in samples]
        yield Strength(question, system, _interval(float(found.strengths[number]), own, level), found.smoothed)


def _strength_draws(tables: np.ndarray, drawn: np.ndarray, smoothed: bool) -> Iterator[np.ndarray]:
    """Strengths of drawn participants; draws in which some systems did not meet are passed over."""
    for draw in drawn:
        with suppress(UserError):
            yield bradley_terry(tables[draw].sum(0), smooth=smoothed or None).strengths


def _wins(rows: Sequence[Choice], systems: Sequence[str]) -> np.ndarray:
    """How often each system (row) was preferred to each other (column); no preference is half a win for both."""
    wins = np.zeros((len(systems), len(systems)))
    for row in rows:
        first, second = systems.index(row.first), systems.index(row.second)
        share = 0.5 if not row.winner else float(row.winner == row.first)
        wins[first, second] += share
        wins[second, first] += 1 - share
    return wins
