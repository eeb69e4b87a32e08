"""The mixing desk in a real browser, against a live kernel: load, draw, keep, wish, export, and come back."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from megami.audio import framed_level_db, read_audio
from megami.notebook.desk_session import DeskSession

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 3.0  # of the sample song
FONTS = "https://cdn.jsdelivr.net/npm/@fortawesome"  # Voila asks for icons there; the desk does without
PATIENCE = 60.0  # seconds; a machine may have other work to do


def until(found: Callable[[], object], what: str) -> object:
    """Wait until something is there."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if value := found():
            return value
        time.sleep(0.2)
    raise AssertionError(f"never came: {what}")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the desk writes."""
    return tmp_path_factory.mktemp("desk")


@pytest.fixture(scope="module")
def address(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Voila server over examples/desk.ipynb, as `make desk` starts it."""
    if importlib.util.find_spec("voila") is None:
        pytest.skip("voila is not installed: pip install megami[desk]")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = {"MEGAMI_DESK": str(folder), "MEGAMI_DESK_SECONDS": str(SECONDS), "MEGAMI_DESK_FROM": str(ROOT)}
    homes = {name: str(tmp_path_factory.mktemp("jupyter")) for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR")}
    command = [sys.executable, "-m", "voila", str(ROOT / "examples" / "desk.ipynb"), "--no-browser", f"--port={port}"]
    log = (tmp_path_factory.mktemp("voila") / "log.txt").open("w+")
    server = subprocess.Popen(command, env={**os.environ, **settings, **homes}, stdout=log, stderr=log, cwd=folder)
    try:
        url = f"http://127.0.0.1:{port}/"

        def answers() -> bool:
            assert server.poll() is None, Path(log.name).read_text()
            try:
                return urllib.request.urlopen(f"{url}voila/api/shutdown/", timeout=5).status > 0
            except urllib.error.HTTPError:
                return True
            except OSError:
                return False

        until(answers, "an answer of Voila")
        yield url
    finally:
        server.terminate()  # with its kernels
        server.wait(30)
        log.close()


class DeskPage:
    """The desk in the browser."""

    def __init__(self, browser: object, address: str) -> None:
        self.browser = browser
        browser.get("about:blank")
        browser.get_log("browser")
        browser.get(address)
        until(lambda: self.find(".megami-desk-key-l") and self.status, "the desk")

    def find(self, selector: str) -> list:
        return self.browser.find_elements("css selector", f".megami-desk {selector}")

    @property
    def status(self) -> str:
        return next((one.text for one in self.find(".megami-desk-status")), "")

    def says(self, pattern: str) -> str:
        """Wait until the status line is like this."""
        until(lambda: re.search(pattern, self.status), f"{pattern!r}, but {self.status!r}")
        until(lambda: not self.browser.find_elements("css selector", ".megami-desk-busy"), "the end of the work")
        return self.status

    def press(self, key: str) -> None:
        """Press a key while nothing in particular has the focus."""
        self.browser.execute_script("document.activeElement.blur()")
        self.browser.find_element("css selector", "body").send_keys(key)

    def choose(self, label: str, option: str) -> None:
        from selenium.webdriver.support.ui import Select

        until(lambda: self.find(f'select[aria-label="{label}"]'), label)
        Select(self.find(f'select[aria-label="{label}"]')[0]).select_by_visible_text(option)

    def errors(self) -> list[str]:
        found = self.browser.get_log("browser")
        return [one["message"] for one in found if one["level"] == "SEVERE" and FONTS not in one["message"]]


def level_over_others_db(tracks: dict[str, torch.Tensor], rate: int, name: str) -> float:
    """Level of a wet track against the sum of the others, in dB, each in its loudest 400 ms."""
    others = sum(audio for other, audio in tracks.items() if other != name)
    powers = [(10 ** (framed_level_db(one, rate) / 10)).sum() for one in (tracks[name], others)]
    return float(10 * torch.log10(powers[0] / powers[1]))


def test_a_song_is_loaded_drawn_directed_and_exported(browser: object, address: str, folder: Path) -> None:
    from selenium.webdriver.common.keys import Keys

    page = DeskPage(browser, address)
    page.press("d")
    assert page.says("Not done") == "Not done: no song is on the desk: load one first"
    page.choose("sample", "paper_boats")
    page.press("l")
    assert page.says("tracks") == f"paper_boats: 7 tracks of {SECONDS:.1f} s"
    page.press("d")
    assert page.says("drawn") == "drawn: Take 1"
    page.choose("vocal: keep it from", "Take 1")
    handle = page.find('.noUi-handle[aria-label="vocal: level"]')[0]
    for _ in range(4):  # half a decibel each
        handle.send_keys(Keys.ARROW_RIGHT)
    wished = {"vocal": {"level": 2.0}}  # all four steps have arrived
    until(lambda: json.loads((folder / "desk.json").read_text())["wishes"] == wished, "the wish")
    page.press("d")
    assert page.says("Take 2") == "drawn: Take 2 (vocal kept from Take 1; vocal level +2 dB)"
    page.press("e")
    assert str(folder / "take-2") in page.says("is in")
    assert not page.errors()

    stems = {path.stem: read_audio(path)[0] for path in (folder / "take-2" / "stems").iterdir()}
    desk = DeskSession(folder, seconds=SECONDS)
    desk.restore()
    takes = [dict(zip(desk.mix(name).names, desk.mix(name).tracks, strict=True)) for name in ("Take 1", "Take 2")]
    assert all((stems[name] - takes[1][name]).abs().max() < 2**-22 for name in stems) and len(stems) == 7

    def likeness(name: str) -> float:
        """Of spectrograms: a wish may move an echo by half a millisecond, which waveforms notice and ears do not."""
        both = torch.stack([stems[name], takes[0][name]])
        window = torch.hann_window(2048)
        first, second = torch.stft(both.flatten(0, 1), 2048, 512, window=window, return_complex=True).abs().chunk(2)
        return float(torch.cosine_similarity(first.flatten(), second.flatten(), dim=0))

    assert likeness("vocal") > 0.99 and min(map(likeness, stems)) < 0.95  # others were drawn anew
    vocal = desk.state.takes["Take 1"].plan
    (without,) = desk.mixer.mix(desk.song, keep={"vocal": vocal}, seed=desk.state.takes["Take 2"].seed)
    plain = dict(zip(without.names, without.tracks, strict=True))
    louder = [level_over_others_db(tracks, desk.rate, "vocal") for tracks in (plain, stems)]
    assert louder[1] - louder[0] == pytest.approx(2.0, abs=0.5)
    (wish,) = json.loads((folder / "take-2" / "settings.json").read_text())["wishes"]
    assert wish["met"] and wish["wished"] - wish["take"] == pytest.approx(2.0, abs=0.02)
    assert {path.name for path in (folder / "take-2").iterdir()} == {
        "mix.wav",
        "stems",
        "settings.json",
        "session.dawproject",
    }


def test_a_new_kernel_brings_the_desk_back_and_every_control_has_a_name_and_its_keys(
    browser: object, address: str, folder: Path
) -> None:
    page = DeskPage(browser, address)
    page.says("paper_boats is on the desk again, with 2 takes")
    names = browser.execute_script(
        "return [...document.querySelector('.megami-desk .megami-widget').shadowRoot.querySelectorAll('.name')]"
        ".map((one) => one.textContent)"
    )
    assert names == ["Dry sum", "Take 1", "Take 2"]
    unnamed = browser.execute_script("""
      const named = (one) => (one.getAttribute("aria-label") || one.textContent.trim() || one.title ||
        [...(one.labels ?? [])].map((label) => label.textContent).join("")).trim();
      const reached = (one) => one.tabIndex >= 0 || one.isContentEditable;
      const controls = [...document.querySelectorAll(
        ".megami-desk :is(button, select, input, .noUi-handle, .widget-readout)")]
        .filter((one) => one.getClientRects().length);
      return [controls.length, controls.filter((one) => !named(one) || !reached(one))
        .map((one) => one.outerHTML.slice(0, 200))];""")
    assert unnamed[0] > 60 and unnamed[1] == []
    # JupyterLab listens on the document, where d twice would delete the cell of the desk.
    browser.execute_script("document.addEventListener('keydown', (event) => (window.seen = event.key), true)")
    page.find(".megami-desk-key-l")[0].send_keys("z")
    assert browser.execute_script("return window.seen") is None
    stems = page.find("input[type=text]")[0]
    stems.clear()
    stems.send_keys("/nowhere/at/all\t")
    page.press("l")
    assert "/nowhere/at/all" in page.says("Not done")
    assert "Traceback" not in browser.find_element("css selector", "body").text
    assert not page.errors()
    assert len(json.loads((folder / "desk.json").read_text())["takes"]) == 2
