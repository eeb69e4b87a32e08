"""Which songs are for training, which for validation, which for the test: by published lists, else by a hash."""

from __future__ import annotations

import hashlib
import unicodedata

from megami.corpus.recordings.songs import RecordedSong

SPLITS = ("train", "validation", "test")
SHARES = (0.8, 0.1, 0.1)
"""Of songs (of artists, where they are known) that no published list names."""

MUSDB_VALIDATION = (
    "ANiMAL - Rockshow",
    "Actions - One Minute Smile",
    "Alexander Ross - Goodbye Bolero",
    "Clara Berry And Wooldog - Waltz For My Victims",
    "Fergessen - Nos Palpitants",
    "James May - On The Line",
    "Johnny Lokke - Promises & Lies",
    "Leaf - Summerghost",
    "Meaxic - Take A Step",
    "Patrick Talbot - A Reason To Leave",
    "Skelpolu - Human Mistakes",
    "Traffic Experiment - Sirens",
    "Triviul - Angelsaint",
    "Young Griffo - Pennies",
)
"""The 14 songs of MUSDB18's training folder that are for validation (the list of the `musdb` package, mus.yaml, which
torchaudio.datasets.MUSDB_HQ has too)."""


def split_of(song: RecordedSong, seed: int) -> str:
    """Give "train", "validation" or "test": where a published list has the song, else by hash.

    The hash is of the artist where the data set names one, so that no artist is in two splits, else of the song's name,
    and of `seed`: it depends neither on the other songs nor on the machine. Eight tenths of artists (songs) are for
    training, a tenth each for validation and test; small data sets may have none in a split.
    """
    if song.published_split:
        return song.published_split
    share = share_of_name(song.artist or song.name, seed)
    if share < SHARES[0]:
        return SPLITS[0]
    return SPLITS[1] if share < SHARES[0] + SHARES[1] else SPLITS[2]


def share_of_name(name: str, seed: int) -> float:
    """A number from 0 to 1 that follows from a name and a seed, evenly spread over names."""
    plain = unicodedata.normalize("NFC", name).strip().lower()
    digest = hashlib.sha256(f"{seed}:{plain}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def musdb_split(folder: str, song: str) -> str:
    """The published split of a MUSDB18 song: that of its folder, "train" or "test", less the validation songs."""
    if folder == "train" and song in MUSDB_VALIDATION:
        return "validation"
    return folder if folder in SPLITS else ""
