"""The console: a mixing desk over the stems of a song, in a notebook or in a page, without a kernel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch

from megami.audio import db_to_gain, true_peak_db
from megami.errors import UserError
from megami.notebook.console_settings import CONTROLS, MASTER_CONTROL, OFF_DB, ConsoleSettings, console_settings
from megami.notebook.recordings import Item, Recordings, recordings
from megami.notebook.stores import Store, store_here
from megami.notebook.widget import Widget, build_widget

Settings = str | Path | Mapping[str, Any] | ConsoleSettings

# What no control changes. Times in seconds.
DESK = {
    "lowHz": 120.0,
    "midQ": 0.9,
    "highHz": 6000.0,
    "attack": 0.01,
    "release": 0.15,
    "reverbSeconds": 1.4,  # until the reverb has died away by 60 dB
    "reverbDelay": 0.018,
    "reverbSeed": 23,
    "offDb": OFF_DB,
}
HEADROOM_DBTP = -3.0  # of the plain sum, so that a console does not start with a clipping mix
LARGEST_DECODED_BYTES = 800e6  # a browser keeps every stem decoded


def console(
    stems: Sequence[Item],
    sample_rate: int,
    title: str = "",
    *,
    description: str,
    target: Settings | None = None,
    target_mix: torch.Tensor | None = None,
    settings: Settings | None = None,
    bitrate_kbps: int = 128,
) -> Widget:
    """A mixing desk: each stem has equaliser, compressor, reverb send, pan, fader, mute, solo; the master has meters.

    stems: (name, audio [channels, samples]) each, mono or stereo, with different names; one gain for all keeps their
    balance. description: what there is to hear. settings: where the controls stand at first, as a console exports them:
    {"tracks": {"bass": {"fader_db": -3, "pan": 0.2, "low_db": 2}}, "master_db": 0}; keys, units and ranges are those of
    `StripSettings`, and what is left out keeps its start value. target: settings of the same form for a mix to match,
    by ear first. target_mix: a finished mix [channels, samples] that is heard as the target; without one, the target is
    rendered from its settings; without settings it can be heard, but there are no distances to show.

    Each stem goes through a low shelf at 120 Hz, a bell (Q 0.9) and a high shelf at 6 kHz (RBJ cookbook); a compressor
    with a hard knee, linked channels, 10 ms attack and 150 ms release; the fader; and a balance, since stems are
    stereo: panned by p, the far channel is turned down to cos(p pi/2) and the near one stays as it is. The send is
    taken after all of that; a send of 0 dB makes the reverb about as loud as the track. Raises UserError for stems that
    cannot be played or have one name, for too much sound, and for settings that cannot be.
    """
    return build_console(
        stems, sample_rate, title, description, store_here(), target, target_mix, settings, bitrate_kbps
    )


def build_console(
    stems: Sequence[Item],
    sample_rate: int,
    title: str,
    description: str,
    store: Store,
    target: Settings | None = None,
    target_mix: torch.Tensor | None = None,
    settings: Settings | None = None,
    bitrate_kbps: int = 128,
    keys: str = "focus",
    gym: Mapping[str, Any] | None = None,
) -> Widget:
    """The console, with its sound in a store. keys: "focus" (when the console has the focus) or "page" (always).

    gym: what a `mix_gym` knows of other mixes; its takes are then the last of the stems, heard only when asked for.
    """
    playable = len(stems) - (len(gym["takes"]) if gym else 0)
    names = [str(name) for name, _ in stems[:playable]]
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise UserError(f"two stems are called {doubled[0]!r}: give them different names")
    start = _checked(settings if settings is not None else {"tracks": {}}, names)
    aim = None if target is None else _checked(target, names)
    items = list(stems) if target_mix is None else [*stems, ("Target", target_mix)]
    sound = _with_headroom(recordings(items, sample_rate, match=False, bitrate_kbps=bitrate_kbps), len(names))
    _check_size(sound)
    config = {
        "title": title,
        "keys": keys,
        **sound.config(),
        "names": names,
        "controls": [asdict(control) for control in CONTROLS],
        "masterControl": asdict(MASTER_CONTROL),
        "desk": DESK,
        "settings": start.as_json(),
        "target": aim and aim.as_json(),
        "gym": gym,
    }
    return build_widget("console", config, description, sound.audio_elements(store, sound.identity(title)), store)


def _checked(settings: Settings, names: Sequence[str]) -> ConsoleSettings:
    return console_settings(settings.as_json() if isinstance(settings, ConsoleSettings) else settings, names)


def _with_headroom(sound: Recordings, stems: int) -> Recordings:
    """All turned down together where the plain sum of the stems would leave no headroom."""
    total = torch.stack(sound.audios[:stems]).sum(0)
    over_db = true_peak_db(total, sound.sample_rate) - HEADROOM_DBTP
    if over_db <= 0.0:
        return sound
    audios = tuple(audio * db_to_gain(-over_db) for audio in sound.audios)
    matches = tuple(replace(found, gain_db=found.gain_db - over_db) for found in sound.matches)
    return replace(sound, audios=audios, matches=matches)


def _check_size(sound: Recordings) -> None:
    size = len(sound.audios) * sound.audios[0].shape[-1] * 2 * 4
    if size > LARGEST_DECODED_BYTES:
        raise UserError(
            f"{len(sound.audios)} stems of {sound.seconds:.0f} s are too much for a browser: choose a passage of at "
            f"most {sound.seconds * LARGEST_DECODED_BYTES / size:.2g} s"
        )
