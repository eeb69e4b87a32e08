"""Every page of the built book through axe-core, in light mode on a desk and in dark mode on a phone.

Contrast does not change with the width, nor what can be reached with the mode, so two of the four cases say it all.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from axe import grave_faults
from built_book import HTML, NOT_BUILT, PAGES, served

pytestmark = pytest.mark.skipif(not PAGES, reason=NOT_BUILT)

# Colours are compared after every transition has ended. The mode is set as the theme's own switch sets it.
MODE = """
localStorage.setItem("mode", arguments[0]);
localStorage.setItem("theme", arguments[0]);
document.documentElement.dataset.mode = document.documentElement.dataset.theme = arguments[0];
const still = document.createElement("style");
still.textContent = "*, *::before, *::after { transition: none !important; animation: none !important; }";
document.head.append(still);
"""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Where the book is served."""
    with served(HTML) as url:
        yield url


@pytest.mark.parametrize(("width", "mode"), [(1280, "light"), (390, "dark")])
@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_axe_finds_nothing_grave(browser: object, address: str, path: Path, width: int, mode: str) -> None:
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    features = [{"name": "prefers-color-scheme", "value": mode}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    try:
        browser.get(f"{address}/{path.relative_to(HTML).as_posix()}")
        browser.execute_script(MODE, mode)
        found = grave_faults(browser)
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
        browser.get("about:blank")
    assert not found, "\n".join(found)
