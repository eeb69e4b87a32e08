"""Devices as elements of a DAWproject channel, and back."""

from __future__ import annotations

from collections.abc import Callable
from xml.etree import ElementTree as ET

import numpy as np

from megami.effects import Compressor
from megami.errors import UserError
from megami.session.bands import Band, Kind
from megami.session.devices import CompressorDevice, ConvolverDevice, Device, DriveDevice, EqualiserDevice
from megami.session.gain_fit import KNEE_DB

BAND_TYPES: dict[Kind, str] = {"low shelf": "lowShelf", "bell": "bell", "high shelf": "highShelf"}
KINDS: dict[str, Kind] = {name: kind for kind, name in BAND_TYPES.items()}
DRIVE, CONVOLVER = "MEGAMI Drive", "MEGAMI Convolver"
NEEDS_CONVOLVER = "load the impulse response of this device into a convolution reverb, fully wet, no pre-delay"


def fixed(value: float) -> str:
    """A number as XML has it: enough digits to be read back as the same float32, never an exponent."""
    return f"{value:.9f}"


def add_device(
    parent: ET.Element, device: Device, new_id: Callable[[], str], store: Callable[[np.ndarray], str]
) -> None:
    """Append a device; `store` packs an impulse response [2, samples] and returns its path."""
    if isinstance(device, EqualiserDevice):
        _add_equaliser(_device(parent, "Equalizer", "Equaliser", new_id), device, new_id)
    elif isinstance(device, CompressorDevice):
        _add_compressor(_device(parent, "Compressor", "Compressor", new_id), device.knobs, new_id)
    elif isinstance(device, DriveDevice):
        knobs = ET.SubElement(_device(parent, "BuiltinDevice", DRIVE, new_id), "Parameters")
        _real(knobs, "RealParameter", device.gain_db, "decibel", new_id, "Gain")
        _real(knobs, "RealParameter", device.mix, "normalized", new_id, "Mix")
    else:
        element = _device(parent, "BuiltinDevice", CONVOLVER, new_id)
        element.set("comment", NEEDS_CONVOLVER)
        ET.SubElement(element, "State", path=store(device.impulse), external="false")


def read_device(element: ET.Element, load: Callable[[str], np.ndarray]) -> Device | None:
    """The device that an element stands for; None for one that we do not know. `load` reads an impulse response.

    Raises UserError where a number is missing.
    """
    if element.tag == "Equalizer":
        return EqualiserDevice(tuple(_read_band(band) for band in element.findall("Band")))
    if element.tag == "Compressor":
        return CompressorDevice(
            Compressor(
                threshold_db=_value(element, "Threshold"),
                ratio=_value(element, "Ratio"),
                attack_ms=1000 * _value(element, "Attack"),
                release_ms=1000 * _value(element, "Release"),
                knee_db=KNEE_DB,
                makeup_db=_value(element, "OutputGain"),
            )
        )
    if element.get("deviceName") == DRIVE:
        knobs = {knob.get("name"): number(knob) for knob in element.iterfind("Parameters/RealParameter")}
        return DriveDevice(knobs.get("Gain", 0.0), knobs.get("Mix", 0.0))
    if element.get("deviceName") == CONVOLVER and (state := element.find("State")) is not None:
        return ConvolverDevice(load(state.get("path", "")))
    return None


def number(element: ET.Element | None) -> float:
    """The value of a parameter. Raises UserError where there is none."""
    try:
        return float("" if element is None else element.get("value", ""))
    except ValueError:
        raise UserError(f"{'a parameter' if element is None else element.tag} of the session has no value") from None


def _device(parent: ET.Element, tag: str, name: str, new_id: Callable[[], str]) -> ET.Element:
    return ET.SubElement(parent, tag, id=new_id(), deviceName=name, deviceRole="audioFX", loaded="true")


def _add_equaliser(element: ET.Element, device: EqualiserDevice, new_id: Callable[[], str]) -> None:
    for band in device.bands:
        place = ET.SubElement(element, "Band", type=BAND_TYPES[band.kind])
        _real(place, "Freq", band.frequency_hz, "hertz", new_id)
        _real(place, "Gain", band.gain_db, "decibel", new_id)
        _real(place, "Q", band.q, "linear", new_id)
        ET.SubElement(place, "Enabled", id=new_id(), value="true")


def _add_compressor(element: ET.Element, knobs: Compressor, new_id: Callable[[], str]) -> None:
    """In the order of the schema, which is that of the alphabet."""
    _real(element, "Attack", knobs.attack_ms / 1000, "seconds", new_id)
    ET.SubElement(element, "AutoMakeup", id=new_id(), value="false")
    _real(element, "InputGain", 0.0, "decibel", new_id)
    _real(element, "OutputGain", knobs.makeup_db, "decibel", new_id)
    _real(element, "Ratio", knobs.ratio, "linear", new_id)
    _real(element, "Release", knobs.release_ms / 1000, "seconds", new_id)
    _real(element, "Threshold", knobs.threshold_db, "decibel", new_id)


def _real(
    parent: ET.Element, tag: str, value: float, unit: str, new_id: Callable[[], str], name: str | None = None
) -> None:
    ET.SubElement(parent, tag, id=new_id(), name=name or tag, unit=unit, value=fixed(value))


def _read_band(element: ET.Element) -> Band:
    kind = KINDS.get(element.get("type", ""))
    if kind is None:
        raise UserError(f"an equaliser band of the session is of a kind we do not play: {element.get('type')}")
    return Band(kind, _value(element, "Freq"), _value(element, "Gain"), _value(element, "Q"))


def _value(element: ET.Element, name: str) -> float:
    return number(element.find(name))
