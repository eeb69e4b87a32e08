"""The files that participants of a listening test hand in, each checked before it counts."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from megami.errors import UserError

FORMAT, VERSION = "megami-listening-test", 1
MOST_BYTES = 10_000_000
ANSWERS = ("A", "B", "none")


@dataclass(frozen=True)
class Participant:
    """Who took the test, and how."""

    id: str
    experience: str
    playback: str
    age_group: str
    volume_db: float
    seconds: float
    comment: str


@dataclass(frozen=True)
class Rating:
    """One handle on one axis. rating: 0 to 100. repeat: the second appearance of a system on its page."""

    participant: str
    page: str
    system: str
    question: str
    rating: float
    repeat: bool
    plays: int
    seconds_listened: float


@dataclass(frozen=True)
class Choice:
    """One comparison. winner: `first`, `second`, or "" for no preference. first was heard as A, second as B."""

    participant: str
    page: str
    question: str
    first: str
    second: str
    winner: str


@dataclass(frozen=True)
class ListeningResults:
    """What a folder of results holds, in long form: one row for each answer.

    problems: one line for each file that was left out or is odd, with its name.
    """

    test: str
    title: str
    participants: tuple[Participant, ...]
    ratings: tuple[Rating, ...]
    choices: tuple[Choice, ...]
    problems: tuple[str, ...]


class _Broken(Exception):
    """Says what is wrong with a file."""


@dataclass(frozen=True)
class _Sheet:
    """One checked file."""

    file: str
    test: str
    title: str
    screens: int
    finished: str
    participant: Participant
    ratings: tuple[Rating, ...]
    choices: tuple[Choice, ...]


def read_listening_results(folder: str | Path, test: str | None = None) -> ListeningResults:
    """Read all results (*.json) of one listening test in a folder.

    test: its id; left out, the test that most files are of. A file that is broken, unfinished, or of another test is
    left out, and so are all but the first finished of one participant's: `problems` names them. Raises UserError if
    the folder cannot be read, or no file in it is of use.
    """
    folder = Path(folder)
    try:
        files = sorted(path for path in folder.iterdir() if path.suffix.lower() == ".json")
    except OSError as error:
        raise UserError(f"cannot read the folder of results {folder}: {error.strerror or error}") from error
    sheets, problems = [], []
    for path in files:
        try:
            sheets.append(_sheet(path.name, _json(path)))
        except _Broken as error:
            problems.append(f"{path.name} is left out: {error}")
    test = test or _most_frequent([sheet.test for sheet in sheets])
    problems += [
        f"{sheet.file} is left out: it is of the test {sheet.test}, not {test}"
        for sheet in sheets
        if sheet.test != test
    ]
    kept, doubles = _one_each([sheet for sheet in sheets if sheet.test == test])
    problems += doubles
    if not kept:
        told = f": {problems[0]}" if problems else ", there are no .json files"
        raise UserError(f"no results of a listening test in {folder}{told}")
    return ListeningResults(
        kept[0].test,
        kept[0].title,
        tuple(sheet.participant for sheet in kept),
        tuple(row for sheet in kept for row in sheet.ratings),
        tuple(row for sheet in kept for row in sheet.choices),
        tuple(problems),
    )


def _most_frequent(tests: list[str]) -> str:
    counted = Counter(tests).most_common(2)
    if len(counted) == 2 and counted[0][1] == counted[1][1]:
        raise UserError(f"the results are of several tests ({', '.join(sorted(set(tests)))}): say which by `test`")
    return counted[0][0] if counted else ""


def _one_each(sheets: list[_Sheet]) -> tuple[list[_Sheet], list[str]]:
    """The first finished sheet of each participant, who came to it fresh; and a line for each of the others."""
    kept: dict[str, _Sheet] = {}
    problems = []
    for sheet in sorted(sheets, key=lambda one: (one.finished, one.file)):
        first = kept.setdefault(sheet.participant.id, sheet)
        if first is not sheet:
            same = (first.ratings, first.choices) == (sheet.ratings, sheet.choices)
            what = "the same answers again" if same else "other answers, given later"
            problems.append(f"{sheet.file} is left out: {what} of participant {first.participant.id!r} ({first.file})")
    return sorted(kept.values(), key=lambda one: one.participant.id), problems


# ---- one file ----


def _json(path: Path) -> object:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise _Broken("it is too large for a file of results")
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise _Broken(f"it cannot be read ({error.strerror or error})") from error
    except (ValueError, RecursionError) as error:  # no UTF-8, no JSON, or numbers and depths beyond reason
        raise _Broken("it is not JSON") from error


def _sheet(file: str, data: object) -> _Sheet:
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise _Broken("it does not come from a listening test")
    if data.get("version") != VERSION:
        raise _Broken(f"it has version {data.get('version')!r} of the format, and only {VERSION} is known")
    if data.get("complete") is not True:
        raise _Broken("the test was not finished")
    test, who = _part(data, "test", dict), _part(data, "participant", dict)
    name = _part(who, "id", str)
    if not name.strip():
        raise _Broken("its participant has no code")
    screens = _part(data, "screens", list)
    if len(screens) != _part(test, "screens", int) or not screens:
        raise _Broken(f"it has {len(screens)} screens, and the test has {test['screens']}")
    ratings: list[Rating] = []
    choices: list[Choice] = []
    for screen in screens:
        if not isinstance(screen, dict) or screen.get("kind") not in ("rating", "pair"):
            raise _Broken("a screen is of no known kind")
        if screen["kind"] == "rating":
            ratings += _ratings(name, screen)
        else:
            choices.append(_choice(name, screen))
    experience, playback, age_group = (_part(who, key, str) for key in ("experience", "playback", "age_group"))
    participant = Participant(
        name,
        experience,
        playback,
        age_group,
        _number(data, "volume_db"),
        _number(data, "seconds", 0),
        _part(data, "comment", str),
    )
    return _Sheet(
        file, _part(test, "id", str), _part(test, "title", str), len(screens), _part(data, "finished", str),
        participant, tuple(ratings), tuple(choices),
    )  # fmt: skip


def _ratings(participant: str, screen: dict) -> Iterator[Rating]:
    page, questions, seen = _part(screen, "page", str), None, set()
    for made in _part(screen, "stimuli", list):
        if not isinstance(made, dict):
            raise _Broken(f"a version of {page!r} is not described")
        system, repeat = _part(made, "system", str), _part(made, "repeat", bool)
        values = _part(made, "ratings", dict)
        questions = questions or set(values)
        if (system, repeat) in seen or set(values) != questions or not questions:
            raise _Broken(f"the ratings of {page!r} are not one for each version and question")
        seen.add((system, repeat))
        heard = (int(_number(made, "plays", 0)), _number(made, "seconds_listened", 0))
        for question in values:
            yield Rating(participant, page, system, question, _number(values, question, 0, 100), repeat, *heard)
    if not seen:
        raise _Broken(f"there are no ratings of {page!r}")


def _choice(participant: str, screen: dict) -> Choice:
    page, made = _part(screen, "page", str), _part(screen, "stimuli", list)
    if len(made) != 2 or not all(isinstance(one, dict) for one in made):
        raise _Broken(f"a comparison of {page!r} is not of two versions")
    first, second = (_part(one, "system", str) for one in made)
    answer = _part(screen, "answer", str)
    if answer not in ANSWERS or first == second:
        raise _Broken(f"a comparison of {page!r} has no answer that can be read")
    winner = {"A": first, "B": second, "none": ""}[answer]
    return Choice(participant, page, _part(screen, "question", str), first, second, winner)


def _part(data: dict, key: str, kind: type) -> Any:
    """An entry that must be there and of this kind."""
    value = data.get(key)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise _Broken(f"its entry {key!r} is missing or of the wrong kind")
    return value


def _number(data: dict, key: str, low: float = -math.inf, high: float = math.inf) -> float:
    """An entry that must be a finite number in a range."""
    value = data.get(key)
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or not abs(value) < 1e12
        or not low <= value <= high
    ):
        raise _Broken(f"its entry {key!r} is not a number that can be")
    return float(value)
