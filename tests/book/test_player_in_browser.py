"""The listening page as a reader meets it: real clicks and keys in a headless Chromium, sound through Web Audio."""

from __future__ import annotations

import functools
import http.server
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from pages import SAMPLE_RATE, open_file, tone

from megami.notebook import listening_page, player

pytest.importorskip("selenium", reason="selenium is not installed: pip install megami[test]")
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

HOST = "const host = document.querySelectorAll('.megami-widget')[arguments[0]];"
POSITION = HOST + "return host.megamiWidget.engine.position();"
PLAYING = HOST + "return host.megamiWidget.engine.playing;"
CHOSEN = HOST + "return host.megamiWidget.engine.index;"


@pytest.fixture(scope="module")
def songs() -> list[tuple[str, torch.Tensor]]:
    """Three versions of one eight-second "song", at different levels."""
    melody = torch.cat([tone(hz, 1.0) for hz in (220, 330, 440, 330, 262, 349, 440, 220)], dim=-1)
    return [("Raw sum", 0.1 * melody), ("Mix 1", 0.8 * melody), ("Mix 2", melody * torch.tensor([[0.3], [0.9]]))]


@pytest.fixture(scope="module")
def written(songs: list, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "listen.html"
    return listening_page(path, songs, SAMPLE_RATE, "Test song", captions=["dry", "one", "two"])


def part(driver: object, selector: str, number: int = 0) -> object:
    return parts(driver, selector, number)[0]


def parts(driver: object, selector: str, number: int = 0) -> list:
    host = driver.find_elements(By.CSS_SELECTOR, ".megami-widget")[number]
    return host.shadow_root.find_elements(By.CSS_SELECTOR, selector)


def press(driver: object, *keys: str) -> None:
    ActionChains(driver).send_keys(*keys).perform()


def position(driver: object, number: int = 0) -> float:
    return driver.execute_script(POSITION, number)


def wait_for(driver: object, condition: str, number: int = 0, seconds: float = 30) -> None:
    """Wait until a condition on `player` and `engine` holds in the page; machines that run tests may be busy."""
    script = HOST + f"const player = host.megamiWidget, engine = player.engine; return Boolean({condition});"
    end = time.monotonic() + seconds
    while not driver.execute_script(script, number):
        assert time.monotonic() < end, f"did not come about: {condition}"
        time.sleep(0.03)


def wait_until_moving(driver: object, number: int = 0, beyond: float = 0.05) -> None:
    wait_for(driver, f"engine.playing && engine.position() > {beyond}", number)


def test_the_play_button_plays_and_pauses(page: object, written: Path) -> None:
    open_file(page, written)
    button = part(page, ".play")
    assert button.get_attribute("aria-label") == "Play"
    part(page, ".loop").click()
    button.click()
    wait_until_moving(page, beyond=0.2)
    assert button.get_attribute("aria-pressed") == "true" and button.get_attribute("aria-label") == "Pause"
    button.click()
    stopped = position(page)
    time.sleep(0.2)
    assert position(page) == stopped and not page.execute_script(PLAYING, 0)


# The position just before a switch and 300 ms later, and how far the clock went meanwhile: the audio clock if there is
# one, since a busy machine may let the sound wait.
SWITCH_AND_MEASURE = (
    HOST
    + """
const engine = host.megamiWidget.engine, done = arguments[2];
const clock = () => engine.context ? engine.context.currentTime : performance.now() / 1000;
const [position, time] = [engine.position(), clock()];
host.shadowRoot.querySelectorAll(".choose")[arguments[1]].click();
setTimeout(() => done([engine.position() - position, clock() - time, engine.voice?.index ?? engine.index]), 300);
"""
)
SONG_SECONDS = 8.0


def switch(driver: object, row: int) -> tuple[float, float]:
    """Switch while the song loops; give how far it moved on, and how far it should have."""
    moved, should, heard = driver.execute_async_script(SWITCH_AND_MEASURE, 0, row)
    assert heard == row
    return (moved + SONG_SECONDS / 2) % SONG_SECONDS - SONG_SECONDS / 2, should


def play_in_a_loop(driver: object) -> None:
    part(driver, ".loop").click()
    part(driver, ".play").click()
    wait_for(driver, "engine.playing && engine.position() > 0.3")


def test_switching_keeps_the_position_within_50_ms(page: object, written: Path) -> None:
    open_file(page, written)
    play_in_a_loop(page)
    wait_for(page, "engine.decoded.every((item) => item?.buffer)")
    for row in (1, 2, 0):
        moved, should = switch(page, row)
        assert moved == pytest.approx(should, abs=0.05)


def test_switching_while_paused_keeps_the_position(page: object, written: Path) -> None:
    open_file(page, written)
    page.execute_script(HOST + "host.megamiWidget.transport.seek(3.25)", 0)
    parts(page, ".choose")[2].click()
    assert position(page) == pytest.approx(3.25) and page.execute_script(CHOSEN, 0) == 2
    assert [button.get_attribute("aria-pressed") for button in parts(page, ".choose")] == ["false", "false", "true"]


OFFLINE = (
    HOST
    + """
const [plan, seconds, done] = [arguments[1], arguments[2], arguments[3]];
const engine = host.megamiWidget.engine;
const offline = new OfflineAudioContext(1, seconds * engine.sampleRate, engine.sampleRate);
const goOn = offline.resume.bind(offline);
offline.resume = async () => {};
window.megamiAudioContext = offline;
(async () => {
  for (let item = 0; item < engine.urls.length; item += 1) await engine.load(item);
  await engine.play();
  for (const [time, index] of plan) {
    offline.suspend(time).then(async () => { await engine.select(index); goOn(); });
  }
  const rendered = await offline.startRendering();
  done(Array.from(rendered.getChannelData(0)));
})();
"""
)


def render(page: object, path: Path, plan: list[tuple[float, int]], seconds: float) -> torch.Tensor:
    open_file(page, path)
    return torch.tensor(page.execute_async_script(OFFLINE, 0, plan, seconds), dtype=torch.float64)


def test_switching_between_equal_recordings_cannot_be_heard(page: object, tmp_path: Path) -> None:
    noise = 0.2 * torch.randn(2, SAMPLE_RATE, generator=torch.Generator().manual_seed(0))
    path = listening_page(tmp_path / "null.html", [("A", noise), ("B", noise), ("C", noise)], SAMPLE_RATE, "null test")
    plain = render(page, path, [], 0.9)
    switched = render(page, path, [(0.2, 1), (0.21, 2), (0.4, 0), (0.6, 1)], 0.9)
    assert plain.abs().max() > 0.2
    assert (plain - switched).abs().max() < 1e-4  # the same samples at the same time, all through each crossfade


def test_switching_does_not_click(page: object, tmp_path: Path) -> None:
    items = [("low", tone(200, 1.0)), ("high", tone(300, 1.0))]
    path = listening_page(tmp_path / "click.html", items, SAMPLE_RATE, "click test")
    sound = render(page, path, [(0.4037, 1)], 0.8)
    steps = sound.diff().abs()
    switch = slice(round(0.40 * SAMPLE_RATE), round(0.45 * SAMPLE_RATE))
    steady = slice(round(0.5 * SAMPLE_RATE), round(0.75 * SAMPLE_RATE))
    assert steps[switch].max() < 1.2 * steps[steady].max()


def test_keys_drive_the_page(page: object, written: Path) -> None:
    open_file(page, written)
    press(page, "3")
    assert page.execute_script(CHOSEN, 0) == 2
    press(page, "a")
    assert page.execute_script(CHOSEN, 0) == 0
    press(page, Keys.ARROW_DOWN)
    assert page.execute_script(CHOSEN, 0) == 1
    press(page, Keys.ARROW_RIGHT, Keys.ARROW_RIGHT, Keys.ARROW_LEFT)
    assert position(page) == pytest.approx(2.0)
    press(page, "l")
    assert part(page, ".loop").get_attribute("aria-pressed") == "true"
    press(page, "?")
    assert part(page, ".keys").is_displayed() and part(page, ".help").get_attribute("aria-expanded") == "true"
    press(page, " ")  # the loop is on
    wait_until_moving(page)
    press(page, " ")
    assert not page.execute_script(PLAYING, 0)


def test_space_plays_after_a_click_and_presses_a_button_reached_by_keyboard(page: object, written: Path) -> None:
    open_file(page, written)
    parts(page, ".choose")[1].click()
    press(page, " ")
    assert page.execute_script(PLAYING, 0)
    press(page, " ")
    page.execute_script(HOST + "host.shadowRoot.querySelectorAll('.choose')[2].focus()", 0)
    press(page, " ")
    assert page.execute_script(CHOSEN, 0) == 2 and not page.execute_script(PLAYING, 0)


def test_typing_elsewhere_is_left_alone(page: object, songs: list, tmp_path: Path) -> None:
    path = tmp_path / "notebook.html"
    fragments = "".join(player(songs[:2], SAMPLE_RATE, title=title).html for title in ("first", "second"))
    path.write_text(f"<!DOCTYPE html><meta charset='utf-8'><body><input id='box'>{fragments}", encoding="utf-8")
    open_file(page, path)
    box = page.find_element(By.ID, "box")
    box.click()
    press(page, " l2")
    assert box.get_attribute("value") == " l2"
    page.execute_script("document.activeElement.blur()")
    press(page, " ", "2")  # focus is nowhere: the players of a notebook do not listen
    assert not any(page.execute_script(PLAYING, number) for number in (0, 1))
    assert page.execute_script(CHOSEN, 0) == 0


def test_typing_in_the_listening_page_is_left_alone(page: object, written: Path) -> None:
    open_file(page, written)
    page.execute_script("document.body.prepend(Object.assign(document.createElement('input'), {id: 'box'}))")
    page.find_element(By.ID, "box").click()
    press(page, "2 l")
    assert page.find_element(By.ID, "box").get_attribute("value") == "2 l"
    assert page.execute_script(CHOSEN, 0) == 0 and not page.execute_script(PLAYING, 0)


def test_players_on_one_page_are_separate_and_take_turns(page: object, songs: list, tmp_path: Path) -> None:
    path = tmp_path / "two.html"
    fragments = "".join(player(songs[:2], SAMPLE_RATE, title=title).html for title in ("first", "second"))
    text = f"<!DOCTYPE html><meta charset='utf-8'><body><p class='title'>text</p>{fragments}"
    path.write_text(text, encoding="utf-8")
    open_file(page, path)
    part(page, ".loop", 0).click()
    part(page, ".loop", 1).click()
    part(page, ".play", 0).click()
    wait_until_moving(page, 0)
    parts(page, ".choose", 1)[1].click()
    assert [page.execute_script(CHOSEN, number) for number in (0, 1)] == [0, 1]
    part(page, ".play", 1).click()
    wait_until_moving(page, 1)
    assert [page.execute_script(PLAYING, number) for number in (0, 1)] == [False, True]
    leaked = page.execute_script("return getComputedStyle(document.querySelector('p.title')).fontWeight")
    assert leaked == "400"


def test_clicking_a_picture_goes_there_and_dragging_marks_a_phrase(page: object, written: Path) -> None:
    open_file(page, written)
    lane = parts(page, ".lane")[1]
    width = lane.size["width"]
    ActionChains(page).move_to_element_with_offset(lane, round(width / 4), 0).click().perform()
    assert position(page) == pytest.approx(6.0, abs=0.1) and page.execute_script(CHOSEN, 0) == 1
    ActionChains(page).move_to_element_with_offset(lane, -round(width / 4), 0).click_and_hold().move_by_offset(
        round(width / 8), 0
    ).release().perform()
    region = page.execute_script(HOST + "return host.megamiWidget.transport.region", 0)
    assert (region["start"], region["end"]) == (pytest.approx(2.0, abs=0.1), pytest.approx(3.0, abs=0.1))
    assert position(page) == pytest.approx(region["start"])
    assert part(page, ".loop").get_attribute("aria-pressed") == "true"
    press(page, Keys.ESCAPE)
    assert page.execute_script(HOST + "return host.megamiWidget.transport.region", 0) is None


def test_a_loop_goes_round_and_the_song_ends_without_one(page: object, written: Path) -> None:
    open_file(page, written)
    page.execute_script(HOST + "host.megamiWidget.transport.seek(7.6)", 0)
    part(page, ".play").click()
    wait_for(page, "engine.playing && engine.position() > 7.6 || !engine.playing")
    wait_for(page, "!engine.playing && engine.position() === 0")
    assert part(page, ".play").get_attribute("aria-pressed") == "false"
    press(page, "l")
    page.execute_script(HOST + "host.megamiWidget.transport.seek(7.7)", 0)
    part(page, ".play").click()
    wait_for(page, "engine.playing && engine.position() > 0.1 && engine.position() < 7")


def test_blind_mode_hides_names_and_reveals_them(page: object, written: Path) -> None:
    open_file(page, written)
    part(page, ".blind").click()
    shown = " ".join(row.text for row in parts(page, ".item"))
    assert "Version A" in shown and "Mix" not in shown and "LUFS" not in shown
    part(page, ".blind").click()
    wait_for(page, "host.shadowRoot.querySelector('.status').textContent.includes('was')")
    told = part(page, ".status").text
    assert "Raw sum" in told and "Mix 2" in told
    assert [name.text for name in parts(page, ".name")] == ["Raw sum", "Mix 1", "Mix 2"]


def test_it_is_dark_on_dark_pages_and_fits_a_phone(page: object, written: Path) -> None:
    try:
        dark = {"name": "prefers-color-scheme", "value": "dark"}
        page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [dark]})
        page.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride", {"width": 360, "height": 740, "deviceScaleFactor": 2, "mobile": True}
        )
        open_file(page, written)
        assert "night" in part(page, ".player").get_attribute("class")
        assert page.execute_script("return document.documentElement.scrollWidth <= window.innerWidth")
        assert all(button.size["height"] >= 30 for button in parts(page, "button"))
    finally:
        page.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def test_the_page_asks_for_nothing_from_elsewhere(page: object, written: Path) -> None:
    open_file(page, written)
    play_in_a_loop(page)
    entries = page.execute_script("return performance.getEntriesByType('resource').map((entry) => entry.name)")
    assert [name for name in entries if not name.startswith("data:")] == []


@pytest.fixture
def served(songs: list, tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """The page with its sound in files beside it, on disk and from a server on this machine."""
    path = listening_page(tmp_path / "listen.html", songs, SAMPLE_RATE, "files", audio_files=True)
    handler = functools.partial(QuietHandler, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield path, f"http://127.0.0.1:{server.server_address[1]}/listen.html"
        server.shutdown()


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        """Says nothing."""


@pytest.mark.parametrize("place", ["disk", "server"])
def test_sound_in_files_beside_the_page(page: object, served: tuple[Path, str], place: str) -> None:
    page.get(served[0].as_uri() if place == "disk" else served[1])
    asked = "return performance.getEntriesByType('resource').filter((entry) => entry.name.endsWith('.mp3')).length"
    assert page.execute_script(asked) == 0  # nothing is loaded before it is wanted
    play_in_a_loop(page)
    for row in (1, 0, 1, 2):
        moved, should = switch(page, row)
        assert -0.05 < moved < should + 0.1  # not back to the start, not ahead; it may have had to load first
