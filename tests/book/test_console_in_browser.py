"""The console as a reader meets it: what it renders against numpy and scipy, its meters, settings, target and keys."""

from __future__ import annotations

import base64
import io
import json
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from axe import grave_faults
from conftest import SAMPLE_RATE, open_file, shadow_parts, tone, written_page
from scipy.signal import sosfilt

from megami.audio import integrated_loudness
from megami.effects.equaliser import high_shelf_section, low_shelf_section, peak_section
from megami.notebook import console, console_settings
from megami.notebook.console import DESK

pytest.importorskip("selenium", reason="selenium is not installed: pip install megami[test]")
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

DESK_WIDGET = "const desk = document.querySelector('.megami-widget').megamiWidget;"
SECONDS = 2.0
NAMES = ("drums", "bass", "vocal")


def noise(seed: int, gain: float = 0.1, seconds: float = SECONDS) -> torch.Tensor:
    """Stereo noise with a beat, dark enough to outlive MP3."""
    rng = np.random.default_rng(seed)
    samples = round(seconds * SAMPLE_RATE)
    dark = sosfilt(low_shelf_section(20.0, 300.0, SAMPLE_RATE)[None], rng.standard_normal((2, samples)))
    beat = 0.2 + 0.8 * np.exp(-5 * (np.arange(samples) / SAMPLE_RATE % 0.5))
    return torch.tensor(gain * beat * dark / dark.std(), dtype=torch.float32)


@pytest.fixture(scope="module")
def band() -> list[tuple[str, torch.Tensor]]:
    return [(name, noise(seed)) for seed, name in enumerate(NAMES)]


def desk_page(path: Path, items: list, ground: str = "white", **options: object) -> Path:
    return written_page(path, console(items, SAMPLE_RATE, "Desk", description="Stems to mix", **options), ground=ground)


@pytest.fixture(scope="module")
def desk(band: list, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return desk_page(tmp_path_factory.mktemp("console") / "desk.html", band)


def part(driver: object, selector: str, number: int = 0) -> object:
    return shadow_parts(driver, selector)[number]


def status(driver: object) -> str:
    return driver.execute_script(DESK_WIDGET + "return desk.$('.status').textContent")


def settings(driver: object) -> dict:
    return driver.execute_script(DESK_WIDGET + "return JSON.parse(desk.$('.text').value)")


def wait_for(driver: object, condition: str, seconds: float = 30) -> None:
    """Wait until a condition on `desk` holds in the page; machines that run tests may be busy."""
    end = time.monotonic() + seconds
    while not driver.execute_script(DESK_WIDGET + f"return Boolean({condition});"):
        assert time.monotonic() < end, f"did not come about: {condition}; {status(driver)}"
        time.sleep(0.05)


def apply(driver: object, tracks: dict, master_db: float = 0.0) -> None:
    """Set the console through its text field; what is not named is at its start."""
    text = json.dumps({"tracks": tracks, "master_db": master_db})
    driver.execute_script(DESK_WIDGET + "desk.$('.text').value = arguments[0]; desk.$('.apply').click();", text)


# The bytes of what is downloaded, instead of the download.
CATCH = """
URL.createObjectURL = (blob) => ((window.taken = blob), "blob:taken");
HTMLAnchorElement.prototype.click = function () {};
"""
TAKEN = """
const done = arguments[arguments.length - 1];
const reader = new FileReader();
reader.onload = () => done(reader.result.split(",")[1]);
reader.readAsDataURL(window.taken);
"""


def downloaded(driver: object, press: str) -> bytes:
    """What a button of the console downloads."""
    driver.execute_script(CATCH + "window.taken = null;" + DESK_WIDGET + f"desk.$('{press}').click();")
    end = time.monotonic() + 30
    while not driver.execute_script("return Boolean(window.taken)"):
        assert time.monotonic() < end, status(driver)
        time.sleep(0.05)
    return base64.b64decode(driver.execute_async_script(TAKEN))


def export(driver: object, tracks: dict, master_db: float = 0.0) -> np.ndarray:
    """The mix at these settings as [2, samples], by way of the button that writes it."""
    apply(driver, tracks, master_db)
    samples, rate = soundfile.read(io.BytesIO(downloaded(driver, ".wav")), always_2d=True)
    assert rate == SAMPLE_RATE
    return samples.T


def alone(name: str, **values: object) -> dict:
    """Only one track, with some settings."""
    return {name: {"solo": True, **values}}


ROUNDING = 3e-7  # of 24 bits and of single precision


def test_a_console_that_nobody_touched_adds_up_the_stems(page: object, desk: Path) -> None:
    open_file(page, desk)
    parts = [export(page, alone(name)) for name in NAMES]
    together = export(page, {})
    assert together.shape == (2, round(SECONDS * SAMPLE_RATE)) and np.abs(together).max() > 0.2
    assert np.abs(sum(parts) - together).max() < 4 * ROUNDING


def chord(seed: int) -> torch.Tensor:
    """Tones that MP3 hardly changes, left and right different."""
    hz = np.random.default_rng(seed).uniform(150, 3000, (2, 6))
    return torch.stack([sum(tone(one, SECONDS, 0.04, 1)[0] for one in side) for side in hz])


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


def test_settings_travel_as_json(page: object, desk: Path) -> None:
    open_file(page, desk)
    tracks = {"drums": {"fader_db": -4.5, "pan": -0.3, "mid_hz": 640.0}, "vocal": {"mute": True, "send_db": -20.0}}
    apply(page, tracks, master_db=-2.0)
    saved = downloaded(page, ".save").decode()
    read = console_settings(saved, NAMES)
    assert read.master_db == -2.0 and read.tracks["vocal"].mute and read.tracks["drums"].mid_hz == 640.0
    part(page, ".reset").click()
    assert settings(page)["tracks"]["drums"]["fader_db"] == 0
    apply(page, read.as_json()["tracks"], -2.0)
    assert downloaded(page, ".save").decode() == saved


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("nonsense", "not JSON"),
        ("[1]", "no"),
        ('{"tracks": {"horn": {}}}', "no track called horn"),
        ('{"tracks": {"bass": {"pan": 3}}}', "pan must be a number from -1 to 1"),
        ('{"tracks": {"bass": {"volume": 3}}}', "no control volume"),
        ('{"tracks": {"bass": {"mute": 3}}}', "mute must be true or false"),
    ],
)
def test_settings_that_cannot_be_change_nothing(page: object, desk: Path, text: str, words: str) -> None:
    open_file(page, desk)
    apply(page, {"bass": {"pan": 0.5}})
    before = page.execute_script(DESK_WIDGET + "return JSON.stringify(desk.settings)")
    page.execute_script(DESK_WIDGET + "desk.$('.text').value = arguments[0]; desk.$('.apply').click();", text)
    wait_for(page, "desk.$('.status').textContent.includes('cannot be loaded')")
    assert words in status(page) and page.execute_script(DESK_WIDGET + "return JSON.stringify(desk.settings)") == before


TARGET = {
    "tracks": {
        "drums": {"fader_db": 2.0},
        "bass": {"fader_db": -4.0, "pan": 0.4, "low_db": 3.0},
        "vocal": {"fader_db": 2.0, "send_db": -20.0},
    }
}


@pytest.fixture(scope="module")
def matching(band: list, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return desk_page(tmp_path_factory.mktemp("console") / "target.html", band, target=TARGET)


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


def test_keys(page: object, desk: Path) -> None:
    open_file(page, desk)
    page.execute_script(DESK_WIDGET + "desk.panel.focus()")
    press = lambda *keys: ActionChains(page).send_keys(*keys).perform()  # noqa: E731
    press("2")
    focused = "return document.querySelector('.megami-widget').shadowRoot.activeElement.getAttribute('aria-label')"
    assert page.execute_script(focused) == "Fader, bass"
    press(Keys.ARROW_UP, Keys.ARROW_UP)
    assert settings(page)["tracks"]["bass"]["fader_db"] == 1.0
    press("m")
    assert settings(page)["tracks"]["bass"]["mute"] is True
    press("s", "3", "s")
    assert [settings(page)["tracks"][name]["solo"] for name in NAMES] == [False, True, True]
    press("2", Keys.DELETE)
    assert settings(page)["tracks"]["bass"]["fader_db"] == 0
    press(" ")
    wait_for(page, "desk.engine.playing && desk.engine.position() > 0.05")
    press(" ")
    assert not page.execute_script(DESK_WIDGET + "return desk.engine.playing")


def test_sliders_say_value_and_unit_and_a_double_click_resets(page: object, desk: Path) -> None:
    open_file(page, desk)
    apply(page, {"drums": {"pan": -0.3, "mid_hz": 2500.0, "ratio": 4.0, "low_db": -3.0, "send_db": -60.0}})
    said = {slider.get_attribute("aria-label"): slider.get_attribute("aria-valuetext") for slider in sliders(page)}
    assert said["Pan, drums"] == "30 % left" and said["Mid at, drums"] == "2.5 kHz"
    assert said["Ratio, drums"] == "4 : 1" and said["Low, drums"] == "\N{MINUS SIGN}3.0 dB"
    assert said["Reverb, drums"] == "off" and said["Pan, bass"] == "centre"
    ActionChains(page).double_click(part(page, ".strip .pan input")).perform()
    assert settings(page)["tracks"]["drums"]["pan"] == 0
    part(page, ".mute").click()
    assert part(page, ".mute").get_attribute("aria-pressed") == "true"


def sliders(driver: object) -> list:
    return shadow_parts(driver, ".knob input")


def test_turning_a_knob_does_not_click(page: object, tmp_path: Path) -> None:
    """A tone through a fader that jumps by 20 dB: no step from sample to sample is larger than the tone's own."""
    time_s = torch.arange(SAMPLE_RATE) / SAMPLE_RATE
    wave = (0.5 * torch.sin(2 * torch.pi * 200 * time_s)).expand(2, -1)
    open_file(page, desk_page(tmp_path / "tone.html", [("tone", wave)]))
    script = """
    const done = arguments[0];
    const desk = document.querySelector('.megami-widget').megamiWidget, { engine } = desk;
    const offline = new OfflineAudioContext(2, 0.8 * 44100, 44100);
    const goOn = offline.resume.bind(offline);
    offline.resume = async () => {};
    window.megamiAudioContext = offline;
    (async () => {
      await engine.play();
      offline.suspend(0.4).then(() => {
        desk.settings.strips[0].fader_db = -20;
        desk.settings.strips[0].mid_db = 12;
        desk.changed();
        goOn();
      });
      done(Array.from((await offline.startRendering()).getChannelData(0)));
    })();
    """
    sound = np.array(page.execute_async_script(script))
    steps = np.abs(np.diff(sound))
    before, at, after = (
        steps[slice(*(round(x * SAMPLE_RATE) for x in span))] for span in ((0.2, 0.39), (0.39, 0.5), (0.6, 0.75))
    )
    assert at.max() < 1.3 * before.max() and after.max() < 0.3 * before.max()


def test_a_phone_shows_one_track_at_a_time(page: object, matching: Path) -> None:
    try:
        page.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride", {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True}
        )
        open_file(page, matching)
        assert page.execute_script("return document.documentElement.scrollWidth <= window.innerWidth")
        shown = lambda: [strip.is_displayed() for strip in shadow_parts(page, ".strip")]  # noqa: E731
        assert shown() == [True, False, False]
        shadow_parts(page, ".chip")[2].click()
        assert shown() == [False, False, True] and not part(page, ".master").is_displayed()
        shadow_parts(page, ".chip")[3].click()
        assert shown() == [False, False, False] and part(page, ".master").is_displayed()
        shadow_parts(page, ".chip")[0].click()
        part(page, ".reveal").click()
        assert page.execute_script("return document.documentElement.scrollWidth <= window.innerWidth")
        for control in shadow_parts(page, "button, input, summary, select"):
            if control.is_displayed():
                assert control.size["height"] >= 24 and control.size["width"] >= 24, control.get_attribute("outerHTML")
    finally:
        page.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_many_tracks_scroll_inside_the_console_only(page: object, tmp_path: Path) -> None:
    many = [(f"track {number}", noise(number, 0.02, 0.3)) for number in range(12)]
    open_file(page, desk_page(tmp_path / "many.html", many))
    assert page.execute_script("return document.documentElement.scrollWidth <= window.innerWidth")
    assert page.execute_script(DESK_WIDGET + "const s = desk.$('.strips'); return s.scrollWidth > s.clientWidth")


@pytest.mark.parametrize("ground", ["white", "#111418"])
def test_axe_finds_nothing_serious(page: object, band: list, tmp_path: Path, ground: str) -> None:
    tracks = {"drums": {"mute": True}, "bass": {"solo": True}}
    open_file(page, desk_page(tmp_path / "axe.html", band, ground, target=TARGET, settings={"tracks": tracks}))
    part(page, ".reveal").click()
    part(page, ".help").click()
    wait_for(page, "desk.target.residual !== undefined")
    assert grave_faults(page) == []


def test_it_works_in_a_sandboxed_frame(page: object, band: list, tmp_path: Path) -> None:
    """As in Colab: scripts allowed, same origin not."""
    inside = desk_page(tmp_path / "inside.html", band).read_text(encoding="utf-8")
    quoted = inside.replace("&", "&amp;").replace('"', "&quot;")
    outside = tmp_path / "outside.html"
    outside.write_text(
        '<!DOCTYPE html><meta charset="utf-8"><iframe sandbox="allow-scripts" width="1200" height="900" '
        f'srcdoc="{quoted}"></iframe>',
        encoding="utf-8",
    )
    open_file(page, outside)
    try:
        page.switch_to.frame(0)
        part(page, ".play").click()
        wait_for(page, "desk.engine.playing && desk.engine.position() > 0.1")
        part(page, ".mute").click()
        assert settings(page)["tracks"]["drums"]["mute"] is True
    finally:
        page.switch_to.default_content()


TAB = "return document.getElementById(arguments[0]).getAttribute('aria-selected')"
