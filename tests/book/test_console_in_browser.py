"""What the console renders, against numpy and scipy; its meters, and the file that it writes."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from desk import (
    CATCH,
    DESK_WIDGET,
    NAMES,
    SECONDS,
    alone,
    apply,
    chord,
    desk_page,
    downloaded,
    export,
    noise,
    part,
    status,
    wait_for,
)
from pages import SAMPLE_RATE, open_file
from scipy.signal import sosfilt

from megami.audio import integrated_loudness
from megami.effects.equaliser import high_shelf_section, low_shelf_section, peak_section
from megami.notebook.console import DESK

pytest.importorskip("selenium", reason="selenium is not installed: pip install megami[test]")


ROUNDING = 3e-7  # of 24 bits and of single precision


def test_a_console_that_nobody_touched_adds_up_the_stems(page: object, desk: Path) -> None:
    open_file(page, desk)
    parts = [export(page, alone(name)) for name in NAMES]
    together = export(page, {})
    assert together.shape == (2, round(SECONDS * SAMPLE_RATE)) and np.abs(together).max() > 0.2
    assert np.abs(sum(parts) - together).max() < 4 * ROUNDING


def test_stems_come_out_as_they_went_in(page: object, tmp_path: Path) -> None:
    open_file(page, desk_page(tmp_path / "chords.html", [("low", chord(0)), ("high", chord(1))], bitrate_kbps=256))
    out, dry = export(page, alone("high")), chord(1).numpy()
    middle = slice(5000, -5000)
    gain = np.vdot(out, dry) / np.vdot(dry, dry)
    assert gain > 0.5 and np.std((out - gain * dry)[:, middle]) < 0.02 * np.std(out)  # also: in time, to the sample


def test_faders_and_the_master_are_in_decibels(page: object, desk: Path) -> None:
    open_file(page, desk)
    flat = export(page, alone("bass"))
    lower = export(page, alone("bass", fader_db=-7.5), master_db=-4.0)
    assert np.abs(lower - 10 ** (-11.5 / 20) * flat).max() < ROUNDING
    assert not export(page, alone("bass", fader_db=-60.0)).any()


@pytest.mark.parametrize("pan", [-1.0, -0.5, 0.25])
def test_pan_is_a_balance(page: object, desk: Path, pan: float) -> None:
    open_file(page, desk)
    flat, panned = export(page, alone("bass")), export(page, alone("bass", pan=pan))
    far = np.cos(abs(pan) * np.pi / 2)
    gains = np.array([[far], [1.0]] if pan > 0 else [[1.0], [far]])
    assert np.abs(panned - gains * flat).max() < ROUNDING


def test_the_equaliser_is_the_cookbooks(page: object, desk: Path) -> None:
    open_file(page, desk)
    flat = export(page, alone("bass"))
    out = export(page, alone("bass", low_db=4.0, mid_db=-6.0, mid_hz=700.0, high_db=3.0))
    sections = [
        low_shelf_section(4.0, DESK["lowHz"], SAMPLE_RATE),
        peak_section(-6.0, 700.0, DESK["midQ"], SAMPLE_RATE),
        high_shelf_section(3.0, DESK["highHz"], SAMPLE_RATE),
    ]
    assert np.abs(out - sosfilt(np.array(sections), flat)).max() < 1e-5
    assert np.abs(out - flat).max() > 0.01


def test_the_compressor_turns_down_what_is_above_its_threshold(page: object, tmp_path: Path) -> None:
    # A slow square wave has one level at all times, so the static curve can be read off it.
    wave = torch.sign(torch.sin(2 * torch.pi * 100 * (torch.arange(2 * SAMPLE_RATE) + 0.5) / SAMPLE_RATE))
    open_file(page, desk_page(tmp_path / "level.html", [("wave", 0.5 * wave.expand(2, -1))], bitrate_kbps=320))
    flat = export(page, {})
    middle = slice(SAMPLE_RATE, 2 * SAMPLE_RATE - 2000)
    level_db = 20 * np.log10(np.median(np.abs(flat[0, middle])))
    for threshold_db, ratio, makeup_db in ((-20.0, 4.0, 0.0), (-30.0, 2.0, 6.0), (-12.0, 20.0, 3.0)):
        out = export(page, {"wave": {"threshold_db": threshold_db, "ratio": ratio, "makeup_db": makeup_db}})
        expected = threshold_db + (level_db - threshold_db) / ratio + makeup_db
        assert 20 * np.log10(np.median(np.abs(out[0, middle]))) == pytest.approx(expected, abs=0.5)


def test_the_send_adds_one_reverb_that_is_about_as_loud_as_the_track(page: object, tmp_path: Path) -> None:
    click = torch.zeros(2, SAMPLE_RATE // 4)
    click[:, 4000:4400] = noise(9)[:, :400]
    open_file(page, desk_page(tmp_path / "click.html", [("click", click), ("other", noise(5, 0.02, 0.25))]))
    dry = export(page, alone("click"))
    wet = export(page, alone("click", send_db=-6.0))
    tail = wet[:, dry.shape[1] :]
    assert tail.shape[1] == round(DESK["reverbSeconds"] * SAMPLE_RATE)
    room = wet.copy()
    room[:, : dry.shape[1]] -= dry
    delay = round(DESK["reverbDelay"] * SAMPLE_RATE)
    assert np.abs(room[:, : 4000 + delay - 1200]).max() < 1e-4 < np.abs(room).max()
    power = 10 * np.log10(np.square(room).sum() / np.square(dry).sum())
    assert power == pytest.approx(-6.0, abs=2.0)  # a click is not white
    early, late = (np.square(room[:, at : at + 4410]).sum() for at in (8000, 8000 + SAMPLE_RATE // 2))
    assert 10 * np.log10(early / late) == pytest.approx(0.5 / DESK["reverbSeconds"] * 60, abs=8.0)
    assert np.abs(np.corrcoef(room)[0, 1]) < 0.5  # wide
    # Linear: the same again, 6 dB further down.
    softer = export(page, alone("click", send_db=-12.0))
    softer[:, : dry.shape[1]] -= dry
    assert np.abs(softer - 10 ** (-6 / 20) * room).max() < 1e-5


def test_mute_and_solo(page: object, desk: Path) -> None:
    open_file(page, desk)
    drums, bass, vocal = (export(page, alone(name)) for name in NAMES)
    for tracks, expected in [
        ({"drums": {"mute": True}}, bass + vocal),
        ({"drums": {"solo": True}, "bass": {"solo": True}}, drums + bass),
        ({"drums": {"solo": True}, "bass": {"solo": True, "mute": True}}, drums),
        ({"drums": {"mute": True, "solo": True}}, 0 * drums),
    ]:
        assert np.abs(export(page, tracks) - expected).max() < 4 * ROUNDING, tracks


@pytest.mark.parametrize("bits", [16, 24])
def test_the_loudness_it_states_is_the_packages_and_the_file_has_the_bits(page: object, desk: Path, bits: int) -> None:
    open_file(page, desk)
    page.execute_script(DESK_WIDGET + "desk.$('.bits').value = arguments[0]", str(bits))
    apply(page, {"bass": {"fader_db": 3.0, "high_db": 6.0}})
    data = downloaded(page, ".wav")
    assert soundfile.info(io.BytesIO(data)).subtype == f"PCM_{bits}"
    audio = torch.tensor(soundfile.read(io.BytesIO(data))[0].T)
    wait_for(page, "desk.$('.status').textContent.includes('LUFS')")
    words = status(page).replace("\N{MINUS SIGN}", "-")
    assert float(words.split(": ")[1].split(" LUFS")[0]) == pytest.approx(integrated_loudness(audio), abs=0.07)
    peak = float(words.split("peak ")[1].split(" dB")[0])
    assert peak == pytest.approx(20 * np.log10(float(audio.abs().max())), abs=0.06)


def test_the_meters_read_what_is_heard(page: object, desk: Path) -> None:
    """The integrated reading after one pass against the package's for the same mix."""
    open_file(page, desk)
    heard = torch.tensor(export(page, {"drums": {"fader_db": -3.0}}))
    part(page, ".loop").click()
    part(page, ".play").click()
    wait_for(page, "desk.loudness?.powers.length > 30")
    integrated, momentary, peak = page.execute_script(
        DESK_WIDGET + "return [desk.loudness.integrated, desk.loudness.momentary, desk.levels[0].highestDb]"
    )
    assert integrated == pytest.approx(integrated_loudness(heard), abs=1.0)
    assert momentary == pytest.approx(integrated, abs=8.0)
    assert peak == pytest.approx(20 * np.log10(float(heard[0].abs().max())), abs=1.5)
    assert part(page, ".integrated").text.startswith("\N{MINUS SIGN}")
    part(page, ".play").click()  # else it goes on counting
    part(page, ".clear").click()
    assert page.execute_script(DESK_WIDGET + "return desk.loudness.powers.length") == 0


def test_a_mix_that_would_clip_is_not_written_before_the_reader_says_so(page: object, desk: Path) -> None:
    open_file(page, desk)
    apply(page, {name: {"fader_db": 9.0} for name in NAMES}, master_db=6.0)
    page.execute_script(CATCH + "window.taken = null;")
    part(page, ".wav").click()
    wait_for(page, "!desk.$('.clipping').hidden")
    assert "would clip" in status(page) and not page.execute_script("return Boolean(window.taken)")
    assert part(page, ".turn-down").text.startswith("Turn down by ")
    samples, _ = soundfile.read(io.BytesIO(downloaded(page, ".turn-down")))
    assert 20 * np.log10(np.abs(samples).max()) == pytest.approx(-1.0, abs=0.01)
