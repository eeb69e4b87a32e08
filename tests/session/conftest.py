"""A small session that has everything: two takes, every device, a stereo and a mono track, awkward names."""

from __future__ import annotations

import numpy as np
import pytest

from megami.effects import Compressor
from megami.session import Band, ChannelStrip, MixedTrack, Session, TrackSettings, take_of
from megami.session.devices import CompressorDevice, ConvolverDevice, DriveDevice, EqualiserDevice, balance_gains, play

RATE = 32000


def noise(channels: int, seed: int, seconds: float = 0.7) -> np.ndarray:
    """Noise of 0.1 whose loudness moves, [channels, samples]."""
    rng = np.random.default_rng(seed)
    time = np.arange(int(seconds * RATE)) / RATE
    return 0.1 * (1 + np.sin(9 * time)) * rng.standard_normal((channels, len(time)))


@pytest.fixture(scope="session")
def every_device() -> tuple:
    """One device of each kind, in the order of a channel."""
    bands = (Band("low shelf", 120.0, -3.5), Band("bell", 900.0, 4.0, 1.7), Band("high shelf", 6000.0, 2.25))
    impulse = np.zeros((2, 400))
    impulse[:, 0] = 1
    impulse[:, 100:] = 0.02 * np.random.default_rng(1).standard_normal((2, 300))
    return (
        EqualiserDevice(bands),
        CompressorDevice(Compressor(-24.0, 3.0, 5.0, 80.0, makeup_db=4.5)),
        DriveDevice(6.0, 0.4),
        ConvolverDevice(impulse),
    )


@pytest.fixture(scope="session")
def session(every_device) -> Session:
    """Two takes of three tracks; the wet tracks of the first are what the channels play, to a thousandth."""
    names = ("lead vocal", 'she said: "it\'s <loud>"', "Röhrenglocken & `co`")
    takes = []
    for number in (1, 2):
        tracks = []
        for index, name in enumerate(names):
            devices = every_device[: 4 - index] if number == 1 else every_device[:1]
            dry = noise(2 if index == 1 else 1, index)
            settings = TrackSettings(name, "read", gain_db=-6.0 * index, pan=(0.0, -0.6, 0.25)[index])
            strip = ChannelStrip(settings, devices)
            wet = play(devices, dry, RATE) * strip.volume * balance_gains(settings.pan)[:, None]
            tracks.append(MixedTrack(strip, dry, wet * 1.001))
        takes.append(take_of(f"Mix {number}", tracks, muted=number > 1))
    return Session("A song & more", RATE, tuple(takes), ceiling_db=-1.0)
