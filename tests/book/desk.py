"""A console in the browser: making one, working it, and hearing what it renders."""

from __future__ import annotations

import base64
import io
import json
import time
from pathlib import Path

import numpy as np
import soundfile
import torch
from pages import SAMPLE_RATE, shadow_parts, tone, written_page
from scipy.signal import sosfilt

from megami.effects.equaliser import low_shelf_section
from megami.notebook import console

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


def chord(seed: int) -> torch.Tensor:
    """Tones that MP3 hardly changes, left and right different."""
    hz = np.random.default_rng(seed).uniform(150, 3000, (2, 6))
    return torch.stack([sum(tone(one, SECONDS, 0.04, 1)[0] for one in side) for side in hz])


def desk_page(path: Path, items: list, ground: str = "white", **options: object) -> Path:
    return written_page(path, console(items, SAMPLE_RATE, "Desk", description="Stems to mix", **options), ground=ground)


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


TARGET = {
    "tracks": {
        "drums": {"fader_db": 2.0},
        "bass": {"fader_db": -4.0, "pan": 0.4, "low_db": 3.0},
        "vocal": {"fader_db": 2.0, "send_db": -20.0},
    }
}
