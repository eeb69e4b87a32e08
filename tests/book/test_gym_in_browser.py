"""The Mix Gym in the browser: its measures are Python's, its verdict is right, and its takes can be heard."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from desk import DESK_WIDGET, NAMES, apply, noise, part, status, wait_for
from pages import SAMPLE_RATE, open_file, shadow_parts, written_page

from megami.audio import db_to_gain, integrated_loudness
from megami.errors import UserError
from megami.evaluation.measures.tracks_in_mix import NAMES as MEASURES
from megami.evaluation.measures.tracks_in_mix import track_measures
from megami.notebook import mix_gym

pytest.importorskip("selenium", reason="selenium is not installed: pip install megami[test]")

TRACKS = """
const desk = document.querySelector('.megami-widget').megamiWidget;
return desk.gym.tracks.map((track) => track.map((channel) => Array.from(channel)));
"""
MEASURED = "return desk.gym.measures.map((found) => arguments[0].map((name) => found[name]))"


def balance(stems: torch.Tensor, gains_db: list[float], pans: list[float]) -> torch.Tensor:
    """Stems [tracks, 2, samples] at these levels, and with the far side turned down as the console does."""
    out = []
    for stem, gain_db, pan in zip(stems, gains_db, pans, strict=True):
        far = float(np.cos(abs(pan) * np.pi / 2))
        sides = torch.tensor([far, 1.0] if pan > 0 else [1.0, far])
        out.append(db_to_gain(gain_db) * sides[:, None] * stem)
    return torch.stack(out)


def known_mixes(stems: torch.Tensor) -> dict[str, torch.Tensor]:
    """Five mixes each with the bass in front, and with the vocal in front and the drums at one side."""
    wobble = np.random.default_rng(0).normal(0, 0.7, (10, 3))
    bass = [balance(stems, list(np.array([-3.0, 3.0, -9.0]) + row), [0.0, 0.0, 0.0]) for row in wobble[:5]]
    vocal = [balance(stems, list(np.array([-3.0, -9.0, 6.0]) + row), [0.5, 0.0, 0.0]) for row in wobble[5:]]
    styles = {"Bass first": bass, "Voice first": vocal}
    return {name: torch.stack([track_measures(mix, SAMPLE_RATE) for mix in group]) for name, group in styles.items()}


@pytest.fixture(scope="module")
def stems() -> torch.Tensor:
    return torch.stack([noise(seed) for seed in range(3)])


@pytest.fixture
def gym(stems: torch.Tensor, tmp_path: Path) -> Path:
    takes = [("Take 1", balance(stems, [0.0, 0.0, 0.0], [0.0, 0.3, 0.0])), ("Take 2", 0.5 * stems)]
    items = list(zip(NAMES, stems, strict=True))
    widget = mix_gym(
        items, SAMPLE_RATE, "Gym", description="Three stems to mix.", known=known_mixes(stems), takes=takes,
        bitrate_kbps=256,
    )  # fmt: skip
    return written_page(tmp_path / "gym.html", widget)


def judge(driver: object, tracks: dict) -> None:
    apply(driver, tracks)
    before = driver.execute_script(DESK_WIDGET + "return desk.gym.judgements.length")
    part(driver, ".judge").click()
    wait_for(driver, f"desk.gym.judgements.length > {before} && !desk.$('.judge').disabled", 60)


def test_the_page_measures_what_python_measures(page: object, gym: Path) -> None:
    open_file(page, gym)
    judge(page, {"drums": {"pan": -0.4, "high_db": 6.0}, "bass": {"fader_db": -7.0}, "vocal": {"send_db": -6.0}})
    heard = torch.tensor(page.execute_script(TRACKS), dtype=torch.float32)
    there = np.array(page.execute_script(DESK_WIDGET + MEASURED, list(MEASURES)))
    here = track_measures(heard, SAMPLE_RATE).numpy()
    for place, name in enumerate(MEASURES):
        tolerance = 0.02 if name.endswith("octaves") else 0.2
        assert np.abs(there[:, place] - here[:, place]).max() < tolerance, name
    mixed = page.execute_async_script(
        "const done = arguments[0];" + DESK_WIDGET + "desk.engine.load().then(() => done(desk.gym.tracks[1][0].length))"
    )
    assert mixed == heard.shape[-1]


def test_the_nearest_style_is_the_one_that_was_imitated(page: object, gym: Path) -> None:
    open_file(page, gym)
    assert not part(page, ".verdict").is_displayed()
    judge(page, {"drums": {"fader_db": -3.0}, "bass": {"fader_db": 3.0}, "vocal": {"fader_db": -9.0}})
    assert "“Bass first”" in part(page, ".nearest").text and "Bass first" in status(page)
    away = page.execute_script(DESK_WIDGET + "return desk.gym.distances()")
    assert away[0] < 1.5 < away[1]
    judge(page, {"drums": {"fader_db": -3.0, "pan": 0.5}, "bass": {"fader_db": -9.0}, "vocal": {"fader_db": 6.0}})
    assert "“Voice first”" in part(page, ".nearest").text
    assert len(shadow_parts(page, ".gym-map .mine")) == 2 and len(shadow_parts(page, ".gym-map .dot")) == 10


def test_what_hides_and_what_drowns_is_named(page: object, gym: Path) -> None:
    open_file(page, gym)
    judge(page, {"vocal": {"fader_db": -30.0}, "drums": {"fader_db": 10.0}})
    assert part(page, ".hides").text.startswith("What hides: vocal.")
    assert part(page, ".drowns").text.startswith("What drowns the others: drums.")
    outside = [cell.text for cell in shadow_parts(page, ".verdict td.outside")]
    assert any("▼" in text for text in outside) and any("▲" in text for text in outside)
    judge(page, {"bass": {"mute": True}})
    assert part(page, ".hides").text.startswith("What hides: bass.")


def test_a_change_makes_the_verdict_old(page: object, gym: Path) -> None:
    open_file(page, gym)
    judge(page, {})
    assert not part(page, ".stale").is_displayed()
    apply(page, {"bass": {"fader_db": -6.0}})
    assert part(page, ".stale").is_displayed()
    judge(page, {"bass": {"fader_db": -6.0}})
    assert not part(page, ".stale").is_displayed()


def test_takes_are_heard_after_the_first_judgement_and_as_loud(page: object, gym: Path, stems: torch.Tensor) -> None:
    open_file(page, gym)
    assert not part(page, ".gym-hear").is_displayed() and not part(page, ".target").is_displayed()
    judge(page, {})
    buttons = shadow_parts(page, ".gym-hear button")
    assert [button.text for button in buttons] == ["Your mix", "Take 1", "Take 2"]
    part(page, ".loop").click()
    part(page, ".play").click()
    wait_for(page, "desk.engine.playing && desk.engine.position() > 0.3")
    buttons[2].click()
    wait_for(page, "desk.gym.gains && desk.engine.mine.gain.value < 1e-3 && desk.gym.gains[1].gain.value > 0.01")
    gain, silent = page.execute_script(DESK_WIDGET + "return desk.gym.gains.map((node) => node.gain.value).reverse()")
    loudness = [float(integrated_loudness(audio)) for audio in (stems.sum(0), 0.5 * stems.sum(0))]
    wait_for(page, f"Math.abs(20 * Math.log10(desk.gym.gains[1].gain.value) - {loudness[0] - loudness[1]}) < 0.3")
    assert silent < 1e-3 < gain
    buttons[0].click()
    wait_for(page, "desk.engine.mine.gain.value > 0.999 && desk.gym.gains[1].gain.value < 1e-3")


def test_what_does_not_fit_is_refused(stems: torch.Tensor) -> None:
    items = list(zip(NAMES, stems, strict=True))
    known = torch.zeros(4, 3, len(MEASURES))
    with pytest.raises(UserError, match="at least 4 mixes"):
        mix_gym(items, SAMPLE_RATE, description="Gym", known={"one": known[:3]})
    with pytest.raises(UserError, match=r"expected measures \[mixes, 3, 5\]"):
        mix_gym(items, SAMPLE_RATE, description="Gym", known={"one": known[:, :2]})
    with pytest.raises(UserError, match=r"expected tracks \[3, 2, samples\]"):
        mix_gym(items, SAMPLE_RATE, description="Gym", known={"one": known}, takes=[("take", stems[:2])])
