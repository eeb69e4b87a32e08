"""The listening page with consoles: tabs, keys, width, accessibility."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from axe import grave_faults
from pages import SAMPLE_RATE, open_file, tone

from megami.notebook import listening_page
from megami.notebook.console import build_console
from megami.notebook.stores import InlineStore
from megami.notebook.takes import Take

pytest.importorskip("selenium", reason="selenium is not installed: pip install megami[test]")
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

TAB = "return document.getElementById(arguments[0]).getAttribute('aria-selected')"


@pytest.fixture(scope="module")
def band() -> list[tuple[str, torch.Tensor]]:
    return [(name, tone(hz, 2.0)) for name, hz in (("drums", 110), ("bass", 220), ("vocal", 440))]


@pytest.fixture(scope="module")
def tabbed(band: list, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A listening page with a player, and consoles over two takes in a second tab."""
    takes = [
        Take(
            name,
            f"{name}.wav",
            {},
            build_console(band, SAMPLE_RATE, name, f"Stems of {name}", InlineStore(), keys="page"),
        )
        for name in ("Mix 1", "Mix 2")
    ]
    mixes = [(take.name, tone(330 + 110 * number, 2.0)) for number, take in enumerate(takes)]
    path = tmp_path_factory.mktemp("tabs") / "index.html"
    return listening_page(path, mixes, SAMPLE_RATE, "Song", takes=takes, console_note="A passage.")


def playing(driver: object) -> list[bool]:
    """Which widgets of a page play: the player, then the consoles."""
    hosts = "return [...document.querySelectorAll('.megami-widget')]"
    return driver.execute_script(f"{hosts}.map((host) => host.megamiWidget.engine.playing)")


def test_tabs_of_a_listening_page(page: object, tabbed: Path) -> None:
    open_file(page, tabbed)
    shown = lambda: [host.is_displayed() for host in page.find_elements("css selector", ".megami-widget")]  # noqa: E731
    assert shown() == [True, False, False] and page.execute_script(TAB, "compare-tab") == "true"
    page.find_element("id", "compare-tab").send_keys(Keys.ARROW_RIGHT)
    assert shown() == [False, True, False] and page.execute_script(TAB, "console-tab") == "true"
    assert page.execute_script("return document.activeElement.id") == "console-tab"
    page.execute_script(
        "const select = document.querySelector('.take-choice select');"
        "select.selectedIndex = 1; select.dispatchEvent(new Event('change'));"
    )
    assert shown() == [False, False, True]
    page.find_element("id", "console-tab").send_keys(Keys.HOME)
    assert shown() == [True, False, False]


def test_keys_reach_only_the_widget_that_is_shown(page: object, tabbed: Path) -> None:
    open_file(page, tabbed)
    page.find_element("id", "console-tab").click()
    page.execute_script("document.activeElement.blur()")
    ActionChains(page).send_keys("l", " ").perform()
    assert playing(page) == [False, True, False]
    page.find_element("id", "compare-tab").click()  # what is hidden falls silent
    assert playing(page) == [False, False, False]
    page.execute_script("document.activeElement.blur()")
    ActionChains(page).send_keys("l", " ").perform()
    assert playing(page) == [True, False, False]


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_the_listening_page_fits_a_phone_and_axe_finds_nothing_serious(page: object, tabbed: Path, mode: str) -> None:
    try:
        page.execute_cdp_cmd(
            "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": mode}]}
        )
        page.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride", {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True}
        )
        open_file(page, tabbed)
        for tab in ("compare-tab", "console-tab"):
            page.find_element("id", tab).click()
            assert page.execute_script("return document.documentElement.scrollWidth <= window.innerWidth")
            assert grave_faults(page) == []
    finally:
        page.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
