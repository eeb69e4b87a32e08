"""Sessions as REAPER projects: a text file with the audio in a folder beside it.

The text is a tree of lines: `<NAME words` opens a part, `>` closes it, every other line is a name and its values.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from pathlib import PurePosixPath

import numpy as np

from megami.session.channel_effect import EFFECT_FILE, effect_source, sliders_of
from megami.session.clips import wav_bytes
from megami.session.devices import ConvolverDevice
from megami.session.session import Channel, Session, Take

FORMAT = ("0.1", "7.0/megami", "0")
BALANCE = 3  # REAPER's pan mode that turns the far channel down
SLIDER_PLACES = 64
IMPULSE = "impulse response: "
NAMES = uuid.UUID("6f7a3c5e-3d53-4a8e-9f0b-6d6567616d69")  # the space of names that tracks have their ids from

Emit = Callable[[str, bytes], None]


def media_folder(stem: str) -> str:
    """The folder beside STEM.rpp that holds its audio."""
    return f"{stem} media"


def write_reaper(session: Session, stem: str, emit: Emit) -> None:
    """Give `emit` the files of the project, by their names: audio and effect in a folder, then STEM.rpp."""
    folder, done = media_folder(stem), set[str]()

    def store(name: str, audio: np.ndarray, floats: bool = False) -> str:
        path = f"{folder}/{name}"
        if path not in done:
            done.add(path)
            emit(path, wav_bytes(audio, session.sample_rate, floats))
        return path

    lines = [
        f"<REAPER_PROJECT {' '.join(map(quoted, FORMAT))}",
        "  <NOTES 0 2",
        *(f"    |{line}" for line in _notes(session, folder)),
        "  >",
        f"  SAMPLERATE {session.sample_rate} 1 0",
        "  TEMPO 120 4 4",
        "  PANLAW 1",
        f"  PANMODE {BALANCE}",
    ]
    for number, take in enumerate(session.takes, 1):
        lines += indented(_take_lines(session, take, number, store))
    lines.append(">")
    emit(f"{folder}/{EFFECT_FILE}", effect_source().encode())
    emit(f"{stem}.rpp", ("\n".join(lines) + "\n").encode())


def quoted(text: str) -> str:
    """A value as REAPER writes it: in quotes where it is empty or has spaces, of a kind that it does not hold."""
    text = " ".join(text.split())
    if text and not any(sign in text for sign in " \"'`") and text[0] not in "<>|":
        return text
    for sign in "\"'`":
        if sign not in text:
            return f"{sign}{text}{sign}"
    return "`" + text.replace("`", "'") + "`"


def indented(lines: Iterable[str]) -> list[str]:
    """The lines one level further in."""
    return [f"  {line}" for line in lines]


def _notes(session: Session, folder: str) -> list[str]:
    """What a user should know, as the notes of the project."""
    lines = [
        f"{session.title}: {len(session.takes)} take(s) by MEGAMI, each a folder of tracks.",
        "Each dry track has its wet track beside it, muted. Solo one or the other to compare.",
        f"Equaliser, compressor and drive are in the effect {EFFECT_FILE}: copy it from the folder '{folder}'",
        "into the folder Effects of the resource path (Options, Show REAPER resource path) before you open this.",
        "Where the notes of an item name an impulse response, load that into ReaVerb, fully wet, after the effect.",
    ]
    if session.ceiling_db is not None:
        lines.append(f"The finished mix was limited to a true peak of {session.ceiling_db:g} dB; this session is not.")
    return lines


def _take_lines(session: Session, take: Take, number: int, store: Callable[..., str]) -> list[str]:
    """A folder track, and the tracks in it."""
    lines = [f"<TRACK {_guid(session.title, number)}", f"  NAME {quoted(take.name)}", "  VOLPAN 1 0 -1 -1 1"]
    lines += [f"  MUTESOLO {int(take.muted)} 0 0", "  ISBUS 1 1", "  NCHAN 2", "  MAINSEND 1 0", ">"]
    channels = list(take.channels())
    for place, one in enumerate(channels, 1):
        last = "2 -1" if place == len(channels) else "0 0"
        lines += [
            f"<TRACK {_guid(session.title, number, place)}",
            f"  NAME {quoted(one.name)}",
            f"  VOLPAN {one.volume:.9f} {one.pan:.9f} -1 -1 1",
            f"  MUTESOLO {int(one.muted)} 0 0",
            f"  ISBUS {last}",
            "  NCHAN 2",
            "  FX 1",
            "  MAINSEND 1 0",
            *indented(_effect_lines(one, session.title, number, place)),
            *indented(_item_lines(session, one, f"impulse responses/{number:02d}-{place:02d}.wav", store)),
            ">",
        ]
    return lines


def _effect_lines(one: Channel, title: str, number: int, place: int) -> list[str]:
    sliders = sliders_of(one.devices)
    if sliders is None:
        return []
    values = [f"{value:.9f}" for value in sliders] + ["-"] * (SLIDER_PLACES - len(sliders))
    chain = ["<FXCHAIN", "  SHOW 0", "  LASTSEL 0", "  DOCKED 0", "  BYPASS 0 0 0", f'  <JS {EFFECT_FILE} ""']
    return [*chain, f"    {' '.join(values)}", "  >", f"  FXID {_guid(title, number, place, 'effect')}", ">"]


def _item_lines(session: Session, one: Channel, impulse_file: str, store: Callable[..., str]) -> list[str]:
    """The clip of a channel, from the start of the song, with a note of its impulse response."""
    lines = ["<ITEM", "  POSITION 0", f"  LENGTH {one.audio.shape[-1] / session.sample_rate:.9f}", "  LOOP 0"]
    lines += [f"  NAME {quoted(one.name)}", "  VOLPAN 1 0 1 -1", "  SOFFS 0"]
    for device in one.devices:
        if isinstance(device, ConvolverDevice):
            lines += ["  <NOTES", f"    |{IMPULSE}{store(impulse_file, device.impulse, True)}", "  >"]
    path = store(str(PurePosixPath(one.file)), one.audio)
    return [*lines, "  <SOURCE WAVE", f"    FILE {quoted(path)}", "  >", ">"]


def _guid(*words: object) -> str:
    """An id for a track or an effect that is always the same for the same place in the same session."""
    return "{" + str(uuid.uuid5(NAMES, repr(words))).upper() + "}"
