"""What a quiz hands to the page: checked questions, words that cannot break out, answers where no script runs."""

from __future__ import annotations

import html
import json
import re

import pytest

from megami.errors import UserError
from megami.notebook import choice, numeric, ordering, quiz

FADERS = choice(
    "Which is *louder*?",
    [("`-3` dB", True, "Yes."), ("-6 dB", False, "Half the amplitude.")],
    "Decibels below zero count **downwards**.",
)


def config(page: str) -> dict:
    return json.loads(html.unescape(re.search(r'data-config="([^"]+)"', page)[1]))


def test_words_are_marked_up_and_everything_else_is_literal() -> None:
    asked = choice("a < b & `x*y*z`", [("<script>", True, "a * b * c"), ("n", False, "")], "</script>")
    question = config(quiz(asked, description="one question").html)["questions"][0]
    assert question["text"] == "a &lt; b &amp; <code>x*y*z</code>"
    assert question["options"][0] == {"text": "&lt;script&gt;", "right": True, "feedback": "a * b * c"}
    assert config(quiz(FADERS, description="d").html)["questions"][0]["explanation"].endswith(
        "<strong>downwards</strong>."
    )


def test_without_scripts_the_answers_unfold() -> None:
    asked = [FADERS, numeric("How many?", 4.5, 0.1, "Count.", "dB"), ordering("Sort.", ["a", "b", "c"], "By name.")]
    body = quiz(asked, description="three questions").body
    assert body.count("<details><summary>Answer</summary>") == 3
    assert "<p>4.5 dB. Count.</p>" in body and "<p>a, b, c. By name.</p>" in body


def test_the_same_quiz_keeps_its_answers_and_a_changed_one_begins_anew() -> None:
    def identity(unit: str) -> str:
        return config(quiz(numeric("?", 1, 0.1, "", unit), description="d").html)["identity"]

    assert identity("dB") == identity("dB") != identity("Hz")


@pytest.mark.parametrize(
    "make",
    [
        lambda: choice("?", [("a", True, "")], ""),
        lambda: choice("?", [("a", False, ""), ("b", False, "")], ""),
        lambda: choice("?", [("a", True, ""), ("a", False, "")], ""),
        lambda: numeric("?", float("nan"), 1, ""),
        lambda: numeric("?", 1, 0, ""),
        lambda: ordering("?", ["a", "b"], ""),
        lambda: ordering("?", ["a", "b", "b"], ""),
        lambda: quiz([], description="d"),
        lambda: quiz(FADERS, description=""),
    ],
)
def test_questions_that_cannot_be_asked_are_refused(make: object) -> None:
    with pytest.raises(UserError):
        make()
