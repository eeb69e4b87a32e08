"""The equaliser, compressor and drive of a channel as the sliders of one REAPER effect, and back.

REAPER's text format has no equaliser of its own: its plug-ins keep their state as bytes that only they know. What it
does store as text are the sliders of JSFX effects, so a small one of ours (`megami_channel.jsfx`) holds these devices.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources

from megami.effects import Compressor
from megami.errors import UserError
from megami.session.bands import KINDS, MOST_BANDS, Band
from megami.session.devices import CompressorDevice, ConvolverDevice, Device, DriveDevice, EqualiserDevice
from megami.session.gain_fit import KNEE_DB

EFFECT_FILE = "megami_channel.jsfx"
OFF_BAND = (0.0, 1000.0, 0.0, 0.707)  # kind, frequency, gain, Q
OFF_COMPRESSOR = (0.0, -20.0, 2.0, 10.0, 120.0, 0.0)  # on, threshold, ratio, attack, release, make-up
OFF_DRIVE = (0.0, 0.0)  # gain, mix
SLIDERS = 4 * MOST_BANDS + len(OFF_COMPRESSOR) + len(OFF_DRIVE)


def effect_source() -> str:
    """The effect itself, as REAPER compiles it."""
    return resources.files("megami.session").joinpath(EFFECT_FILE).read_text(encoding="utf-8")


def sliders_of(devices: Sequence[Device]) -> list[float] | None:
    """The sliders [32] that hold the devices of a channel, but for its convolver; None where there are no others.

    Raises ValueError for devices in another order than equaliser, compressor, drive, convolver, or two of a kind.
    """
    order = (EqualiserDevice, CompressorDevice, DriveDevice, ConvolverDevice)
    places = [order.index(type(device)) for device in devices]
    if places != sorted(set(places)):
        raise ValueError("the devices of a channel come as equaliser, compressor, drive, convolver, each once at most")
    bands, compressor, drive = [OFF_BAND] * MOST_BANDS, OFF_COMPRESSOR, OFF_DRIVE
    for device in devices:
        if isinstance(device, EqualiserDevice):
            for place, band in enumerate(device.bands):
                bands[place] = (1.0 + KINDS.index(band.kind), band.frequency_hz, band.gain_db, band.q)
        elif isinstance(device, CompressorDevice):
            knobs = device.knobs
            times = (knobs.attack_ms, knobs.release_ms)
            compressor = (1.0, knobs.threshold_db, knobs.ratio, *times, knobs.makeup_db)
        elif isinstance(device, DriveDevice):
            drive = (device.gain_db, device.mix)
    if not places or places == [order.index(ConvolverDevice)]:
        return None
    return [value for band in bands for value in band] + [*compressor, *drive]


def devices_of(sliders: Sequence[float]) -> tuple[Device, ...]:
    """The devices that sliders [32] stand for. Raises UserError for sliders that are none of this effect."""
    if len(sliders) < SLIDERS:
        raise UserError(f"the effect {EFFECT_FILE} has {SLIDERS} sliders, not {len(sliders)}")
    rows = [sliders[4 * place : 4 * place + 4] for place in range(MOST_BANDS)]
    bands = tuple(Band(KINDS[int(kind) - 1], hz, gain, q) for kind, hz, gain, q in rows if kind)
    on, threshold, ratio, attack, release, makeup = sliders[4 * MOST_BANDS : 4 * MOST_BANDS + 6]
    gain, mix = sliders[SLIDERS - 2 : SLIDERS]
    devices: list[Device] = [EqualiserDevice(bands)] if bands else []
    if on:
        devices.append(CompressorDevice(Compressor(threshold, ratio, attack, release, KNEE_DB, makeup)))
    if mix:
        devices.append(DriveDevice(gain, mix))
    return tuple(devices)
