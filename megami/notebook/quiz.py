"""Quiz: questions between the paragraphs of a chapter, with an explanation for every answer; no kernel is needed."""

from __future__ import annotations

import html
import math
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from megami.errors import UserError
from megami.notebook.bundle import short_hash
from megami.notebook.stores import store_here
from megami.notebook.widget import Widget, build_widget


@dataclass(frozen=True)
class Option:
    """One answer to choose: its words, whether it is right, and what is said to someone who chose it."""

    text: str
    right: bool
    feedback: str


@dataclass(frozen=True)
class Choice:
    """A question with answers to choose from; with several right ones, all of them must be chosen and no other."""

    text: str
    options: tuple[Option, ...]
    explanation: str
    kind: str = "choice"


@dataclass(frozen=True)
class Numeric:
    """A question whose answer is a number, right within a tolerance."""

    text: str
    answer: float
    tolerance: float
    unit: str
    explanation: str
    kind: str = "numeric"


@dataclass(frozen=True)
class Ordering:
    """A question that asks for an order; `items` stand in the right one."""

    text: str
    items: tuple[str, ...]
    explanation: str
    kind: str = "ordering"


Question = Choice | Numeric | Ordering


def choice(text: str, options: Sequence[tuple[str, bool, str]], explanation: str) -> Choice:
    """Ask for one answer of several, or for all right ones of several.

    options: (answer, whether it is right, what to say to a reader who chose it) each. explanation: shown after a right
    answer, or on request. Text may hold `code`, *emphasis* and **strong** words. Raises UserError without a right
    answer, or with fewer than two answers.
    """
    made = tuple(Option(*option) for option in options)
    if len(made) < 2 or not any(option.right for option in made):
        raise UserError(f"the question {text!r} needs at least two answers, one of them right")
    if len({option.text for option in made}) < len(made):
        raise UserError(f"the question {text!r} has the same answer twice")
    return Choice(text, made, explanation)


def numeric(text: str, answer: float, tolerance: float, explanation: str, unit: str = "") -> Numeric:
    """Ask for a number.

    Answers within `tolerance` of `answer` are right; commas and points both separate decimals. unit: shown behind the
    field. Raises UserError if the answer is not finite or the tolerance is not above zero.
    """
    if not math.isfinite(answer) or not tolerance > 0:
        raise UserError(f"the question {text!r} needs a finite answer and a tolerance above zero")
    return Numeric(text, float(answer), float(tolerance), unit, explanation)


def ordering(text: str, items: Sequence[str], explanation: str) -> Ordering:
    """Ask for an order. items: at least three, different, in the right order; the page shuffles them."""
    if len(items) < 3 or len(set(items)) < len(items):
        raise UserError(f"the question {text!r} needs at least three different items")
    return Ordering(text, tuple(items), explanation)


def quiz(questions: Sequence[Question] | Question, title: str = "", *, description: str) -> Widget:
    """Ask a few questions in a page; the answers are kept in the reader's browser, and nothing is sent anywhere.

    questions: from `choice`, `numeric` and `ordering`. title: shown above them. description: what the quiz is about,
    for screen readers. Raises UserError without a question or a description.
    """
    asked = [questions] if isinstance(questions, Choice | Numeric | Ordering) else list(questions)
    if not asked:
        raise UserError("a quiz needs at least one question")
    config = {"title": title, "questions": [_as_json(question) for question in asked]}
    config["identity"] = short_hash(repr(asked) + title)
    fallback = "\n".join(_plain(question) for question in asked)
    return build_widget("quiz", config, description, fallback, store_here())


def _as_json(question: Question) -> dict[str, object]:
    """A question with its words as HTML."""
    found = asdict(question)
    for key in ("text", "explanation"):
        found[key] = _marked_up(found[key])
    if isinstance(question, Choice):
        found["options"] = [
            {"text": _marked_up(option.text), "right": option.right, "feedback": _marked_up(option.feedback)}
            for option in question.options
        ]
    if isinstance(question, Ordering):
        found["items"] = [_marked_up(item) for item in question.items]
    return found


def _marked_up(text: str) -> str:
    """`code`, *emphasis* and **strong** as HTML; everything else is taken literally."""
    pieces = re.split(r"`([^`]+)`", html.escape(text, quote=False))
    for index, piece in enumerate(pieces):
        if index % 2:
            pieces[index] = f"<code>{piece}</code>"
        else:
            strong = re.sub(r"\*\*([^*]+)\*\*", r"<strong>\1</strong>", piece)
            pieces[index] = re.sub(r"\*([^*\s][^*]*)\*", r"<em>\1</em>", strong)
    return "".join(pieces)


def _plain(question: Question) -> str:
    """A question where scripts do not run: the answer unfolds."""
    if isinstance(question, Choice):
        items = [_marked_up(option.text) for option in question.options]
        answer = "; ".join(_marked_up(option.text) for option in question.options if option.right)
    elif isinstance(question, Ordering):
        items = sorted(_marked_up(item) for item in question.items)
        answer = ", ".join(_marked_up(item) for item in question.items)
    else:
        items, answer = [], html.escape(f"{question.answer:g} {question.unit}".strip())
    listed = f"<ul>{''.join(f'<li>{item}</li>' for item in items)}</ul>" if items else ""
    explanation = f"<p>{answer}. {_marked_up(question.explanation)}</p>"
    return f"<p>{_marked_up(question.text)}</p>{listed}<details><summary>Answer</summary>{explanation}</details>"
