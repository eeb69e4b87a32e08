"""Exercises: functions that check a reader's answer and say, in words, what is right and what is not yet.

A chapter writes a checker as a function of a `Check` and the answers, and calls it in the cell below the exercise:

    @checker("Half the amplitude")
    def check_half(check, gain_db):
        check.close("the gain", gain_db, -6.02, tolerance=0.05, unit="dB")

    check_half(gain_db)      # a table of what was checked; `...` or None as an answer: "not answered yet"
"""

from __future__ import annotations

import functools
import html
import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch

STRICT = "MEGAMI_EXERCISES"  # "strict": an answer that is not right raises; `make solutions` sets it


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at: whether it is right, and what to say of it."""

    right: bool
    words: str


@dataclass
class Check:
    """What was found out about an answer: notebooks show it by themselves."""

    name: str
    answered: bool = True
    findings: list[Finding] = field(default_factory=list)

    @property
    def right(self) -> bool:
        """Whether there is an answer, and nothing is wrong with it."""
        return self.answered and bool(self.findings) and all(finding.right for finding in self.findings)

    def that(self, holds: bool, right: str, wrong: str) -> bool:
        """Note whether something holds: what to say if it does, and what if it does not."""
        self.findings.append(Finding(bool(holds), right if holds else wrong))
        return bool(holds)

    def close(self, what: str, value: object, expected: float, *, tolerance: float, unit: str = "") -> bool:
        """Note whether a number lies within a tolerance; a wrong one is called too large or too small, no more."""
        number = _number(value)
        if number is None:
            return self.that(False, "", f"{what} should be a number, not {_kind(value)}")
        shown = f"{what}: {number:.4g} {unit}".strip()
        if math.isnan(number):
            return self.that(False, "", f"{shown} is not a number at all: look for 0/0 or log of a negative value")
        direction = "large" if number > expected else "small"
        return self.that(abs(number - expected) <= tolerance, f"{shown} is right", f"{shown} is too {direction}")

    def shape(self, what: str, value: object, expected: Sequence[int]) -> bool:
        """Note whether an array has a shape; its two shapes are said if not."""
        found = getattr(value, "shape", None)
        if found is None:
            return self.that(False, "", f"{what} should be an array or tensor, not {_kind(value)}")
        same = tuple(found) == tuple(expected)
        words = f"{what} has the shape {list(found)}"
        return self.that(same, words, f"{words}, not {list(expected)}")

    def alike(self, what: str, value: object, expected: torch.Tensor, *, tolerance: float) -> bool:
        """Note whether an array equals another within a tolerance; the place where it is worst is said if not."""
        if not self.shape(what, value, expected.shape):
            return False
        difference = (torch.as_tensor(value).to(expected) - expected).abs()
        if bool(torch.isnan(difference).any()):
            return self.that(False, "", f"{what} holds values that are not numbers")
        worst = float(difference.max()) if difference.numel() else 0.0
        place = [int(index) for index in torch.unravel_index(difference.argmax(), difference.shape)]
        wrong = f"{what} differs by up to {worst:.3g}, most at {place}"
        return self.that(worst <= tolerance, f"{what} is right to {tolerance:g}", wrong)

    def call(self, function: object, *arguments: object) -> object:
        """Call a reader's function; None if it fails, which is noted together with the error that it raised."""
        name = getattr(function, "__name__", "the function")
        if not callable(function):
            self.that(False, "", f"expected a function, not {_kind(function)}")
            return None
        try:
            answer = function(*arguments)
        except Exception as error:  # whatever a reader's code may raise
            self.that(False, "", f"{name} raised {type(error).__name__}: {error}")
            return None
        if answer is None:
            self.that(False, "", f"{name} returns nothing: does it end with `return`?")
        return answer

    def __repr__(self) -> str:
        if not self.answered:
            return f"{self.name}: not answered yet"
        lines = [f"  {'right' if finding.right else 'not yet'}: {finding.words}" for finding in self.findings]
        return "\n".join([f"{self.name}: {'right' if self.right else 'not yet'}", *lines])

    def _repr_html_(self) -> str:
        name = f"<strong>{html.escape(self.name)}</strong>"
        if not self.answered:
            told = "not answered yet. Fill in the cell above, then run this one again."
            return f"<div class='megami-check'><p>{name}: {told}</p></div>"
        rows = "".join(
            f"<li>{'✓' if finding.right else '✗'} {html.escape(finding.words)}</li>" for finding in self.findings
        )
        verdict = "right" if self.right else "not yet"
        return f"<div class='megami-check'><p>{name}: {verdict}</p><ul style='list-style: none'>{rows}</ul></div>"


def checker(name: str) -> Callable[[Callable[..., object]], Callable[..., Check]]:
    """Make a checker of a function(check, *answers) that notes what it finds.

    name: what the exercise is called. The checker takes the answers and returns the `Check`; an answer `...` or None
    means that there is none yet. With MEGAMI_EXERCISES=strict in the environment, it raises AssertionError unless all
    is right: so `make solutions` finds a solution that its own checker refuses.
    """

    def decorate(function: Callable[..., object]) -> Callable[..., Check]:
        @functools.wraps(function)
        def check_answers(*answers: object, **named: object) -> Check:
            check = Check(name)
            given = [*answers, *named.values()]
            check.answered = not any(answer is None or answer is Ellipsis for answer in given)
            if check.answered:
                try:
                    function(check, *answers, **named)
                except Exception as error:  # an answer of a form that nobody thought of
                    check.that(False, "", f"the answer could not be checked ({type(error).__name__}: {error})")
            if os.environ.get(STRICT) == "strict" and not check.right:
                raise AssertionError(repr(check))
            return check

        return check_answers

    return decorate


def _number(value: object) -> float | None:
    """A plain number, or a tensor or array with one element, as float; None for anything else."""
    if isinstance(value, bool | str | bytes):
        return None
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, RuntimeError):
        return None


def _kind(value: object) -> str:
    name = type(value).__name__
    return f"{'an' if name[0].lower() in 'aeiou' else 'a'} {name}"
