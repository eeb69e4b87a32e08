"""The training corpus: studio songs in three splits, rendered once and kept as files."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from megami.adaptation import ContentConfig
from megami.audio import SAMPLE_RATE, Multitrack
from megami.corpus.code_mark import SONGS, claim_code
from megami.corpus.parallel import build_files, write_arrays
from megami.embeddings import FxEncoderConfig
from megami.errors import UserError
from megami.studio import ENGINEERS, GENRES, HELD_OUT_GENRES, Song, compose_song
from megami.studio.band.soundfont import find_soundfont
from megami.studio.band.speech_synthesisers import find_synthesisers

SPLITS = ("train", "validation", "test", "extra")
"""`extra` are songs for training too, of which only the generators learn: they need variety more than the others do."""

FIRST_SEED = {"train": 0, "validation": 1_000_000, "test": 2_000_000, "extra": 3_000_000}


@dataclass(frozen=True)
class FrontEnd:
    """The log-mels that an encoder looks at, which are what a cache keeps of its audio."""

    sample_rate: int = 44100
    n_fft: int = 2048
    hop: int = 1024
    mels: int = 64

    @staticmethod
    def of(encoder: FxEncoderConfig | ContentConfig) -> FrontEnd:
        """Give the front end of an encoder with this config."""
        return FrontEnd(encoder.sample_rate, encoder.n_fft, encoder.hop, encoder.mels)


@dataclass(frozen=True)
class CorpusConfig:
    """How much the studio plays, how much of it is mixed, and how the encoders are to hear it."""

    train_songs: int = 400
    validation_songs: int = 12
    test_songs: int = 30
    extra_songs: int = 300
    seconds: float = 12.0
    mixes_per_song: int = len(ENGINEERS)  # one by every engineer: else a generator learns by heart who mixed which song
    chain_mixes: int = 2  # views and crops borrow chains from the first so many mixes of a song
    chains: int = 4800  # of the effect encoder, each heard on `views` different clips
    views: int = 4
    view_seconds: float = 5.0
    crops: int = 5000  # of the processor
    crop_samples: int = 65536
    long_crops: int = 1600  # of `long_crop_samples`: long tails, and the dynamics of phrases with rests
    long_crop_samples: int = 262144
    voices: str = "many"  # who sings, one of VOICE_SETS: a voice must not be one timbre
    seed: int = 0
    fx_front_end: FrontEnd = FrontEnd()
    content_front_end: FrontEnd = FrontEnd()

    def heard_by(self, fx_encoder: FxEncoderConfig | None, content: ContentConfig | None) -> CorpusConfig:
        """Give the same corpus with features for encoders of these configs; None leaves a front end as it is."""
        return replace(
            self,
            fx_front_end=self.fx_front_end if fx_encoder is None else FrontEnd.of(fx_encoder),
            content_front_end=self.content_front_end if content is None else FrontEnd.of(content),
        )

    def songs(self, split: str) -> int:
        """Number of songs of a split."""
        return getattr(self, f"{split}_songs")


MARK_FILE = "corpus.json"
SYNTHESISERS_FILE = "synthesisers.json"
FRONT_ENDS = ("fx_front_end", "content_front_end")
MARKED = (
    "seed", "seconds", "voices", "chain_mixes", "views", "view_seconds", "crop_samples", "long_crop_samples",
    *FRONT_ENDS,
)  # fmt: skip
"""Settings that decide what a cached file holds; the others say how many there are."""


def claim_cache(folder: Path, config: CorpusConfig) -> None:
    """Write down for which settings a cache is. Raises UserError if it was built with others."""
    file = folder / MARK_FILE
    wanted = {name: value for name, value in asdict(config).items() if name in MARKED}
    if not file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        partial = file.with_suffix(".part")
        partial.write_text(json.dumps(wanted, indent=1) + "\n", encoding="utf-8")
        partial.replace(file)
        return
    # Older caches do not say which front ends they are for, nor who sings: they knew one only.
    found = dict.fromkeys(FRONT_ENDS, asdict(FrontEnd())) | {"voices": "formant"} | read_mark(file)
    for name, value in wanted.items():
        if found.get(name) != value:
            raise UserError(
                f"{folder} was built with {name} = {found.get(name)}, not {value}: choose another folder, or delete it"
            )


def claim_synthesisers(folder: Path, versions: dict[str, str]) -> None:
    """Write down which synthesisers sing in a cache's songs. Raises UserError if others have begun them."""
    file = folder / SYNTHESISERS_FILE
    if not file.exists():
        partial = file.with_suffix(".part")
        partial.write_text(json.dumps(versions, indent=1) + "\n", encoding="utf-8")
        partial.replace(file)
        return
    found = read_mark(file)
    if found != versions:
        raise UserError(
            f"the songs in {folder} were begun with {_listed(found)}, and here is {_listed(versions)}: "
            "choose another folder, or delete it"
        )


def read_mark(file: Path) -> dict[str, Any]:
    """Read what a cache says of itself. Raises UserError where that is damaged."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        reason = getattr(error, "strerror", None) or "it is not valid JSON"
        raise UserError(
            f"{file}: cannot be read ({reason}): choose another folder for the cache, or delete it"
        ) from None
    if not isinstance(found, dict):
        raise UserError(f"{file}: not a JSON object: choose another folder for the cache, or delete it")
    return found


def _listed(versions: dict[str, str]) -> str:
    return ", ".join(f"{name} {number}" for name, number in sorted(versions.items()))


def song_genre(split: str, index: int, config: CorpusConfig) -> str:
    """Genre of a song: held-out genres are never in training, and make up a third of the test songs."""
    if split == "test" and index % 3 == 2:
        return HELD_OUT_GENRES[(index // 3) % len(HELD_OUT_GENRES)]
    known = [genre for genre in GENRES if genre not in HELD_OUT_GENRES]
    return known[int(np.random.default_rng([config.seed, FIRST_SEED[split], index]).integers(len(known)))]


def song_paths(folder: Path, split: str, config: CorpusConfig) -> list[Path]:
    """Files of a split's songs."""
    return [folder / "songs" / f"{split}_{index:04d}.npz" for index in range(config.songs(split))]


@dataclass(frozen=True)
class BuildSong:
    """Compose the song that a file name asks for and store it in 16 bits, each track scaled to its own peak."""

    config: CorpusConfig

    def __call__(self, path: Path) -> None:
        split, index = path.stem.rsplit("_", 1)
        seed = self.config.seed * 10_000_000 + FIRST_SEED[split] + int(index)
        genre = song_genre(split, int(index), self.config)
        song = compose_song(seed, genre=genre, seconds=self.config.seconds, voices=self.config.voices)
        save_song(path, song)


def save_song(path: Path, song: Song) -> None:
    """Write a song as one .npz (16 bits below each track's own peak)."""
    audio = song.multitrack.audio[:, 0].numpy()
    samples, scale = to_int16(audio)
    write_arrays(
        path,
        {
            "samples": samples,
            "scale": scale,
            "names": np.array(song.multitrack.names),
            "roles": np.array(song.roles),
            "instruments": np.array(song.instruments),
            "genre": np.array(song.genre),
            "seed": np.array(song.seed),
        },
    )


def load_song(path: Path) -> Song:
    """Read a song of `save_song`."""
    with np.load(path, allow_pickle=False) as file:
        audio = torch.from_numpy(from_int16(file["samples"], file["scale"]))[:, None]
        return Song(
            Multitrack(tuple(map(str, file["names"])), audio, SAMPLE_RATE),
            tuple(map(str, file["roles"])),
            tuple(map(str, file["instruments"])),
            str(file["genre"]),
            int(file["seed"]),
        )


def build_songs(
    folder: Path, config: CorpusConfig, splits: tuple[str, ...] = SPLITS, workers: int | None = None
) -> None:
    """Render the songs of the given splits that are not there yet.

    Raises UserError without the SoundFont or the speech synthesisers they need, and for a folder that was built with
    other settings, code or synthesisers.
    """
    claim_cache(folder, config)
    claim_code(folder, SONGS)
    if not all(path.exists() for split in splits for path in song_paths(folder, split, config)):
        find_soundfont()  # said once and at once, not by every process
        if config.voices == "many":
            claim_synthesisers(folder, find_synthesisers())
    for split in splits:
        build_files(BuildSong(config), song_paths(folder, split, config), workers, f"songs ({split})")


def to_int16(audio: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Quantise [..., n] to 16 bits below each row's own peak; returns (int16, scale [..., 1])."""
    scale = np.maximum(np.abs(audio).max(axis=-1, keepdims=True), 1e-9).astype(np.float32) / 32767
    return np.round(audio / scale).astype(np.int16), scale


def from_int16(samples: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Undo `to_int16` up to rounding."""
    return samples.astype(np.float32) * scale
