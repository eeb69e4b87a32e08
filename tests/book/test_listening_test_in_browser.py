"""A listening test as participants take it: blind, in an order of their own, and what they answer is what is read."""

from __future__ import annotations

import base64
import json
import math
from pathlib import Path

import pytest
import torch
from pages import SAMPLE_RATE, open_file, tone

pytest.importorskip("selenium", reason="selenium is not installed: pip install megami[test]")
from participant import Participant
from reader import (
    Reader,
    allow_downloads,
    as_desktop,
    as_phone,
    downloaded,
    in_sandbox,
    open_afresh,
    page_of,
    serious_faults,
)
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from megami.notebook import (
    CLARITY,
    PRODUCTION_VALUE,
    ListeningTestOptions,
    PairPage,
    RatingPage,
    listening_test,
    listening_test_page,
    read_listening_results,
)

QUICK = ListeningTestOptions(introduction="Welcome.\n\nListen well.", least_seconds=0.15, user_agent=True)
QUESTIONS = (PRODUCTION_VALUE, CLARITY)


def versions(hz: float) -> list[tuple[str, torch.Tensor]]:
    return [(system, tone(hz * ratio, 2.0)) for system, ratio in (("raw", 1.0), ("ours", 1.25), ("theirs", 1.5))]


PAGES = [
    RatingPage("First song", versions(220), QUESTIONS, repeat="ours"),
    RatingPage("Second song", versions(330), QUESTIONS),
    PairPage("First song", versions(220), no_preference=True),
]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return listening_test_page(
        tmp_path_factory.mktemp("test") / "test.html", PAGES, SAMPLE_RATE, "Which mix?", options=QUICK
    )


def test_a_whole_test_by_keyboard_with_a_reload_in_the_middle(page: object, written: Path, tmp_path: Path) -> None:
    open_afresh(page, written)
    allow_downloads(page, tmp_path)
    one = Participant(page)
    one.start("p 07")
    one.train()
    moves = [Keys.PAGE_UP, Keys.PAGE_DOWN, Keys.ARROW_LEFT, Keys.END]
    rated = []
    for screen in range(2):
        count = len(one.labels())
        keys = {
            question.name: [moves[(i + n + screen) % 4] for i in range(count)] for n, question in enumerate(QUESTIONS)
        }
        song = one.text(".song")
        if screen == 0:
            one.rate({PRODUCTION_VALUE.name: keys[PRODUCTION_VALUE.name]})
            before = one.ask("widget.screen.axes[0].values")
            page.refresh()  # in the middle of a page
            assert one.text(".song") == song and one.ask("widget.screen.axes[0].values") == before
            keys = {PRODUCTION_VALUE.name: [Keys.HOME] * count, CLARITY.name: keys[CLARITY.name]}
        rated.append((song, one.rate(keys)))
        one.go_on()
    chosen = []
    for key, answer in (("1", "A"), ("0", "none"), ("2", "B")):
        one.listen("a")
        one.listen("b")
        one.press(key)
        chosen.append(answer)
        one.go_on()
    assert one.text(".heading") == "Thank you"
    one.tab_to("element.matches('.comment')")
    one.press("Fine 🎧")
    one.tab_to("element.matches('.save')")
    one.press(Keys.ENTER)
    saved = json.loads(downloaded(tmp_path, "listening-*-p-07.json").read_text(encoding="utf-8"))
    assert (
        saved["complete"]
        and saved["comment"] == "Fine 🎧"
        and saved["reloads"] == 1
        and "Chrome" in saved["user_agent"]
    )
    who = saved["participant"]
    assert (who["id"], who["experience"], who["playback"], who["age_group"]) == ("p 07", "none", "headphones", "")
    assert who["seed"] == f"{saved['test']['id']}:p 07"
    assert [(screen["page"], ratings_of(screen)) for screen in saved["screens"][:2]] == rated
    assert [screen["answer"] for screen in saved["screens"][2:]] == chosen
    assert hidden_names_are_right(one, saved)
    for screen in saved["screens"]:
        assert all(made["plays"] >= 1 and made["seconds_listened"] >= 0.1 for made in screen["stimuli"])
        assert screen["seconds"] >= sum(made["seconds_listened"] for made in screen["stimuli"]) - 0.5
    assert sum(made["repeat"] for screen in saved["screens"] for made in screen["stimuli"]) == 1
    assert_read_back(tmp_path, saved, rated, chosen)


def assert_read_back(folder: Path, saved: dict, rated: list[tuple[str, dict]], chosen: list[str]) -> None:
    """What Python reads from the file is what was answered on the page."""
    results = read_listening_results(folder)
    assert results.problems == () and [who.id for who in results.participants] == ["p 07"]
    rows = {(row.page, row.question, row.system, row.repeat): row.rating for row in results.ratings}
    for (song, values), screen in zip(rated, saved["screens"], strict=False):
        for question, places in values.items():
            for made, place in zip(screen["stimuli"], places, strict=True):
                assert rows.pop((song, question, made["system"], made["repeat"])) == place
    assert rows == {}
    winners = [
        {"A": row.first, "B": row.second, "none": ""}[answer]
        for row, answer in zip(results.choices, chosen, strict=True)
    ]
    assert [row.winner for row in results.choices] == winners


def ratings_of(screen: dict) -> dict[str, list[int]]:
    return {q.name: [made["ratings"][q.name] for made in screen["stimuli"]] for q in QUESTIONS}


def hidden_names_are_right(reader: Reader, saved: dict) -> bool:
    """Is each answer filed under the system whose sound was played?"""
    config = reader.ask("widget.config")
    systems = json.loads(base64.b64decode(config["key"]))
    right = {
        (page["song"], config["hashes"][sound], system)
        for page, names in zip(config["pages"], systems, strict=True)
        for sound, system in zip(page["sounds"], names, strict=True)
    }
    filed = {
        (screen["page"], made["sha256"], made["system"]) for screen in saved["screens"] for made in screen["stimuli"]
    }
    return filed == right


def test_every_version_must_be_heard_and_every_handle_moved(page: object, written: Path) -> None:
    open_afresh(page, written)
    one = Participant(page)
    one.part(".next").click()
    one.wait_for("root.querySelector('.status').textContent.includes('how much you have mixed')")
    one.start()
    one.go_on()
    one.wait_for("root.querySelector('.status').textContent.includes('Listen to 1, 2 and 3')")
    one.train()
    for label in one.labels():
        one.listen(label)
    one.go_on()
    one.wait_for("root.querySelector('.status').textContent.includes('Move 1, 2')")
    assert one.ask("widget.state.place") == 0


def test_what_is_clicked_is_heard_and_handles_follow_the_mouse(page: object, written: Path) -> None:
    from selenium.webdriver.common.action_chains import ActionChains

    open_afresh(page, written)
    one = Participant(page)
    one.start("mouse")
    one.train()
    handle = one.parts(".handle .number")[2]
    start, width = one.ask("[widget.screen.axes[0].values[2], widget.screen.axes[0].rail.clientWidth]")
    ActionChains(page).move_to_element(handle).click().perform()
    one.wait_for("engine.voice?.index === 2")
    assert one.ask("widget.screen.axes[0].moved") == [False] * len(one.labels())
    by = 40 if start < 50 else -40
    ActionChains(page).move_to_element(handle).click_and_hold().move_by_offset(by * width // 200, 0).move_by_offset(
        by * width // 200, 0
    ).release().perform()
    dragged = one.ask("widget.screen.axes[0].values[2]")
    assert dragged == pytest.approx(start + by, abs=2)
    one.press(Keys.ARROW_RIGHT)  # the focus stays on the handle
    assert one.ask("widget.screen.axes[0].values[2]") == dragged + 1
    level = one.ask("widget.screen.axes[1].element.querySelectorAll('.chosen').length")
    assert level == 1  # the same version stands out on the other axis


PLANS = """
const plan = (seed) => widget.constructor.planOf(widget.config.pages, seed);
const seeds = Array.from({ length: 600 }, (_, number) => `test:p-${number}`);
return seeds.map((seed) => ({ plan: plan(seed), again: JSON.stringify(plan(seed)) === JSON.stringify(plan(seed)) }));
"""


def test_orders_are_random_and_can_be_made_again(page: object, written: Path) -> None:
    open_afresh(page, written)
    found = page.execute_script("const widget = document.querySelector('.megami-widget').megamiWidget;" + PLANS)
    assert all(one["again"] for one in found)
    plans = [one["plan"] for one in found]
    assert all([screen["kind"] for screen in plan] == ["rating"] * 2 + ["pair"] * 3 for plan in plans)

    def share(true: list[bool], expected: float) -> None:
        spread = math.sqrt(expected * (1 - expected) / len(true))
        assert abs(sum(true) / len(true) - expected) < 5 * spread

    share([plan[0]["page"] == 0 for plan in plans], 1 / 2)
    second = [next(screen for screen in plan if screen["page"] == 1) for plan in plans]
    first = [next(screen for screen in plan if screen["page"] == 0) for plan in plans]
    for place in range(3):
        for version in range(3):
            share([screen["order"][place]["version"] == version for screen in second], 1 / 3)
    for place in range(4):
        share([screen["order"][place]["repeat"] for screen in first], 1 / 4)
    share([plan[2]["order"][0]["version"] < plan[2]["order"][1]["version"] for plan in plans], 1 / 2)
    for pair in ({0, 1}, {0, 2}, {1, 2}):
        share([{made["version"] for made in plan[2]["order"]} == pair for plan in plans], 1 / 3)
    starts = [place for screen in second for row in screen["starts"] for place in row]
    assert min(starts) == 10 and max(starts) == 90 and abs(sum(starts) / len(starts) - 50) < 3
    assert len({json.dumps(plan) for plan in plans}) == len(plans)


def test_the_volume_is_set_by_keys_and_kept(page: object, written: Path) -> None:
    open_afresh(page, written)
    one = Participant(page)
    one.start("quiet")
    one.listen("1")
    one.tab_to("element.matches('.volume')")
    one.press(*[Keys.ARROW_LEFT] * 6)
    quiet = pytest.approx(10 ** (-6 / 20), abs=1e-4)
    assert one.text(".decibels") == "\N{MINUS SIGN}6 dB"
    one.wait_for("Math.abs(engine.output.gain.value - 10 ** (-6 / 20)) < 1e-4")
    page.refresh()
    one.train()
    one.listen("1")
    assert one.ask("widget.state.volume_db") == -6 and one.ask("engine.output.gain.value") == quiet


def test_sound_in_files_beside_a_page_from_disk(page: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A chapter opened from disk: scripts may not read the files, so <audio> elements play them."""
    monkeypatch.setenv("MEGAMI_BOOK_AUDIO", str(tmp_path / "_audio"))
    options = ListeningTestOptions(least_seconds=0.1)
    widget = listening_test([RatingPage("Song", versions(220))], SAMPLE_RATE, description="Tones", options=options)
    open_afresh(page, page_of(tmp_path / "book.html", widget.html))
    one = Participant(page)
    one.start("reader")
    assert one.ask("engine.constructor.name") == "StreamEngine"
    one.train()
    one.rate({PRODUCTION_VALUE.name: [Keys.HOME, Keys.END, Keys.HOME]})
    one.go_on()
    made = one.ask("widget.results().screens[0].stimuli")
    assert [stimulus["ratings"][PRODUCTION_VALUE.name] for stimulus in made] == [0, 100, 0]
    assert all(stimulus["seconds_listened"] > 0 for stimulus in made)


def test_nothing_tells_who_made_which_version(page: object, written: Path) -> None:
    open_afresh(page, written)
    one = Participant(page)
    one.start()
    one.train()
    everything = page.execute_script(
        "const host = document.querySelector('.megami-widget');"
        "return host.outerHTML.replace(/base64,[^\"]*/g, '') + host.shadowRoot.innerHTML"
    )
    words = everything.lower()
    assert "ours" not in words.replace("yours", "").replace("hours", "") and "theirs" not in words


def test_another_participant_starts_anew(page: object, written: Path) -> None:
    open_afresh(page, written)
    one = Participant(page)
    one.start("one")
    one.ask("(widget.screen.leave(), widget.screen = null, widget.state.place = widget.plan.length - 1, 0)")
    one.ask(
        "(widget.plan.forEach((step, place) => { widget.state.records[place] = { plays: [], seconds: [], elapsed: 1,"
        " values: step.starts, moved: step.starts }; }), widget.goOn())"
    )
    one.part(".restart").click()
    assert one.text(".heading") == "Thank you"  # it asks first
    one.part(".restart").click()
    assert one.text(".heading") == "Before you start" and page.execute_script("return localStorage.length") == 0


def test_it_works_in_a_sandboxed_frame(page: object, tmp_path: Path) -> None:
    pages = [PairPage("Song", versions(220)[:2])]
    options = ListeningTestOptions(training=False, least_seconds=0.1)
    widget = listening_test(pages, SAMPLE_RATE, "In place", description="Two tones", options=options)
    open_file(page, in_sandbox(tmp_path / "frame.html", widget.html))
    page.switch_to.frame(page.find_element(By.TAG_NAME, "iframe"))
    one = Participant(page)
    one.part("[name=id]").click()
    one.start("boxed")
    one.listen("a")
    one.listen("b")
    one.press("2")
    assert not [button for button in one.parts(".answer") if button.is_displayed() and "No preference" in button.text]
    one.go_on()
    area = one.part(".results textarea")
    assert area.is_displayed()
    saved = json.loads(area.get_attribute("value"))
    assert saved["participant"]["id"] == "boxed" and saved["screens"][0]["answer"] == "B"
    page.switch_to.default_content()


def test_a_finger_moves_handles_on_a_phone(page: object, written: Path) -> None:
    def no_sideways_scroll() -> bool:
        return page.execute_script("return document.documentElement.scrollWidth <= window.innerWidth")

    try:
        as_phone(page)
        open_afresh(page, written)
        one = Participant(page)
        assert no_sideways_scroll()
        one.start("phone")
        assert no_sideways_scroll()
        one.train()
        assert no_sideways_scroll()
        one.ask("(widget.screen.axes[0].values.splice(0, 3, 10, 50, 90), widget.screen.axes[0].show())")
        handle = one.parts(".handle .number")[1]
        width = one.ask("widget.screen.axes[0].rail.clientWidth")
        one.touch_drag(handle, width * 0.2)
        assert one.ask("widget.screen.axes[0].values[1]") == pytest.approx(70, abs=2)
        assert one.ask("widget.screen.axes[0].moved[1]") and one.ask("engine.index") == 1
        shown = [part for part in one.parts("button, .number, input, summary") if part.is_displayed()]
        assert all(part.size["height"] >= 24 and part.size["width"] >= 24 for part in shown)
    finally:
        as_desktop(page)


def test_axe_finds_nothing_serious_on_any_screen(page: object, written: Path) -> None:
    open_afresh(page, written)
    one = Participant(page)
    assert serious_faults(page) == []
    one.start()
    assert serious_faults(page) == []
    one.train()
    one.press("2")
    assert serious_faults(page) == []
    one.ask("(widget.screen.missing = () => '', widget.goOn(), widget.screen.missing = () => '', widget.goOn())")
    assert serious_faults(page) == []
    one.ask("[1, 2, 3].forEach(() => { widget.screen.missing = () => ''; widget.goOn(); })")
    one.part(".results summary").click()
    assert one.text(".heading") == "Thank you" and serious_faults(page) == []
