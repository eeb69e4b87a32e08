"""A reader at a widget: clicks, keys, touches, and what the widget then shows."""

from __future__ import annotations

import time
from pathlib import Path

from axe import grave_faults
from pages import sandboxed
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

PHONE = {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True}


class Reader:
    """Sits before the first widget of a page (or of the frame that the driver is in)."""

    def __init__(self, driver: object) -> None:
        self.driver = driver

    def parts(self, selector: str) -> list[WebElement]:
        host = self.driver.find_element(By.CSS_SELECTOR, ".megami-widget")
        return host.shadow_root.find_elements(By.CSS_SELECTOR, selector)

    def part(self, selector: str) -> WebElement:
        return self.parts(selector)[0]

    def text(self, selector: str) -> str:
        return self.part(selector).text

    def press(self, *keys: str) -> None:
        ActionChains(self.driver).send_keys(*keys).perform()

    def ask(self, expression: str) -> object:
        """What an expression on `widget`, `engine` and `root` gives in the page."""
        return self.driver.execute_script(
            "const host = document.querySelector('.megami-widget'), widget = host.megamiWidget, root = host.shadowRoot,"
            f" engine = widget.engine ?? widget.screen?.engine; return {expression};"
        )

    def wait_for(self, expression: str, seconds: float = 30) -> None:
        """Wait until it is true; machines that run tests may be busy."""
        end = time.monotonic() + seconds
        while not self.ask(f"Boolean({expression})"):
            assert time.monotonic() < end, f"did not come about: {expression}"
            time.sleep(0.02)

    def tap(self, element: WebElement) -> None:
        """A finger's touch in the middle of an element."""
        self.driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", element)
        box = self.driver.execute_script(
            "const box = arguments[0].getBoundingClientRect(); return [box.left, box.top, box.width, box.height]",
            element,
        )
        point = {"x": box[0] + box[2] / 2, "y": box[1] + box[3] / 2}
        self.driver.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [point]})
        self.driver.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})

    def touch_drag(self, element: WebElement, by_pixels: float) -> None:
        """A finger on an element, moved sideways."""
        self.driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", element)
        x, y = self.driver.execute_script(
            "const b = arguments[0].getBoundingClientRect(); return [b.left + b.width / 2, b.top + b.height / 2]",
            element,
        )
        self._touch("touchStart", x, y)
        for step in range(1, 6):
            self._touch("touchMove", x + by_pixels * step / 5, y)
        self.driver.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})

    def _touch(self, kind: str, x: float, y: float) -> None:
        self.driver.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y}]})


def open_afresh(driver: object, path: Path) -> Reader:
    """A page from disk that remembers nothing of earlier visits."""
    driver.get(path.resolve().as_uri())
    driver.execute_script("localStorage.clear(); Storage.prototype.setItem = () => {}")  # what a page saves as it goes
    driver.refresh()
    return Reader(driver)


def as_phone(driver: object) -> None:
    """From now on a phone, 390 px wide, that is touched."""
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", PHONE)
    driver.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": True})


def as_desktop(driver: object) -> None:
    """No phone any more."""
    driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    driver.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": False})


def allow_downloads(driver: object, folder: Path) -> None:
    """Files that a page hands out land in a folder."""
    driver.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(folder.resolve())})


def downloaded(folder: Path, pattern: str, seconds: float = 20) -> Path:
    """The file that came, as soon as it is whole."""
    end = time.monotonic() + seconds
    while True:
        found = [path for path in folder.glob(pattern) if path.suffix != ".crdownload"]
        if found and not list(folder.glob("*.crdownload")):
            return found[0]
        assert time.monotonic() < end, f"no {pattern} in {sorted(folder.iterdir())}"
        time.sleep(0.05)


PAGE = """<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Page</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><style>:root { color-scheme: light dark }</style>
</head><body><main><h1>A page</h1><h2>A widget</h2>{body}</main></body></html>"""


def page_of(path: Path, body: str) -> Path:
    """A page that holds widgets, as a notebook would."""
    path.write_text(PAGE.replace("{body}", body), encoding="utf-8")
    return path


def in_sandbox(path: Path, body: str) -> Path:
    """A page that shows widgets in a frame that may run scripts and nothing else."""
    return sandboxed(path, PAGE.replace("{body}", body))


def serious_faults(driver: object) -> list[str]:
    """What axe-core finds serious or critical on the page, in light and in dark."""
    faults = []
    for scheme in ("light", "dark"):
        feature = {"name": "prefers-color-scheme", "value": scheme}
        driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
        time.sleep(0.6)  # colours fade
        faults += [f"{scheme}: {fault}" for fault in grave_faults(driver)]
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    return faults
