"""The listening test that a class is handed: made by its script, taken in a browser, read and analysed."""

from __future__ import annotations

import importlib.util
import json
from collections import Counter
from pathlib import Path

import pytest

pytest.importorskip("selenium", reason="selenium is not installed: pip install megami[test]")
from participant import Participant
from reader import allow_downloads, downloaded, open_afresh, serious_faults
from selenium.webdriver.common.keys import Keys

from megami.evaluation.listening_versions import LISTENED_SONGS, SYSTEM_OF, VERSIONS
from megami.notebook import CLARITY, PRODUCTION_VALUE, plot_rating_boxes, read_listening_results, summarise_listening
from megami.notebook.hand_out import NOTE, PAIRS, REPEATED

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "make_listening_test.py"


@pytest.fixture(scope="module")
def handed_out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page, of five seconds of both songs; the folder held somebody's answers before."""
    spec = importlib.util.spec_from_file_location("make_listening_test", SCRIPT)
    assert spec and spec.loader
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    folder = tmp_path_factory.mktemp("listening_test")
    (folder / "results").mkdir()
    (folder / "results" / "someone.json").write_text("{}")
    page = script.make_listening_test(folder, start_s=14.0, seconds=5.0)
    assert (folder / "results" / "someone.json").read_text() == "{}"
    assert all(version in (folder / NOTE).read_text(encoding="utf-8") for version in VERSIONS)
    return page


def test_it_is_taken_and_its_answers_are_read_and_analysed(page: object, handed_out: Path, tmp_path: Path) -> None:
    open_afresh(page, handed_out)
    allow_downloads(page, tmp_path)
    one = Participant(page)
    one.ask("widget.config.leastSeconds = 0.1")  # who takes the test listens longer
    one.start("p 1")
    one.train()
    moves = [Keys.PAGE_UP, Keys.PAGE_DOWN, Keys.ARROW_LEFT, Keys.END, Keys.HOME]
    moved: dict[str, dict[str, list[int]]] = {}
    for _ in LISTENED_SONGS:
        labels = one.labels()
        assert len(labels) == len(VERSIONS) + 1
        keys = {
            question.name: [moves[(place + shift) % len(moves)] for place in range(len(labels))]
            for shift, question in enumerate((PRODUCTION_VALUE, CLARITY))
        }
        moved[one.text(".song")] = one.rate(keys)
        one.go_on()
    for _ in range(len(PAIRS) * len(LISTENED_SONGS)):
        one.listen("a")
        one.listen("b")
        one.press("1")
        one.go_on()
    assert one.text(".heading") == "Thank you" and "whoever handed you this page" in page.page_source + one.text(
        ".page"
    )
    one.tab_to("element.matches('.save')")
    one.press(Keys.ENTER)
    saved = json.loads(downloaded(tmp_path, "listening-*.json").read_text(encoding="utf-8"))

    results = read_listening_results(tmp_path)
    assert results.problems == () and results.title == "Which mix?"
    by_song = Counter((row.page, row.system) for row in results.ratings)
    assert by_song == {
        (song, version): 4 if version == REPEATED else 2 for song in LISTENED_SONGS.values() for version in VERSIONS
    }
    compared = Counter(frozenset((row.first, row.second)) for row in results.choices)
    assert compared == {frozenset(pair): len(LISTENED_SONGS) for pair in PAIRS}
    assert all(row.winner == row.first for row in results.choices)

    summary = summarise_listening(results, seed=0)
    values: dict[tuple[str, str], list[int]] = {}
    for screen in saved["screens"][: len(LISTENED_SONGS)]:
        for question, places in moved[screen["page"]].items():
            for made, place in zip(screen["stimuli"], places, strict=True):
                if not made["repeat"]:
                    values.setdefault((question, made["system"]), []).append(place)
    assert {(row.question, row.system): row.mean.value for row in summary.ratings} == {
        key: pytest.approx(sum(places) / len(places)) for key, places in values.items()
    }
    boxes = plot_rating_boxes(results, system_of=SYSTEM_OF, alt="Box plots of one participant's ratings.")
    assert [axis.get_title(loc="left") for axis in boxes.figure.axes] == [PRODUCTION_VALUE.name, CLARITY.name]


def test_it_can_be_taken_by_everybody_and_tells_no_names(page: object, handed_out: Path) -> None:
    open_afresh(page, handed_out)
    one = Participant(page)
    assert "voluntary" in one.text(".page") and serious_faults(page) == []
    one.start("p 2")
    one.train()
    shown = page.execute_script("return document.querySelector('.megami-widget').shadowRoot.textContent").lower()
    assert not [name for name in ("raw sum", "regression", "engineer", "take 1") if name in shown]
