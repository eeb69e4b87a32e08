"""The effect that REAPER runs has the sliders that the project sets, in the same order."""

from __future__ import annotations

import re

import pytest

from megami.effects import Compressor
from megami.session import Band
from megami.session.channel_effect import (
    OFF_BAND,
    OFF_COMPRESSOR,
    OFF_DRIVE,
    SLIDERS,
    devices_of,
    effect_source,
    sliders_of,
)
from megami.session.devices import CompressorDevice, DriveDevice, EqualiserDevice
from megami.session.reaper import quoted
from megami.session.reaper_reader import words_of

SLIDER = re.compile(r"^slider(\d+):([-\d.]+)<([-\d.]+),([-\d.]+),[^>]*>(.+)$", re.MULTILINE)


def test_sliders_are_those_of_the_effect():
    found = SLIDER.findall(effect_source())
    assert [int(number) for number, *_ in found] == list(range(1, SLIDERS + 1))
    names = [name for *_, name in found]
    for band in range(6):
        assert [name.split(" ", 2)[2] for name in names[4 * band : 4 * band + 4]] == [
            "kind",
            "frequency (Hz)",
            "gain (dB)",
            "Q",
        ]
    words = ("Compressor", "Threshold", "Ratio", "Attack", "Release", "Make-up", "Drive gain", "Drive mix")
    assert all(name.startswith(word) for name, word in zip(names[24:], words, strict=True))
    defaults = [float(value) for _, value, *_ in found]
    assert defaults == [*OFF_BAND * 6, *OFF_COMPRESSOR, *OFF_DRIVE]


def test_ranges_hold_all_that_can_be_set():
    ranges = [(float(low), float(high)) for _, _, low, high, _ in SLIDER.findall(effect_source())]
    for place, name in ((25, "threshold_db"), (26, "ratio"), (27, "attack_ms"), (28, "release_ms"), (29, "makeup_db")):
        low, high = ranges[place]
        assert low <= Compressor.RANGES[name].low and high >= Compressor.RANGES[name].high


def test_devices_come_back_from_sliders():
    devices = (
        EqualiserDevice((Band("low shelf", 80.0, 3.0), Band("bell", 1000.0, -2.0, 3.0))),
        CompressorDevice(Compressor(-30.0, 4.0, 2.0, 200.0, makeup_db=3.0)),
        DriveDevice(-4.0, 0.5),
    )
    sliders = sliders_of(devices)
    assert sliders is not None and len(sliders) == SLIDERS
    assert devices_of(sliders)[1:] == devices[1:]
    back = devices_of(sliders)[0]
    assert isinstance(back, EqualiserDevice) and back.bands == devices[0].bands
    assert sliders_of(()) is None
    with pytest.raises(ValueError, match="come as equaliser"):
        sliders_of(devices[::-1])


@pytest.mark.parametrize("name", ["bass", "lead vocal", "", 'a "b"', "it's", "`x`", "<up>", "|bar", "a\"b'c", "Ä ö"])
def test_names_survive_quotes(name):
    assert words_of(f"NAME {quoted(name)}") == ["NAME", name]
