"""Small pretend data sets in the layouts of the real ones, to try commands on and to test them.

The songs are synthesised here in moments: a drum kit, a bass, a guitar, keys and a voice over four chords, dry; each is
then treated (level, place, a filter, an echo) and the treated tracks are summed to a mix. They stand for no real music.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.random import Generator, default_rng
from scipy.signal import lfilter

from megami.audio import SAMPLE_RATE, write_audio

SECONDS = 13.0  # a little more than the published segments of 11.9 s
CHORDS = (0, 5, 7, -3)  # roots in semitones, two seconds each
ARTISTS = ("Annika Sjöberg", "The Porch Lamps", "Grey Harbour", "Low Tide", "Ida & Kim", "Paper Mill")
TITLES = ("Night Ferry", "Open Road", "Été", "Winter Coat", "Copper", "Second Rain")
"""With seed 0, the first four songs are two for training, one for test and one for validation, in this order: train,
test, train, validation (in the layout of MUSDB its folders decide)."""


@dataclass(frozen=True)
class PretendTrack:
    """One source of a pretend song: dry [samples] and wet [2, samples], with its labels in each data set."""

    name: str
    medleydb: str
    moisesdb: str
    moisesdb_group: str
    musdb: str
    dry: np.ndarray
    wet: np.ndarray


@dataclass(frozen=True)
class PretendSong:
    """A pretend song; its mix is the sum of its wet tracks."""

    artist: str
    title: str
    tracks: tuple[PretendTrack, ...]

    @property
    def mix(self) -> np.ndarray:
        """[2, samples]."""
        return np.sum([track.wet for track in self.tracks], axis=0)


def pretend_songs(songs: int = 4, seed: int = 0, seconds: float = SECONDS) -> tuple[PretendSong, ...]:
    """Synthesise songs of six tracks; the same seed gives the same songs. Each takes a fraction of a second."""
    return tuple(_song(index, default_rng([seed, index]), seconds) for index in range(songs))


def write_pretend_medleydb(folder: str | Path, songs: int = 4, seed: int = 0, seconds: float = SECONDS) -> Path:
    """Write pretend songs in MedleyDB's layout: Audio/ with stems and raw tracks, and Metadata/; return the folder.

    Kick and snare are two raw tracks of one stem; the other stems have one raw track each.
    """
    folder = Path(folder)
    for song in pretend_songs(songs, seed, seconds):
        name = f"{_joined(song.artist)}_{_joined(song.title)}"
        audio = folder / "Audio" / name
        stems = [song.tracks[:2], *([track] for track in song.tracks[2:])]
        said = {}
        for number, parts in enumerate(stems, 1):
            stem_file = f"{name}_STEM_{number:02d}.wav"
            _write(audio / f"{name}_STEMS" / stem_file, np.sum([part.wet for part in parts], axis=0))
            raw = {}
            for raw_number, part in enumerate(parts, 1):
                raw_file = f"{name}_RAW_{number:02d}_{raw_number:02d}.wav"
                _write(audio / f"{name}_RAW" / raw_file, part.dry[None])
                raw[f"R{raw_number:02d}"] = {"filename": raw_file, "instrument": part.medleydb}
            label = "drum set" if len(parts) > 1 else parts[0].medleydb
            component = {"electric bass": "bass", "female singer": "melody"}.get(label, "")
            said[f"S{number:02d}"] = {"component": component, "filename": stem_file, "instrument": label, "raw": raw}
        _write(audio / f"{name}_MIX.wav", song.mix)
        metadata = {
            "album": "",
            "artist": song.artist,
            "composer": [song.artist],
            "excerpt": "no",
            "genre": "Pop",
            "has_bleed": "no",
            "instrumental": "no",
            "mix_filename": f"{name}_MIX.wav",
            "origin": "megami.corpus.recordings.pretend",
            "producer": [song.artist],
            "raw_dir": f"{name}_RAW",
            "stem_dir": f"{name}_STEMS",
            "stems": said,
            "title": song.title,
            "version": 1.2,
            "website": [""],
        }
        # JSON is YAML too, so that no YAML is needed to write it.
        _write_text(folder / "Metadata" / f"{name}_METADATA.yaml", json.dumps(metadata, indent=1, ensure_ascii=False))
    return folder


def write_pretend_moisesdb(folder: str | Path, songs: int = 4, seed: int = 0, seconds: float = SECONDS) -> Path:
    """Write pretend songs in MoisesDB's layout: moisesdb_v0.1/UUID with data.json and the wet tracks."""
    folder = Path(folder)
    for index, song in enumerate(pretend_songs(songs, seed, seconds)):
        place = folder / "moisesdb_v0.1" / _uuid(seed, index, 0)
        groups: dict[str, list[dict[str, object]]] = {}
        for number, track in enumerate(song.tracks, 1):
            name = _uuid(seed, index, number)
            _write(place / track.moisesdb_group / f"{name}.wav", track.wet)
            entry = {"trackType": track.moisesdb, "id": name, "type": "audio/x-wav", "extension": "wav"}
            groups.setdefault(track.moisesdb_group, []).append({**entry, "has_bleed": False})
        stems = [
            {"id": _uuid(seed, index, 100 + number), "stemName": group, "tracks": tracks}
            for number, (group, tracks) in enumerate(groups.items())
        ]
        metadata = {"song": song.title, "artist": song.artist, "genre": "pop", "stems": stems}
        _write_text(place / "data.json", json.dumps(metadata, indent=1, ensure_ascii=False))
    return folder


def write_pretend_musdb(folder: str | Path, songs: int = 4, seed: int = 0, seconds: float = SECONDS) -> Path:
    """Write pretend songs in MUSDB18-HQ's layout: the last of each four in test/, the others in train/."""
    folder = Path(folder)
    for index, song in enumerate(pretend_songs(songs, seed, seconds)):
        place = folder / ("test" if index % 4 == 3 else "train") / f"{song.artist} - {song.title}"
        for stem in ("vocals", "drums", "bass", "other"):
            _write(place / f"{stem}.wav", np.sum([track.wet for track in song.tracks if track.musdb == stem], axis=0))
        _write(place / "mixture.wav", song.mix)
    return folder


def write_pretend_pairs(folder: str | Path, songs: int = 4, seed: int = 0, seconds: float = SECONDS) -> Path:
    """Write pretend songs as pairs: SONG/dry/NAME.wav (mono), SONG/wet/NAME.wav (stereo) and SONG/mix.wav."""
    folder = Path(folder)
    for song in pretend_songs(songs, seed, seconds):
        place = folder / f"{song.artist} - {song.title}"
        for track in song.tracks:
            _write(place / "dry" / f"{track.name}.wav", track.dry[None])
            _write(place / "wet" / f"{track.name}.wav", track.wet)
        _write(place / "mix.wav", song.mix)
    return folder


def write_pretend_wet(folder: str | Path, songs: int = 4, seed: int = 0, seconds: float = SECONDS) -> Path:
    """Write pretend songs of wet tracks only: SONG/NAME.wav."""
    folder = Path(folder)
    for song in pretend_songs(songs, seed, seconds):
        for track in song.tracks:
            _write(folder / f"{song.artist} - {song.title}" / f"{track.name}.wav", track.wet)
    return folder


PRETEND: dict[str, Callable[..., Path]] = {
    "medleydb": write_pretend_medleydb,
    "moisesdb": write_pretend_moisesdb,
    "musdb": write_pretend_musdb,
    "pairs": write_pretend_pairs,
    "wet": write_pretend_wet,
}
"""Who writes a pretend data set of each layout."""


def _song(index: int, rng: Generator, seconds: float) -> PretendSong:
    """One song: six dry tracks and what was made of them."""
    samples, key = round(seconds * SAMPLE_RATE), float(rng.uniform(50.0, 57.0))
    labels = (
        ("kick", "kick drum", "kick_drum", "drums", "drums", _kick, 0.0),
        ("snare", "snare drum", "snare_drum", "drums", "drums", _snare, 0.1),
        ("bass", "electric bass", "bass_guitar", "bass", "bass", _bass, 0.0),
        ("guitar", "acoustic guitar", "acoustic_guitar", "guitar", "other", _guitar, -0.6),
        ("keys", "electric piano", "electric_piano", "piano", "other", _keys, 0.6),
        ("vocal", "female singer", "lead_female_singer", "vocals", "vocals", _voice, 0.0),
    )
    tracks = []
    for name, medleydb, moisesdb, group, musdb, play, place in labels:
        sound = play(samples, key, rng)
        dry = 0.25 * sound / max(np.abs(sound).max(), 1e-9)
        tracks.append(PretendTrack(name, medleydb, moisesdb, group, musdb, dry, _treated(dry, place, rng)))
    artist, title = ARTISTS[index % len(ARTISTS)], TITLES[index % len(TITLES)]
    return PretendSong(artist, title if index < len(TITLES) else f"{title} {index // len(TITLES) + 1}", tuple(tracks))


def _treated(dry: np.ndarray, place: float, rng: Generator) -> np.ndarray:
    """What an engineer might do: a level, less bass or treble, a place, an echo on the other side. [2, samples]."""
    sound = dry * 10.0 ** (rng.uniform(-6.0, 3.0) / 20.0)
    smooth = lfilter([0.3], [1.0, -0.7], sound)
    sound = sound - rng.uniform(-0.4, 0.6) * smooth
    angle = (np.clip(place + rng.uniform(-0.2, 0.2), -1.0, 1.0) + 1.0) * np.pi / 4.0
    wet = np.stack([np.cos(angle) * sound, np.sin(angle) * sound])
    delay, gain = round(rng.uniform(0.02, 0.12) * SAMPLE_RATE), rng.uniform(0.05, 0.25)
    wet[:, delay:] += gain * wet[::-1, : max(0, len(dry) - delay)]
    return wet


def _note_starts(samples: int, every_s: float, offset_s: float = 0.0) -> np.ndarray:
    return (np.arange(offset_s, samples / SAMPLE_RATE, every_s) * SAMPLE_RATE).astype(int)


def _line(samples: int, starts: np.ndarray, frequencies: np.ndarray, decay_s: float, partials: int) -> np.ndarray:
    """A line of notes, one at a time, each with so many partials (1/n) and a decay. [samples]"""
    lengths = np.diff(starts, append=samples)
    lengths[0] += starts[0]
    since = np.arange(samples) - np.repeat(starts, lengths)
    table = _wave(partials)[(np.cumsum(np.repeat(frequencies / SAMPLE_RATE, lengths)) * 4096).astype(int) % 4096]
    return table * np.exp(-since.astype(np.float32) / (decay_s * SAMPLE_RATE))


def _wave(partials: int) -> np.ndarray:
    """One period of so many partials in 4096 samples."""
    turn = np.arange(4096) * 2.0 * np.pi / 4096
    return np.sum([np.sin(n * turn) / n for n in range(1, partials + 1)], axis=0).astype(np.float32)


def _roots(starts: np.ndarray, key: float) -> np.ndarray:
    """The chord's root as a frequency in Hz at each start."""
    chord = np.array(CHORDS)[(starts // (2 * SAMPLE_RATE)) % len(CHORDS)]
    return 440.0 * 2.0 ** ((key - 69.0 + chord) / 12.0)


def _kick(samples: int, key: float, rng: Generator) -> np.ndarray:
    t = np.arange(round(0.25 * SAMPLE_RATE)) / SAMPLE_RATE
    hit = np.sin(2 * np.pi * (rng.uniform(44.0, 54.0) * t + 2.5 * (1 - np.exp(-t / 0.03)))) * np.exp(-t / 0.08)
    return _hits(samples, _note_starts(samples, 1.0), hit, rng)


def _snare(samples: int, key: float, rng: Generator) -> np.ndarray:
    t = np.arange(round(0.2 * SAMPLE_RATE)) / SAMPLE_RATE
    hit = (rng.standard_normal(len(t)) + np.sin(2 * np.pi * 190 * t)) * np.exp(-t / 0.05)
    return _hits(samples, _note_starts(samples, 1.0, 0.5), hit, rng)


def _hits(samples: int, starts: np.ndarray, hit: np.ndarray, rng: Generator) -> np.ndarray:
    out = np.zeros(samples + len(hit))
    for start in starts:
        out[start : start + len(hit)] += rng.uniform(0.6, 1.0) * hit
    return out[:samples]


def _bass(samples: int, key: float, rng: Generator) -> np.ndarray:
    starts = _note_starts(samples, 0.5)
    return _line(samples, starts, _roots(starts, key) / 4.0, 0.5, 5)


def _guitar(samples: int, key: float, rng: Generator) -> np.ndarray:
    starts = _note_starts(samples, 0.25)
    steps = rng.choice([0, 4, 7, 12], len(starts))
    return _line(samples, starts, _roots(starts, key) * 2.0 ** (steps / 12.0), 0.6, 6)


def _keys(samples: int, key: float, rng: Generator) -> np.ndarray:
    starts = _note_starts(samples, 1.0)
    voices = [_line(samples, starts, _roots(starts, key) * 2.0 ** (step / 12.0), 0.9, 3) for step in (0, 4, 7)]
    return np.sum(voices, axis=0)


def _voice(samples: int, key: float, rng: Generator) -> np.ndarray:
    """A melody in phrases with rests, a little off the beat."""
    starts = _note_starts(samples, 0.5, 0.1)
    steps = rng.choice([0, 2, 4, 7, 9], len(starts))
    sung = np.clip(4.0 * np.sin(2 * np.pi * np.arange(samples) / (4.0 * SAMPLE_RATE) - 0.5), 0.0, 1.0)
    return sung * _line(samples, starts, _roots(starts, key) * 2.0 ** (1.0 + steps / 12.0), 2.0, 9)


def _joined(words: str) -> str:
    """As MedleyDB joins names: "The Porch Lamps" -> "ThePorchLamps"."""
    return "".join(part[0].upper() + part[1:] for part in "".join(c if c.isalnum() else " " for c in words).split())


def _uuid(*numbers: int) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, "/".join(map(str, numbers))))


def _write(path: Path, audio: np.ndarray) -> None:
    write_audio(path, torch.from_numpy(audio), subtype="PCM_16")


def _write_text(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
