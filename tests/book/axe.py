"""axe-core on the page that is open: what it finds serious or critical."""

from __future__ import annotations

from pathlib import Path

import pytest

GRAVE = ("serious", "critical")
RUN = """
const done = arguments[0];
axe
  .run(document, { resultTypes: ["violations"] })
  .then((found) => done(found.violations), (error) => done(String(error)));
"""


def grave_faults(driver: object) -> list[str]:
    """One line for each rule that is broken gravely, with the first places; the test is skipped without axe-core."""
    axe = pytest.importorskip("selenium_axe_python", reason="axe-core is not installed: pip install megami[test]")
    driver.execute_script((Path(axe.__file__).parent / "axe-core" / "axe.min.js").read_text(encoding="utf-8"))
    driver.set_script_timeout(180)
    found = driver.execute_async_script(RUN)
    assert isinstance(found, list), found
    return [_told(rule) for rule in found if rule["impact"] in GRAVE]


def _told(rule: dict) -> str:
    places = [node["html"][:160] for node in rule["nodes"][:4]]
    return f"{rule['id']} ({rule['impact']}): {rule['help']}: {places}"
