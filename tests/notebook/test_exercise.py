"""Checkers say what is right and what is not, whatever a reader hands in; strictly, they raise."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from megami.notebook.exercise import STRICT, Check, checker


@checker("Half the amplitude")
def check_half(check: Check, gain_db: object) -> None:
    check.close("the gain", gain_db, -6.02, tolerance=0.05, unit="dB")


@checker("A doubling function")
def check_double(check: Check, double: object) -> None:
    answer = check.call(double, torch.tensor([1.0, -2.0]))
    if answer is not None:
        check.alike("double([1, -2])", answer, torch.tensor([2.0, -4.0]), tolerance=1e-6)


@pytest.mark.parametrize("answer", [-6.0, np.float32(-6.02), torch.tensor(-6.05), torch.tensor([-6.0])])
def test_right_numbers_of_any_kind(answer: object) -> None:
    check = check_half(answer)
    assert check.right and "is right" in repr(check)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (6.02, "the gain: 6.02 dB is too large"),
        (-60, "the gain: -60 dB is too small"),
        (float("nan"), "not a number at all"),
        ("-6", "should be a number, not a str"),
        (True, "should be a number, not a bool"),
        (torch.zeros(2), "should be a number, not a Tensor"),
        ([], "should be a number, not a list"),
    ],
)
def test_wrong_answers_are_told_what_is_wrong_but_not_the_answer(answer: object, said: str) -> None:
    check = check_half(answer)
    assert not check.right and said in repr(check) and "6.02" not in repr(check).replace("6.02 dB is too large", "")


@pytest.mark.parametrize("answer", [..., None])
def test_no_answer_yet(answer: object) -> None:
    check = check_half(answer)
    assert not check.right and "not answered yet" in repr(check) and "not answered yet" in check._repr_html_()


def _raises(audio: torch.Tensor) -> torch.Tensor:
    raise IndexError("out of range")


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (lambda audio: 2 * audio, "right to 1e-06"),
        (lambda audio: audio + 1, "differs by up to 3, most at [1]"),
        (lambda audio: 2 * audio[:1], "has the shape [1], not [2]"),
        (lambda audio: audio / 0 * 0, "not numbers"),
        (lambda audio: None, "returns nothing"),
        (lambda audio: "two", "should be an array or tensor, not a str"),
        (_raises, "raised IndexError: out of range"),
        (3, "expected a function, not an int"),
    ],
)
def test_functions(function: object, said: str) -> None:
    check = check_double(function)
    assert said in repr(check) and check.right == ("right to" in said)


def test_an_answer_that_breaks_the_checker_is_named() -> None:
    @checker("Odd")
    def check_odd(check: Check, answer: object) -> None:
        check.that(answer["key"] == 1, "", "")

    assert "could not be checked (TypeError" in repr(check_odd(5))


def test_strictly_a_wrong_or_missing_answer_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(STRICT, "strict")
    assert check_half(-6.02).right
    for answer in (1.0, ...):
        with pytest.raises(AssertionError, match="Half the amplitude"):
            check_half(answer)


def test_words_cannot_break_out_of_the_page() -> None:
    check = Check("<b>")
    check.that(False, "", "<script>")
    assert "<script>" not in check._repr_html_() and "&lt;b&gt;" in check._repr_html_()
