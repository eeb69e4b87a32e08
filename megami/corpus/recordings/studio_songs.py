"""The studio's songs as recordings: dry tracks and what one of its engineers made of them, as a folder of pairs."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from tqdm import tqdm

from megami.audio import write_audio
from megami.corpus.recordings.plain_folders import SONG_FILE, read_pairs
from megami.corpus.recordings.songs import ListedRecordings
from megami.corpus.recordings.splits import SPLITS
from megami.corpus.songs import load_song
from megami.studio import Song, mix_with_random_engineer

NAME = "studio"


def studio_recordings(folder: Path, songs: Iterable[tuple[str, Song]], seed: int = 0) -> ListedRecordings:
    """Write studio songs, each with its name, as pairs with a mix by a random engineer; what is there already is kept.

    A name that begins with a split ("train_0003") goes into that split. The folder can be opened again as pairs.
    """
    for name, song in tqdm(list(songs), desc="studio songs", mininterval=1.0, disable=None):
        if not (folder / name).is_dir():
            write_studio_song(folder / name, song, seed)
    return ListedRecordings(NAME, read_pairs(folder).songs())


def cached_studio_recordings(folder: Path, paths: Iterable[Path], seed: int = 0) -> ListedRecordings:
    """The same of songs that the training corpus keeps (`megami.corpus.song_paths`)."""
    return studio_recordings(folder, ((path.stem, load_song(path)) for path in paths), seed)


def write_studio_song(folder: Path, song: Song, seed: int) -> Path:
    """Write one song: dry/ in mono, wet/ and mix.wav in stereo, song.json with its labels; whole or not at all."""
    mixed = mix_with_random_engineer(song, seed)
    partial = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(partial, ignore_errors=True)
    for kind, tracks in (("dry", song.multitrack.audio), ("wet", mixed.tracks)):
        for name, audio in zip(song.multitrack.names, tracks, strict=True):
            write_audio(partial / kind / f"{name}.wav", audio, song.multitrack.sample_rate, subtype="FLOAT")
    # Floats, for the engineers' tracks and sums may peak above full scale, where 24 bits would clip them.
    write_audio(partial / "mix.wav", mixed.audio, song.multitrack.sample_rate, subtype="FLOAT")
    split = folder.name.split("_")[0].replace("extra", "train")
    facts = {
        "dataset": NAME,
        "genre": song.genre,
        "split": split if split in SPLITS else "",
        "instruments": dict(zip(song.multitrack.names, song.instruments, strict=True)),
    }
    (partial / SONG_FILE).write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    os.replace(partial, folder)
    return folder
