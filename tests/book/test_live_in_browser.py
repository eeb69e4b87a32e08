"""A live player in a real browser: rendered anew, it goes on where it was."""

from __future__ import annotations

import time
from pathlib import Path

import torch
from pages import SAMPLE_RATE, open_file, shadow_parts, tone, written_page

from megami.notebook.player import build_player
from megami.notebook.recordings import recordings
from megami.notebook.stores import InlineStore

ENGINE = "const { engine } = document.querySelector('.megami-widget').megamiWidget; return "
ADD = """
const host = document.querySelector(".megami-widget");
host.outerHTML = arguments[0];
for (const text of arguments[1]) document.body.append(Object.assign(document.createElement("script"), { text }));"""


def wait_until_beyond(driver: object, seconds: float) -> float:
    """Wait until the player has played past a place; where it is then."""
    end = time.monotonic() + 30
    while not driver.execute_script(ENGINE + f"engine.playing && engine.position() > {seconds}"):
        assert time.monotonic() < end, f"never came past {seconds} s"
        time.sleep(0.03)
    return driver.execute_script(ENGINE + "engine.position()")


def test_a_player_goes_on_where_the_one_before_it_in_its_group_was(page: object, tmp_path: Path) -> None:
    melody = torch.cat([tone(hz, 10.0) for hz in (220, 330, 440)], dim=-1)
    sound = recordings([("Before", 0.1 * melody), ("After", 0.8 * melody)], SAMPLE_RATE)
    first, second = (build_player(sound, name, None, True, InlineStore(), group="live") for name in ("one", "two"))
    open_file(page, written_page(tmp_path / "live.html", first))
    shadow_parts(page, ".play")[0].click()
    shadow_parts(page, ".choose")[1].click()
    where = wait_until_beyond(page, 1.0)
    page.execute_script(
        ADD, second.body, [tag.removeprefix("<script>").removesuffix("</script>") for tag in second.scripts]
    )
    assert shadow_parts(page, ".title")[0].text == "two"
    assert where < wait_until_beyond(page, where) < where + 15
    assert page.execute_script(ENGINE + "engine.index") == 1
