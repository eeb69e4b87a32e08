"""The console's target: distances, loudness, and the blind comparison."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from desk import (
    DESK_WIDGET,
    TARGET,
    apply,
    chord,
    desk_page,
    export,
    part,
    status,
    wait_for,
)
from pages import SAMPLE_RATE, open_file, shadow_parts

from megami.audio import integrated_loudness
from megami.effects.equaliser import low_shelf_section
from megami.notebook.console import DESK

pytest.importorskip("selenium", reason="selenium is not installed: pip install megami[test]")


def rows(driver: object) -> list[list[str]]:
    cells = "return desk.$$('.distances tbody tr').map((row) => [...row.children].map((cell) => cell.textContent))"
    return driver.execute_script(DESK_WIDGET + cells)


def shelf_rms_db(gain: float) -> float:
    """The RMS of a low shelf's curve over the thirds of octaves that the console looks at."""
    hz = 31.25 * 2 ** (np.arange(28) / 3)
    z = np.exp(-2j * np.pi * hz / SAMPLE_RATE)
    section = low_shelf_section(gain, DESK["lowHz"], SAMPLE_RATE)
    response = (section[0] + section[1] * z + section[2] * z**2) / (1 + section[4] * z + section[5] * z**2)
    return float(np.sqrt(np.mean((20 * np.log10(np.abs(response))) ** 2)))


def test_distances_from_the_target(page: object, matching: Path) -> None:
    open_file(page, matching)
    assert not part(page, ".distances").is_displayed()
    part(page, ".reveal").click()
    drums, bass, vocal = rows(page)
    # Levels are 2 dB short, 4 dB over and 2 dB short; in common that is nothing.
    assert drums[1].startswith("\N{MINUS SIGN}2.0 dB") and bass[1].startswith("+4.0 dB")
    assert bass[1].endswith("(fader \N{MINUS SIGN}4.0 dB)")
    assert bass[2] == "\N{MINUS SIGN}0.40 (40 % right)" and drums[2] == "0 (centre)"
    assert bass[3].startswith(f"{shelf_rms_db(3.0):.1f} dB (+3.0, 0, 0;") and drums[3].startswith("0.0 dB")
    assert vocal[5] == "\N{MINUS SIGN}40 dB"
    wait_for(page, "desk.target.residual !== undefined")
    overall = part(page, ".overall").text
    assert f"level {(2 + 4 + 2) / 3:.1f} dB, pan 0.13, equaliser {shelf_rms_db(3.0) / 3:.1f} dB" in overall
    assert -20 < page.execute_script(DESK_WIDGET + "return desk.target.residual") < 0
    apply(page, {**TARGET["tracks"], "vocal": {**TARGET["tracks"]["vocal"], "mute": True}})
    assert rows(page)[2][1].startswith("silent here")


def test_at_the_targets_settings_nothing_is_left(page: object, matching: Path) -> None:
    open_file(page, matching)
    part(page, ".reveal").click()
    wait_for(page, "desk.target.residual !== undefined")
    apply(page, TARGET["tracks"], master_db=-5.0)
    wait_for(page, "desk.target.residual < -80")
    assert "Mean distance: level 0.0 dB, pan 0.00, equaliser 0.0 dB. Nothing is left" in part(page, ".overall").text


def test_your_mix_and_the_target_are_equally_loud(page: object, matching: Path) -> None:
    open_file(page, matching)
    mine = export(page, {}, master_db=-9.0)
    target = export(page, TARGET["tracks"])
    apply(page, {}, master_db=-9.0)
    shadow_parts(page, ".hear button")[1].click()
    wait_for(page, "desk.target.factor !== undefined")
    factor = page.execute_script(DESK_WIDGET + "return desk.target.factor")
    loudness = [
        integrated_loudness(torch.tensor(audio.copy())) for audio in (mine, factor * target[:, : mine.shape[1]])
    ]
    assert loudness[1] == pytest.approx(loudness[0], abs=0.1)
    part(page, ".loop").click()
    part(page, ".play").click()
    wait_for(page, "desk.engine.playing && desk.engine.position() > 0.4")
    gains = DESK_WIDGET + "return [desk.engine.mine.gain.value, desk.target.gain.gain.value]"
    wait_for(page, "desk.engine.mine.gain.value < 1e-3")
    assert page.execute_script(gains)[1] == pytest.approx(factor, rel=0.01)
    shadow_parts(page, ".hear button")[0].click()
    wait_for(page, "desk.engine.mine.gain.value > 0.999 && desk.target.gain.gain.value < 1e-3")


def test_a_blind_comparison_hides_and_counts(page: object, matching: Path) -> None:
    open_file(page, matching)
    part(page, ".blind").click()
    wait_for(page, "desk.target.factor !== undefined && desk.target.blind")
    assert [button.text for button in shadow_parts(page, ".hear button")] == ["A", "B"]
    assert not part(page, ".readings").is_displayed()
    right = 0
    for answer in (0, 1, 0):
        right += page.execute_script(DESK_WIDGET + f"return desk.target.sides[{answer}] === 'aim'")
        shadow_parts(page, ".guess button")[answer].click()
    wait_for(page, "desk.$('.status').textContent.includes('of 3 right')")
    assert f"{right} of 3 right" in status(page)
    part(page, ".blind").click()
    assert [button.text for button in shadow_parts(page, ".hear button")] == ["Your mix", "Target"]


def test_a_finished_mix_as_a_target_can_only_be_heard(page: object, tmp_path: Path) -> None:
    chords = [("low", chord(0)), ("high", chord(1))]
    mixed = 0.5 * (chords[0][1] + chords[1][1])
    open_file(page, desk_page(tmp_path / "mix.html", chords, target_mix=mixed, bitrate_kbps=256))
    assert part(page, ".target").is_displayed() and not part(page, ".reveal").is_displayed()
    shadow_parts(page, ".hear button")[1].click()
    wait_for(page, "desk.target.residual !== undefined")
    assert page.execute_script(DESK_WIDGET + "return desk.target.residual") < -18  # the same mix, but for MP3


def test_without_a_target_there_is_nothing_about_one(page: object, desk: Path) -> None:
    open_file(page, desk)
    assert not part(page, ".target").is_displayed()
