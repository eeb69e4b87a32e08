"""Reading the DAWproject files that we write back into sessions, with the audio, so that they can be played."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from xml.etree import ElementTree as ET

import numpy as np

from megami.errors import UserError
from megami.session.clips import read_wav_bytes
from megami.session.dawproject import METADATA, PROJECT
from megami.session.dawproject_devices import number, read_device
from megami.session.session import Channel, Session, Take, TrackPair

Load = Callable[[str], np.ndarray]
"""Reads a clip or an impulse response by its path in the session: [channels, samples]."""


def session_from_dawproject(data: bytes, name: str = "the session") -> Session:
    """The session in a .dawproject file that `dawproject_bytes` wrote; devices that we do not know are left out.

    Raises UserError, naming the file, for what is no such file, for audio that is missing or damaged, and for tracks
    that do not come in pairs of dry and wet.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            files = {one.filename: archive.read(one) for one in archive.infolist() if not one.is_dir()}
        project = ET.fromstring(files[PROJECT])
        title = ET.fromstring(files[METADATA]).findtext("Title", "") if METADATA in files else ""
    except (zipfile.BadZipFile, KeyError, ET.ParseError, EOFError, OSError, RuntimeError, NotImplementedError) as error:
        raise UserError(f"{name} is not a DAWproject file ({' '.join(str(error).split())})") from None
    clips = _clips(project)
    rates = {int(audio.get("sampleRate", "0")) for audio in clips.values()}
    if len(rates) != 1:
        raise UserError(f"{name} has no audio clips, or clips of different sample rates")
    rate = rates.pop()

    def load(path: str) -> np.ndarray:
        if path not in files:
            raise UserError(f"{name} refers to {path}, which is not in it")
        return read_wav_bytes(files[path], path, rate)[0]

    takes = []
    for group in project.iterfind("Structure/Track[@contentType='tracks']"):
        channels = [_channel(track, clips, load, name) for track in group.findall("Track")]
        if len(channels) % 2:
            raise UserError(f"{name}: the tracks of {group.get('name')} are not pairs of dry and wet")
        pairs = tuple(TrackPair(*channels[at : at + 2]) for at in range(0, len(channels), 2))
        takes.append(Take(group.get("name", ""), pairs, _flag(group.find("Channel/Mute"))))
    ceiling = project.find(".//Limiter/Threshold")
    return Session(title or "", rate, tuple(takes), None if ceiling is None else number(ceiling))


def _clips(project: ET.Element) -> dict[str, ET.Element]:
    """The audio of each track, by the track's id."""
    found = {}
    for lane in project.iterfind("Arrangement/Lanes/Lanes"):
        audio = lane.find("Clips/Clip/Audio")
        if audio is not None:
            found[lane.get("track", "")] = audio
    return found


def _channel(track: ET.Element, clips: dict[str, ET.Element], load: Load, name: str) -> Channel:
    """A track with its clip, devices, fader and pan."""
    audio, channel = clips.get(track.get("id", "")), track.find("Channel")
    file = None if audio is None else audio.find("File")
    if file is None or channel is None:
        raise UserError(f"{name}: track {track.get('name')!r} has no channel or no clip")
    path = file.get("path", "")
    devices = [read_device(element, load) for element in channel.iterfind("Devices/*")]
    return Channel(
        name=track.get("name", ""),
        file=path,
        audio=load(path),
        volume=number(channel.find("Volume")),
        pan=2 * number(channel.find("Pan")) - 1,
        muted=_flag(channel.find("Mute")),
        devices=tuple(device for device in devices if device is not None),
    )


def _flag(element: ET.Element | None) -> bool:
    return element is not None and element.get("value") == "true"
