"""A headless Chromium for the tests of rendered pages; without one on the machine they are skipped with a message."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

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


@pytest.fixture(scope="session")
def band() -> list[tuple[str, torch.Tensor]]:
    """Three stems for a console."""
    import desk  # which imports this file

    return [(name, desk.noise(seed)) for seed, name in enumerate(desk.NAMES)]


@pytest.fixture(scope="session")
def desk(band: list, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page with a console over them."""
    from desk import desk_page

    return desk_page(tmp_path_factory.mktemp("console") / "desk.html", band)


@pytest.fixture(scope="session")
def matching(band: list, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with a target."""
    from desk import TARGET, desk_page

    return desk_page(tmp_path_factory.mktemp("console") / "target.html", band, target=TARGET)
