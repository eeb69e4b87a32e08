"""A headless Chromium for the tests of rendered pages; without one on the machine they are skipped with a message."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from megami.notebook.widget import together

SAMPLE_RATE = 44100
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def _program(*names: str) -> str | None:
    return next((found for name in names if (found := shutil.which(name))), None)


@pytest.fixture(scope="session")
def browser() -> Iterator[object]:
    """A selenium driver without network access, sound going nowhere; console errors are kept."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed: pip install megami[test]")
    chromium, driver = _program(*BROWSERS), _program("chromedriver", "chromium-driver")
    if not chromium or not driver:
        pytest.skip("no Chromium with chromedriver on this machine: rendered pages are not tested")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in (
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--mute-audio",
        "--hide-scrollbars",
        "--window-size=1280,900",
        "--disable-background-networking",
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
    ):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    os.environ.setdefault("SE_OFFLINE", "true")
    window = webdriver.Chrome(options=options, service=webdriver.ChromeService(executable_path=driver))
    window.set_script_timeout(20)
    yield window
    window.quit()


@pytest.fixture
def page(browser: object) -> Iterator[object]:
    """The browser on an empty page, with an empty console; at the end the console must hold no errors."""
    browser.get("about:blank")
    browser.get_log("browser")
    yield browser
    errors = [entry["message"] for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]
    browser.get("about:blank")  # else the last player goes on, and takes a processor from all other tests
    assert not errors, errors


def tone(hz: float, seconds: float, gain: float = 0.2, channels: int = 2) -> torch.Tensor:
    """A sine [channels, samples]."""
    time = torch.arange(round(seconds * SAMPLE_RATE), dtype=torch.float64) / SAMPLE_RATE
    return (gain * torch.sin(2 * torch.pi * hz * time)).float().expand(channels, -1).clone()


def open_file(driver: object, path: Path) -> None:
    """Load a page from disk."""
    driver.get(path.resolve().as_uri())


def written_page(path: Path, *widgets: object, ground: str = "white") -> Path:
    """A page from disk with widgets on it, on a light or dark ground."""
    colour = "black" if ground == "white" else "white"
    path.write_text(
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Widgets</title>'
        '<link rel="icon" href="data:,"><meta name="viewport" content="width=device-width, initial-scale=1"></head>'
        f'<body style="background: {ground}; color: {colour}; margin: 8px">'
        f"<main>{together(widgets)}</main></body></html>",
        encoding="utf-8",
    )
    return path


def shadow_parts(driver: object, selector: str, number: int = 0) -> list:
    """Elements inside a widget of the page."""
    host = driver.find_elements("css selector", ".megami-widget")[number]
    return host.shadow_root.find_elements("css selector", selector)
