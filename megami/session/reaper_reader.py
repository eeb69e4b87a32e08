"""Reading the REAPER projects that we write back into sessions, with the audio, so that they can be played."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from megami.errors import UserError
from megami.session.channel_effect import EFFECT_FILE, devices_of
from megami.session.clips import read_wav_bytes
from megami.session.devices import ConvolverDevice, Device
from megami.session.reaper import IMPULSE
from megami.session.session import Channel, Session, Take, TrackPair

WORD = re.compile(r"""\s*("[^"]*"|'[^']*'|`[^`]*`|\S+)""")
DEEPEST = 50


@dataclass
class Part:
    """A part of a project: its name and words, its lines as lists of words, and the parts in it."""

    words: list[str]
    lines: list[list[str]] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)

    def named(self, name: str) -> list[Part]:
        """The parts in it that have a name."""
        return [part for part in self.parts if part.words[0] == name]

    def values(self, name: str) -> list[str]:
        """The values of the line of that name. Raises UserError where there is none."""
        for line in self.lines:
            if line[0] == name:
                return line[1:]
        raise UserError(f"a {self.words[0]} of the project has no {name}")


def parse_project(text: str) -> Part:
    """The tree of a project's lines. Raises UserError where parts do not close."""
    root = Part(["FILE"])
    path = [root]
    for line in text.splitlines():
        line = line.strip()
        if line.startswith("<"):
            part = Part(words_of(line[1:]) or [""])
            path[-1].parts.append(part)
            path.append(part)
        elif line == ">":
            path.pop()
        elif line.startswith("|"):
            path[-1].lines.append([line])
        elif line:
            path[-1].lines.append(words_of(line))
        if not 0 < len(path) < DEEPEST:
            break
    if len(path) != 1 or [part.words[0] for part in root.parts] != ["REAPER_PROJECT"]:
        raise UserError("this is not a whole REAPER project: its parts do not close")
    return root.parts[0]


def words_of(line: str) -> list[str]:
    """The words of a line, without the quotes that some are in."""
    return [word[1:-1] if word[0] in "\"'`" and len(word) > 1 else word for word in WORD.findall(line)]


def session_from_reaper(text: str, title: str, load: Callable[[str], bytes]) -> Session:
    """The session of a project that `write_reaper` wrote; `load` gives a file's bytes by the name in the project.

    Raises UserError for what is no such project, and for audio that is missing or damaged.
    """
    project = parse_project(text)
    try:
        rate = int(project.values("SAMPLERATE")[0])
        takes: list[tuple[str, bool, list[Channel]]] = []
        for track in project.named("TRACK"):
            name, muted = track.values("NAME")[0], track.values("MUTESOLO")[0] == "1"
            if track.values("ISBUS")[0] == "1":
                takes.append((name, muted, []))
            elif takes:
                takes[-1][2].append(_channel(track, name, muted, rate, load))
    except (ValueError, IndexError):
        raise UserError(f"{title}: a number of the project cannot be read") from None
    if any(len(channels) % 2 for _, _, channels in takes):
        raise UserError(f"{title}: the tracks of a take are not pairs of dry and wet")
    return Session(
        title,
        rate,
        tuple(
            Take(name, tuple(TrackPair(*pair) for pair in zip(channels[::2], channels[1::2], strict=True)), muted)
            for name, muted, channels in takes
        ),
    )


def _channel(track: Part, name: str, muted: bool, rate: int, load: Callable[[str], bytes]) -> Channel:
    """A track with its clip, effect, impulse response, fader and pan."""
    volume, pan = (float(value) for value in track.values("VOLPAN")[:2])
    (item,) = track.named("ITEM") or [Part(["ITEM"])]
    (source,) = item.named("SOURCE") or [Part(["SOURCE"])]
    file = source.values("FILE")[0]

    def audio(path: str) -> np.ndarray:
        return read_wav_bytes(load(path), path, rate)[0]

    devices: list[Device] = []
    for chain in track.named("FXCHAIN"):
        for effect in chain.named("JS"):
            if effect.words[1] == EFFECT_FILE:
                devices += devices_of([float(value) for value in effect.lines[0] if value != "-"])
    for notes in item.named("NOTES"):
        found = [line[0][1 + len(IMPULSE) :] for line in notes.lines if line[0].startswith(f"|{IMPULSE}")]
        devices += [ConvolverDevice(audio(path)) for path in found]
    return Channel(name, file.partition("/")[2], audio(file), volume, pan, muted, tuple(devices))
