"""Sessions as DAWproject files: a ZIP with project.xml, metadata.xml and the audio.

The open exchange format of Bitwig (https://github.com/bitwig/dawproject, version 1.0), which Bitwig Studio, Studio
One, Cubase and others open. Gains, pans, mutes, equalisers, compressors and the limiter are elements of the format.
Drive and impulse responses are not: they are devices with names of our own, which other programs leave out.
"""

from __future__ import annotations

import zipfile
from typing import BinaryIO, Protocol
from xml.etree import ElementTree as ET

import numpy as np

from megami import __version__
from megami.session.clips import wav_bytes
from megami.session.dawproject_devices import add_device, fixed
from megami.session.session import Channel, Session, Take

FORMAT_VERSION = "1.0"
TEMPO_BPM = 120.0  # the song's own is not known; clips are placed in seconds
LOUDEST_VOLUME = 2.0
PROJECT, METADATA = "project.xml", "metadata.xml"
PAN_LAW = "balance: the far channel is turned down, the near one stays"
FIXED_DATE = (1980, 1, 1, 0, 0, 0)  # so that the same session is the same file, byte by byte


class Pack(Protocol):
    """Puts audio [channels, samples] into the session under a name, once, and returns the name."""

    def __call__(self, name: str, audio: np.ndarray, floats: bool = False) -> str: ...


class Ids:
    """Names for elements that others refer to: id1, id2, ..."""

    def __init__(self) -> None:
        self.last = 0

    def new(self) -> str:
        """The next one."""
        self.last += 1
        return f"id{self.last}"


def write_dawproject(session: Session, file: BinaryIO) -> None:
    """Write the session as a .dawproject into a file that is open for writing, everything packed into it.

    One clip is in memory at a time, beside the session itself.
    """
    with zipfile.ZipFile(file, "w") as archive:
        packed: set[str] = set()

        def pack(name: str, audio: np.ndarray, floats: bool = False) -> str:
            if name not in packed:
                packed.add(name)
                _pack(archive, name, wav_bytes(audio, session.sample_rate, floats))
            return name

        _pack(archive, PROJECT, _xml(_project(session, pack)))
        metadata = ET.Element("MetaData")
        ET.SubElement(metadata, "Title").text = session.title
        ET.SubElement(metadata, "Comment").text = _comment(session)
        _pack(archive, METADATA, _xml(metadata))


def _project(session: Session, pack: Pack) -> ET.Element:
    """project.xml; the audio that it refers to is packed on the way."""
    project = ET.Element("Project", version=FORMAT_VERSION)
    ET.SubElement(project, "Application", name="MEGAMI", version=__version__)
    ids = Ids()
    _add_transport(project, ids)
    structure = ET.SubElement(project, "Structure")
    arrangement = ET.SubElement(project, "Arrangement", id=ids.new())
    lanes = ET.SubElement(arrangement, "Lanes", id=ids.new(), timeUnit="seconds")
    master = ET.Element("Track", contentType="audio", id=ids.new(), name="Master", loaded="true")
    master_id = _add_master(master, session, ids)
    for number, take in enumerate(session.takes, 1):
        group, bus = _add_group(structure, take, master_id, ids)
        for place, one in enumerate(take.channels(), 1):
            track_id = ids.new()
            track = ET.SubElement(group, "Track", contentType="audio", id=track_id, name=one.name, loaded="true")
            _add_channel(track, one, f"impulse_responses/{number:02d}-{place:02d}.wav", bus, ids, pack)
            _add_clip(lanes, session, one, track_id, ids)
            pack(one.file, one.audio)
    structure.append(master)
    return project


def _add_transport(project: ET.Element, ids: Ids) -> None:
    transport = ET.SubElement(project, "Transport")
    ET.SubElement(
        transport, "Tempo", id=ids.new(), name="Tempo", unit="bpm", value=fixed(TEMPO_BPM), min="20.0", max="666.0"
    )
    ET.SubElement(transport, "TimeSignature", id=ids.new(), numerator="4", denominator="4")


def _add_master(track: ET.Element, session: Session, ids: Ids) -> str:
    """The master channel, with a limiter where the mix had one; returns its id."""
    channel_id = ids.new()
    channel = ET.SubElement(track, "Channel", id=channel_id, role="master", audioChannels="2", solo="false")
    if session.ceiling_db is not None:
        devices = ET.SubElement(channel, "Devices")
        limiter = ET.SubElement(devices, "Limiter", id=ids.new(), deviceName="Limiter", deviceRole="audioFX")
        ET.SubElement(
            limiter, "Threshold", id=ids.new(), name="Threshold", unit="decibel", value=fixed(session.ceiling_db)
        )
    _add_fader(channel, 1.0, 0.0, False, ids)
    return channel_id


def _add_group(structure: ET.Element, take: Take, master_id: str, ids: Ids) -> tuple[ET.Element, str]:
    """An empty group for a take, and the id of its channel."""
    group = ET.SubElement(structure, "Track", contentType="tracks", id=ids.new(), name=take.name, loaded="true")
    bus = ids.new()
    shape = {"id": bus, "role": "submix", "audioChannels": "2", "solo": "false", "destination": master_id}
    _add_fader(ET.SubElement(group, "Channel", shape), 1.0, 0.0, take.muted, ids)
    return group, bus


def _add_channel(track: ET.Element, one: Channel, impulse_file: str, bus: str, ids: Ids, pack: Pack) -> None:
    """A channel with its devices, into the channel of its take."""
    shape = {"id": ids.new(), "role": "regular", "audioChannels": "2", "solo": "false", "destination": bus}
    channel = ET.SubElement(track, "Channel", shape)
    if one.devices:
        devices = ET.SubElement(channel, "Devices")
        for device in one.devices:
            add_device(devices, device, ids.new, lambda impulse: pack(impulse_file, impulse, True))
    _add_fader(channel, one.volume, one.pan, one.muted, ids)


def _add_fader(channel: ET.Element, volume: float, pan: float, muted: bool, ids: Ids) -> None:
    """Mute, pan and volume, in the order of the schema."""
    ET.SubElement(channel, "Mute", id=ids.new(), name="Mute", value="true" if muted else "false")
    place = {"unit": "normalized", "value": fixed((pan + 1) / 2), "min": "0.0", "max": "1.0"}
    ET.SubElement(channel, "Pan", {"id": ids.new(), "name": "Pan", **place, "comment": PAN_LAW})
    size = {"unit": "linear", "value": fixed(volume), "min": "0.0", "max": fixed(max(volume, LOUDEST_VOLUME))}
    ET.SubElement(channel, "Volume", {"id": ids.new(), "name": "Volume", **size})


def _add_clip(lanes: ET.Element, session: Session, one: Channel, track_id: str, ids: Ids) -> None:
    """The clip of a channel, from the start of the song."""
    seconds = fixed(one.audio.shape[-1] / session.sample_rate)
    lane = ET.SubElement(lanes, "Lanes", id=ids.new(), track=track_id, timeUnit="seconds")
    clips = ET.SubElement(lane, "Clips", id=ids.new())
    clip = ET.SubElement(clips, "Clip", name=one.name, time="0.0", duration=seconds, playStart="0.0")
    rate, channels = str(session.sample_rate), str(len(one.audio))
    audio = ET.SubElement(clip, "Audio", id=ids.new(), duration=seconds, sampleRate=rate, channels=channels)
    ET.SubElement(audio, "File", path=one.file, external="false")


def _comment(session: Session) -> str:
    return (
        "Made by MEGAMI. Each take is a group: dry tracks with fader, pan, equaliser and compressor, and beside each "
        "the track as it was rendered, muted. What no element of the format can say lies as impulse responses in the "
        "folder impulse_responses: load them into a convolution reverb. Clips are placed in seconds; "
        f"{TEMPO_BPM:g} bpm is not the song's tempo. {len(session.takes)} take(s)."
    )


def _xml(root: ET.Element) -> bytes:
    ET.indent(root)
    text: bytes = ET.tostring(root, encoding="UTF-8", xml_declaration=True)
    return text + b"\n"


def _pack(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    """Add a file; text is compressed, audio is not."""
    info = zipfile.ZipInfo(name, FIXED_DATE)
    info.compress_type = zipfile.ZIP_DEFLATED if name.endswith(".xml") else zipfile.ZIP_STORED
    info.external_attr = 0o644 << 16
    archive.writestr(info, data)
