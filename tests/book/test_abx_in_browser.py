"""A/B/X as a listener does it: X is hidden, answers are counted, the p-value is right, results can be taken away."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest
import scipy.stats
import torch
from pages import SAMPLE_RATE, open_file, tone

pytest.importorskip("selenium", reason="selenium is not installed: pip install megami[test]")
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

from megami.notebook import abx

TRUTH = "engine.copies[2] === 0 ? 'A' : 'B'"


@pytest.fixture(scope="module")
def widget() -> str:
    low, high = (torch.cat([tone(hz, 2.0), tone(2 * hz, 2.0)], dim=-1) for hz in (220, 277))
    return abx(("low", low), ("high", high), SAMPLE_RATE, "Which?", description="Two tones", trials=6).html


@pytest.fixture
def reader(page: object, widget: str, tmp_path: Path) -> Reader:
    return open_afresh(page, page_of(tmp_path / "abx.html", widget))


def answer(reader: Reader, right: bool, key: bool = True) -> None:
    """Listen to X, then answer."""
    reader.press("x") if key else reader.parts(".choose")[2].click()
    reader.wait_for("engine.voice?.index === 2 && widget.listened.plays[2] > 0")
    says_a = (reader.ask(TRUTH) == "A") == right
    reader.press("1" if says_a else "2") if key else reader.parts(".answer")[0 if says_a else 1].click()


def start(reader: Reader) -> None:
    reader.part(".play").click()
    reader.wait_for("engine.playing && engine.voice")


def results(reader: Reader) -> dict:
    return json.loads(reader.part(".results textarea").get_attribute("value"))


def test_a_whole_test_by_keyboard(reader: Reader, page: object, tmp_path: Path) -> None:
    allow_downloads(page, tmp_path / "down")
    start(reader)
    told = [True, True, False, True, True, True]
    for number, right in enumerate(told, start=1):
        assert reader.text(".progress") == f"Trial {number} of 6"
        answer(reader, right)
    assert reader.text(".score") == "5 of 6 right (p = 0.109)"
    assert "10.9 %" in reader.text(".meaning") and "does not show" in reader.text(".meaning")
    reader.part(".save").click()
    saved = json.loads(downloaded(tmp_path / "down", "abx-*.json").read_text(encoding="utf-8"))
    assert saved == results(reader)
    assert [trial["right"] for trial in saved["trials"]] == told
    assert all((trial["x"] == trial["answer"]) == trial["right"] for trial in saved["trials"])
    assert saved["p_value"] == pytest.approx(scipy.stats.binomtest(5, 6, alternative="greater").pvalue, rel=1e-12)
    assert (saved["a"], saved["b"], saved["attempt"]) == ("low", "high", 1)
    assert all(trial["plays"]["X"] >= 1 for trial in saved["trials"])


def test_the_p_value_is_scipys(reader: Reader) -> None:
    cases = [(right, trials) for trials in (1, 2, 5, 10, 16, 37, 100) for right in range(trials + 1)]
    ours = reader.ask(f"{json.dumps(cases)}.map(([k, n]) => widget.constructor.chanceByGuessing(k, n))")
    theirs = [scipy.stats.binomtest(right, trials, alternative="greater").pvalue for right, trials in cases]
    assert ours == pytest.approx(theirs, rel=1e-10)


def test_x_is_drawn_at_random(reader: Reader) -> None:
    """240 trials: both come, neither too often (six standard deviations), and changes as often as stays."""
    start(reader)
    drawn = ""
    for _ in range(40):
        drawn += reader.ask(
            "Array.from({ length: 6 }, () => { const x = " + TRUTH + "; widget.listened.plays[2] = 1;"
            " root.querySelector('.answer').click(); return x; }).join('')"
        )
        reader.ask("root.querySelector('.restart').click()")
    changes = sum(one != other for one, other in itertools.pairwise(drawn))
    assert abs(drawn.count("A") - 120) < 47 and abs(changes - 120) < 47


def everything(reader: Reader) -> str:
    """All that the page's elements hold: of the widget, and of the page around it."""
    page = reader.ask("document.documentElement.outerHTML.replace(/<script>[^]*?<\\/script>/g, '') + root.innerHTML")
    return page + str(reader.ask("[...root.querySelectorAll('canvas')].map((canvas) => canvas.toDataURL())"))


def test_nothing_on_the_page_tells_what_x_is(reader: Reader) -> None:
    start(reader)
    seen: dict[str, set[str]] = {"A": set(), "B": set()}
    while not (seen["A"] and seen["B"]):
        reader.ask("widget.transport.pause()")
        reader.ask("(widget.transport.seek(0), root.querySelectorAll('.choose')[2].click())")
        seen[reader.ask(TRUTH)].add(everything(reader))
        reader.ask("root.querySelector('.restart').click()")
    assert len(seen["A"] | seen["B"]) == 1
    page = seen["A"].pop()
    assert "Trial 1 of 6" in page and page.count("<audio") == 2


def test_switching_keeps_the_place_and_changes_the_sound(reader: Reader) -> None:
    start(reader)
    reader.wait_for("engine.position() > 0.3")
    for index, key in enumerate("abx"):
        before, clock = reader.ask("[engine.position(), engine.context.currentTime]")
        reader.press(key)
        reader.wait_for(f"engine.voice?.index === {index}")
        after, later = reader.ask("[engine.position(), engine.context.currentTime]")
        assert (after - before - (later - clock) + 2) % 4 - 2 == pytest.approx(0, abs=0.05)
        pressed = [button.get_attribute("aria-pressed") for button in reader.parts(".choose")]
        assert pressed == [str(number == index).lower() for number in range(3)]
    buffers = reader.ask(
        "[0, 1, 2].map((index) => Array.from(engine.decoded[index].buffer.getChannelData(0).slice(9000, 9050)))"
    )
    assert buffers[0] != buffers[1] and buffers[2] == buffers[0 if reader.ask(TRUTH) == "A" else 1]


SWITCHES = """
const host = document.querySelector('.megami-widget'), engine = host.megamiWidget.engine, done = arguments[1];
const offline = new OfflineAudioContext(1, 44100, 44100), goOn = offline.resume.bind(offline);
offline.resume = async () => {};
window.megamiAudioContext = offline;
(async () => {
  engine.copy(arguments[0], 2);
  await engine.loadAll();
  await engine.load(2);
  await engine.play();
  offline.suspend(0.5).then(async () => { await engine.select(2); goOn(); });
  done(Array.from((await offline.startRendering()).getChannelData(0)));
})();
"""


@pytest.mark.parametrize("copied", [0, 1])
def test_every_switch_goes_through_silence(reader: Reader, page: object, copied: int) -> None:
    """From A to X: were the fade a crossfade, equal recordings would pass without a trace and betray themselves."""
    sound = torch.tensor(page.execute_async_script(SWITCHES, copied)).abs()
    loudest = [float(piece.max()) for piece in sound[round(0.45 * 44100) : round(0.6 * 44100)].split(44)]
    assert min(loudest) < 1e-4 < 0.1 < max(loudest)


def test_answers_need_x_to_be_heard(reader: Reader) -> None:
    reader.parts(".answer")[0].click()
    reader.wait_for("root.querySelector('.status').textContent.includes('Listen to X first')")
    assert reader.text(".progress") == "Trial 1 of 6"


def test_answers_survive_a_reload_and_x_is_drawn_anew(reader: Reader, page: object) -> None:
    start(reader)
    answer(reader, right=True, key=False)
    answer(reader, right=False, key=False)
    stored = page.execute_script("return JSON.stringify({ ...localStorage })")
    assert stored.count("right") == 2
    page.refresh()
    assert reader.text(".progress") == "Trial 3 of 6"
    start(reader)
    for _ in range(4):
        answer(reader, right=True)
    page.refresh()
    assert reader.text(".score").startswith("5 of 6 right")
    reader.part(".restart").click()
    assert reader.text(".progress") == "Trial 1 of 6" and not reader.part(".outcome").is_displayed()
    start(reader)
    for _ in range(6):
        answer(reader, right=True)
    assert reader.text(".score") == "6 of 6 right (p = 0.016)" and "attempt 2" in reader.text(".again")
    assert "speaks for a difference that you heard" in reader.text(".meaning")


def test_it_works_in_a_sandboxed_frame(page: object, widget: str, tmp_path: Path) -> None:
    open_file(page, in_sandbox(tmp_path / "sandbox.html", widget))
    page.switch_to.frame(page.find_element(By.TAG_NAME, "iframe"))
    reader = Reader(page)
    start(reader)
    for _ in range(6):
        answer(reader, right=True)
    area = reader.part(".results textarea")
    assert area.is_displayed() and json.loads(area.get_attribute("value"))["right"] == 6
    reader.part(".copy").click()
    assert reader.ask(
        "root.activeElement.value.slice(root.activeElement.selectionStart, root.activeElement.selectionEnd)"
    ) == area.get_attribute("value")
    page.switch_to.default_content()


def test_sound_in_files_beside_a_page_from_disk(page: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A chapter opened from disk: scripts may not read the files, so <audio> elements play them, X one of its own."""
    monkeypatch.setenv("MEGAMI_BOOK_AUDIO", str(tmp_path / "_audio"))
    made = abx(("low", tone(220, 2.0)), ("high", tone(277, 2.0)), SAMPLE_RATE, description="Two tones", trials=2)
    reader = open_afresh(page, page_of(tmp_path / "book.html", made.html))
    reader.part(".play").click()
    reader.wait_for("engine.constructor.name === 'StreamEngine' && engine.position() > 0")
    for trial in range(2):
        reader.press("x")
        reader.wait_for("widget.listened.plays[2] > 0 && !engine.elements[2].paused")
        assert not reader.ask("engine.elements[2].isConnected")
        source = reader.ask("engine.elements.slice(0, 2).findIndex((one) => one.src === engine.elements[2].src)")
        reader.press("1")
        reader.wait_for(f"widget.run.trials.length === {trial + 1}")
        assert reader.ask(f"widget.run.trials[{trial}].x") == "AB"[source]
    assert "of 2 right" in reader.text(".score") and "With so few trials" in reader.text(".meaning")


def test_a_finger_does_the_test_on_a_phone(page: object, widget: str, tmp_path: Path) -> None:
    try:
        as_phone(page)
        reader = open_afresh(page, page_of(tmp_path / "phone.html", widget))
        assert page.execute_script("return document.documentElement.scrollWidth <= window.innerWidth")
        reader.tap(reader.part(".play"))
        reader.wait_for("engine.voice")
        for number in range(6):
            reader.tap(reader.parts(".choose")[2])
            reader.wait_for("widget.listened.plays[2] > 0")
            reader.tap(reader.parts(".answer")[0])
            reader.wait_for(f"widget.run.trials.length === {number + 1}")
        assert "of 6 right" in reader.text(".score")
        shown = [one for one in reader.parts("button, summary") if one.is_displayed()]
        assert all(one.size["height"] >= 24 and one.size["width"] >= 24 for one in shown)
        assert page.execute_script("return document.documentElement.scrollWidth <= window.innerWidth")
    finally:
        as_desktop(page)


def test_axe_finds_nothing_serious(reader: Reader, page: object) -> None:
    assert serious_faults(page) == []
    start(reader)
    reader.press("?")
    for _ in range(6):
        answer(reader, right=True)
    reader.part(".results summary").click()
    reader.part(".by-trial summary").click()
    assert serious_faults(page) == []


def test_keys_elsewhere_are_left_alone(reader: Reader, page: object) -> None:
    page.execute_script("document.activeElement.blur()")
    reader.press("x", "1", Keys.SPACE)
    assert reader.ask("engine.index") == 0 and not reader.ask("engine.playing")
