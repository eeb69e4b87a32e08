"""The recording session: every part of an arrangement becomes a dry mono track with a session's level and noise."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce

import numpy as np

from megami.audio import SAMPLE_RATE, db_to_gain
from megami.studio.band.cast import perform_vocal
from megami.studio.band.composer import Arrangement, Part
from megami.studio.band.drum_machine import render_hits
from megami.studio.band.filters import highpass, lowpass
from megami.studio.band.grooves import DRUM_KEYS
from megami.studio.band.harmony import Harmony
from megami.studio.band.notes import PlayedNote
from megami.studio.band.patterns import pick
from megami.studio.band.room import amplify, bleed_of, microphone, noise_floor, reflections
from megami.studio.band.singer import random_singer
from megami.studio.band.soundfont import DRUM_BANK, render_soundfont
from megami.studio.band.sounds import SOUNDS
from megami.studio.band.synths import random_patch, render_synth
from megami.studio.band.voice import sing

_KITS: dict[str, tuple[int, ...]] = {
    # programs of the SoundFont's drum bank; kits not listed here are machines or recorded hits
    "standard": (0, 1, 2, 3, 4, 5, 6, 7),
    "room": (8, 9, 10, 11, 12, 13),
    "power": (16, 17, 18, 19),
    "electronic": (24,),
    "jazz": (32, 33, 34, 35, 36),
    "brush": (40, 41, 42),
    "orchestra": (48,),
}
_MACHINES = ("house machine", "analogue machine", "tight machine", "recorded machine", "808", "electronic")
_DEDICATED = {"kick": ("kick",), "snare": ("snare", "rim", "clap")}


@dataclass(frozen=True)
class Take:
    """One recorded track: dry mono samples [n] with name, role, instrument and how it was picked up."""

    name: str
    role: str
    instrument: str
    recording: str
    audio: np.ndarray


def record(arrangement: Arrangement, seconds: float, seed: int, voices: str = "formant") -> list[Take]:
    """Render all parts, let the drums bleed into the other microphones, and set session levels and noise floors.

    `voices` is one of VOICE_SETS. Who sings is drawn apart from everything else.
    """
    num_samples = round(seconds * SAMPLE_RATE)
    takes: list[Take] = []
    for index, part in enumerate(arrangement.parts):
        rng = np.random.default_rng([seed, 3, index])
        if part.role == "drums":
            takes.extend(_drum_takes(part, arrangement, num_samples, rng))
        else:
            casting = np.random.default_rng([seed, 5, index]) if voices == "many" else None
            takes.append(_take(part, arrangement.harmony, num_samples, rng, casting))
    takes = [take for take in takes if np.abs(take.audio).max() > 1e-6]
    return _session(_with_names(takes), arrangement, np.random.default_rng([seed, 4]))


def _take(
    part: Part, harmony: Harmony, num_samples: int, rng: np.random.Generator, casting: np.random.Generator | None
) -> Take:
    """One recorded part; `casting` draws who sings it, None leaves it to the formant singer and the sampled choir."""
    if part.role == "percussion":
        program = int(pick(rng, (0, 8, 32)))
        audio = render_soundfont(part.notes, program, DRUM_BANK, num_samples, rng)
        return Take("percussion", part.role, "percussion", "mic", _pick_up(lowpass(audio, 9000.0), "mic", rng, -6.0))
    sound = SOUNDS[part.sound]
    audio = _play(part, harmony, num_samples, rng, casting)
    name = sound.instrument if sound.engine != "voice" else "vocal"
    return Take(name, part.role, sound.instrument, sound.recording, _pick_up(audio, sound.recording, rng))


def _play(
    part: Part, harmony: Harmony, num_samples: int, rng: np.random.Generator, casting: np.random.Generator | None
) -> np.ndarray:
    """The sound of a pitched part before it is picked up."""
    sound = SOUNDS[part.sound]
    if casting is not None and sound.instrument == "voice":
        audio = perform_vocal(part.notes, sound.engine != "voice", harmony, num_samples, casting)
        if audio is not None:
            return audio
    if sound.engine == "voice":
        return sing(part.notes, random_singer(rng), num_samples, rng)
    if sound.engine == "gm":
        return render_soundfont(part.notes, int(pick(rng, sound.programs)), 0, num_samples, rng)
    return render_synth(part.notes, random_patch(sound.engine, rng), num_samples, rng)


def _drum_takes(part: Part, arrangement: Arrangement, num_samples: int, rng: np.random.Generator) -> list[Take]:
    """One drum track, or kick, snare and overheads (a machine: kick and the rest)."""
    machine = part.sound in _MACHINES
    kit = int(pick(rng, _KITS[part.sound])) if part.sound in _KITS else part.sound
    seed = int(rng.integers(2**31))
    dry: dict[str, np.ndarray] = {}
    for close, drums in (*_DEDICATED.items(), ("rest", None)):
        chosen = [note for note in part.notes if _belongs(note, drums)]
        dry[close] = _render_kit(chosen, kit, num_samples, np.random.default_rng([seed, len(dry)]))
    if not arrangement.split_drums:
        label = "drum machine" if machine else "drum kit"
        recording = "line" if machine else "mic"
        return [Take("drums", "drums", label, recording, _pick_up(reduce(np.add, dry.values()), recording, rng, -1.0))]
    if machine:
        rest = _pick_up(dry["snare"] + dry["rest"], "line", rng)
        kick = Take("kick", "drums", "kick", "line", dry["kick"])
        return [kick, Take("drums", "drums", "drum machine", "line", rest)]
    return _close_miked(dry, rng)


def _close_miked(dry: dict[str, np.ndarray], rng: np.random.Generator) -> list[Take]:
    """Kick and snare microphones with the rest of the kit leaking in, and overheads that hear all of it."""
    takes = []
    for close in ("kick", "snare"):
        others = sum(audio for name, audio in dry.items() if name != close)
        leak = db_to_gain(rng.uniform(-30.0, -18.0))
        takes.append(Take(close, "drums", close, "mic", _pick_up(dry[close] + leak * others, "mic", rng, 0.0)))
    above = dry["rest"] + rng.uniform(0.25, 0.5) * dry["snare"] + rng.uniform(0.1, 0.3) * dry["kick"]
    takes.append(Take("overheads", "drums", "overheads", "mic", _pick_up(above, "mic", rng, -5.0)))
    return takes


def _belongs(note: PlayedNote, drums: tuple[str, ...] | None) -> bool:
    if drums is None:
        return all(note.pitch != DRUM_KEYS[name] for names in _DEDICATED.values() for name in names)
    return any(note.pitch == DRUM_KEYS[name] for name in drums)


def _render_kit(notes: list[PlayedNote], kit: int | str, num_samples: int, rng: np.random.Generator) -> np.ndarray:
    if isinstance(kit, int):
        return render_soundfont(notes, kit, DRUM_BANK, num_samples, rng)
    return 0.3 * render_hits(notes, kit, num_samples, rng)


def _pick_up(audio: np.ndarray, recording: str, rng: np.random.Generator, top_db: float = 2.0) -> np.ndarray:
    """Through the amplifier and to the microphone, or straight in; `top_db` is how bright that microphone is."""
    if np.abs(audio).max() < 1e-6:
        return audio
    if recording == "drive amp":
        audio = amplify(audio, rng.uniform(4.0, 18.0), rng)
    elif recording == "clean amp":
        audio = amplify(audio, rng.uniform(0.4, 1.6), rng)
    if recording in ("mic", "clean amp", "drive amp"):
        audio = reflections(microphone(audio, top_db, rng), rng.uniform(-26.0, -14.0), rng)
    return highpass(audio, 20.0)


def _with_names(takes: list[Take]) -> list[Take]:
    """File-like names, numbered where two tracks share one."""
    named: list[Take] = []
    for take in takes:
        base = "backing_vocals" if take.instrument == "voice" and take.name != "vocal" else take.name.replace(" ", "_")
        base = "bass" if take.role == "bass" else base
        same = sum(other.name == base or other.name.startswith(f"{base}_") for other in named)
        name = base if same == 0 else f"{base}_{same + 1}"
        named.append(Take(name, take.role, take.instrument, take.recording, take.audio))
    return named


def _session(takes: list[Take], arrangement: Arrangement, rng: np.random.Generator) -> list[Take]:
    """Peaks of -12..-3 dBFS, bleed between microphones of one room, noise floors of -87..-50 dBFS."""
    base_db = rng.uniform(-9.0, -5.0)
    levelled = []
    for take in takes:
        peak_db = float(np.clip(base_db + rng.normal(0.0, 2.5), -12.0, -3.0))
        levelled.append(take.audio * (db_to_gain(peak_db) / np.abs(take.audio).max()))
    drums = sum(a for a, take in zip(levelled, takes, strict=True) if take.role == "drums")
    finished = []
    for audio, take in zip(levelled, takes, strict=True):
        kind = {"mic": "mic", "line": "line", "di": "amp"}.get(take.recording, "amp")
        audio = audio + noise_floor(len(audio), kind, _floor_db(kind, rng), rng)
        level_db, heard = rng.uniform(-55.0, -40.0), take.recording == "mic" and take.role != "drums"
        if arrangement.same_room and heard and np.ndim(drums):
            audio = audio + bleed_of(drums, level_db, rng)
        audio[-200:] *= np.linspace(1.0, 0.0, 200)
        finished.append(Take(take.name, take.role, take.instrument, take.recording, audio.astype(np.float32)))
    return finished


def _floor_db(kind: str, rng: np.random.Generator) -> float:
    low, high = {"line": (-87.0, -72.0), "mic": (-82.0, -56.0), "amp": (-76.0, -50.0)}[kind]
    return float(rng.uniform(low, high))
