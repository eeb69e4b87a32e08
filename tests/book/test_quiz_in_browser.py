"""A quiz as a reader meets it: answers by click, key and touch, what is said to them, and what is kept."""

from __future__ import annotations

from pathlib import Path

import pytest
from pages import drawn, open_file, sandboxed, shadow_parts, written_page

from megami.notebook import choice, numeric, ordering, quiz

pytest.importorskip("selenium", reason="selenium is not installed: pip install megami[test]")
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

ONE = choice("Which is louder?", [("A", True, "Yes, A."), ("B", False, "B is softer.")], "Louder is larger.")
SEVERAL = choice("Which are loud?", [("A", True, "A is."), ("B", True, "B is."), ("C", False, "C is not.")], "Both.")
NUMBER = numeric("Twice the amplitude, in dB?", 6.02, 0.1, "20 log 2.", "dB")
ORDER = ordering("From low to high", ["bass", "voice", "cymbal"], "By frequency.")


@pytest.fixture
def asked(page: object, tmp_path: Path) -> object:
    path = written_page(
        tmp_path / "quiz.html", quiz([ONE, SEVERAL, NUMBER, ORDER], "Loudness", description="Four questions")
    )
    open_file(page, path)
    page.execute_script("localStorage.clear()")
    page.refresh()
    drawn(page)
    return page


def parts(driver: object, question: int, selector: str) -> list:
    return shadow_parts(driver, f".question:nth-child({question}) {selector}")


def feedback(driver: object, question: int) -> str:
    return parts(driver, question, ".feedback")[0].text


def check(driver: object, question: int) -> str:
    parts(driver, question, ".check")[0].click()
    return feedback(driver, question)


def order(driver: object) -> list[str]:
    return [part.text for part in parts(driver, 4, ".order .words")]


def put_in_order(driver: object) -> None:
    """Into the right order with the buttons: the last item down, then the first up."""
    for words, button in (("cymbal", ".down"), ("bass", ".up")):
        for _ in range(2):
            place = order(driver).index(words)
            move = parts(driver, 4, f".order {button}")[place]
            if move.is_enabled():
                move.click()


def test_every_answer_gets_its_own_words(asked: object) -> None:
    assert "Choose an answer first" in check(asked, 1)
    parts(asked, 1, "input")[1].click()
    assert check(asked, 1) == "Not yet. B is softer."
    parts(asked, 1, "input")[0].click()
    assert check(asked, 1) == "Right. Yes, A. Louder is larger."


def test_several_right_answers_must_all_be_chosen(asked: object) -> None:
    parts(asked, 2, "input")[0].click()
    assert "1 more answer is right" in check(asked, 2)
    parts(asked, 2, "input")[2].click()
    assert "C is not." in check(asked, 2)
    parts(asked, 2, "input")[2].click()
    parts(asked, 2, "input")[1].click()
    assert check(asked, 2).startswith("Right.")


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("6", "Right. 20 log 2."),
        ("6,02", "Right. 20 log 2."),
        ("3", "Not yet. The answer is larger."),
        ("-6", "Not yet. The answer is larger. Look at the sign."),
        ("six", "Type a number first."),
    ],
)
def test_numbers(asked: object, typed: str, told: str) -> None:
    parts(asked, 3, "input")[0].send_keys(typed, Keys.ENTER)
    assert feedback(asked, 3) == told


def test_an_order_is_made_with_buttons(asked: object) -> None:
    assert sorted(order(asked)) == ["bass", "cymbal", "voice"] and order(asked) != ["bass", "voice", "cymbal"]
    assert "stand in their places" in check(asked, 4)
    put_in_order(asked)
    assert order(asked) == ["bass", "voice", "cymbal"] and check(asked, 4).startswith("Right.")


def test_an_order_is_made_by_dragging(asked: object) -> None:
    first, last = parts(asked, 4, ".grip")[0], parts(asked, 4, ".grip")[2]
    moved = order(asked)[0]
    asked.execute_script("arguments[0].scrollIntoView({block: 'center'})", first)
    ActionChains(asked).click_and_hold(first).move_to_element_with_offset(last, 0, 4).release().perform()
    assert order(asked)[2] == moved


def test_the_answer_is_shown_on_request_and_counts_as_not_known(asked: object) -> None:
    parts(asked, 1, "input")[1].click()
    check(asked, 1)
    parts(asked, 1, ".reveal")[0].click()
    assert "The answer. Louder is larger." in feedback(asked, 1) and parts(asked, 1, "input")[0].is_selected()


def test_score_and_answers_outlive_a_reload_until_one_starts_again(asked: object) -> None:
    parts(asked, 1, "input")[0].click()
    assert check(asked, 1).startswith("Right.")
    for box in parts(asked, 2, "input")[:2]:
        box.click()
    assert check(asked, 2).startswith("Right.")
    parts(asked, 3, "input")[0].send_keys("5")
    assert check(asked, 3).startswith("Not yet.")
    parts(asked, 3, ".reveal")[0].click()
    put_in_order(asked)
    assert check(asked, 4).startswith("Right.")
    asked.refresh()
    drawn(asked)
    assert feedback(asked, 1).startswith("Right.") and parts(asked, 1, "input")[0].is_selected()
    assert feedback(asked, 2).startswith("Right.") and feedback(asked, 3).startswith("The answer.")
    status = shadow_parts(asked, ".status")[0]
    asked.execute_async_script("setTimeout(arguments[0], 50)")
    assert status.text == "All done: 3 of 4 right at the first try."
    shadow_parts(asked, ".again")[0].click()
    assert not parts(asked, 1, "input")[0].is_selected() and feedback(asked, 2) == ""


def test_it_works_by_keyboard_alone_and_in_a_sandboxed_frame(page: object, tmp_path: Path) -> None:
    body = written_page(tmp_path / "inner.html", quiz(ONE, description="One question")).read_text(encoding="utf-8")
    open_file(page, sandboxed(tmp_path / "outer.html", body))
    page.switch_to.frame(page.find_element("css selector", "iframe"))
    parts(page, 1, "input")[0].send_keys(Keys.SPACE)
    parts(page, 1, ".check")[0].send_keys(Keys.ENTER)
    assert feedback(page, 1).startswith("Right.")
    page.switch_to.default_content()
