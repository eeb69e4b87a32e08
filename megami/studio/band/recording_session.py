"""From a seed to a song: compose, record, hand over the tapes."""

from __future__ import annotations

import numpy as np
import torch

from megami.audio import SAMPLE_RATE, Multitrack
from megami.errors import UserError
from megami.studio.band.cast import check_voices
from megami.studio.band.composer import Arrangement, arrange
from megami.studio.band.form import VERSE_AND_CHORUS, Section, arrange_form
from megami.studio.band.genres import GENRES, HELD_OUT_GENRES, genre_named
from megami.studio.band.patterns import pick
from megami.studio.band.renderer import record
from megami.studio.band.speech_synthesisers import find_synthesisers
from megami.studio.song import Song


def compose_song(seed: int, genre: str | None = None, seconds: float = 12.0, voices: str = "formant") -> Song:
    """Compose and record a song of 4-10 dry mono tracks at 44.1 kHz; bit-identical for the same arguments.

    Without `genre`, one of the genres that are not held out is drawn. `voices` is "formant" for one kind of singer, or
    "many" for voices of speech synthesisers besides it, which have to be installed; the notes and all other tracks are
    the same. Raises UserError for an unknown genre or voices, a negative seed, fewer than 2 seconds, or a missing
    SoundFont or synthesiser.
    """
    check_voices(voices)
    if voices == "many":
        find_synthesisers()
    if seed < 0 or seconds < 2.0:
        raise UserError("a song needs a seed of 0 or more and at least 2 seconds")
    genre = draw_genre(seed) if genre is None else genre
    return _recorded(arrange(genre_named(genre), seconds, seed), seconds, seed, voices)


def compose_song_in_form(seed: int, genre: str, form: tuple[Section, ...] = VERSE_AND_CHORUS) -> Song:
    """Compose and record a song with verses and choruses, 4-8 dry mono tracks at 44.1 kHz.

    Its length follows from the form and the tempo. Bit-identical for the same arguments. Raises UserError for an
    unknown genre, a negative seed, a form without bars, or a missing SoundFont.
    """
    if seed < 0:
        raise UserError("a song needs a seed of 0 or more")
    arrangement, seconds = arrange_form(genre_named(genre), form, seed)
    return _recorded(arrangement, seconds, seed, "formant")


def _recorded(arrangement: Arrangement, seconds: float, seed: int, voices: str) -> Song:
    takes = record(arrangement, seconds, seed, voices)
    audio = torch.from_numpy(np.stack([take.audio for take in takes]))[:, None, :]
    return Song(
        multitrack=Multitrack(tuple(take.name for take in takes), audio, SAMPLE_RATE),
        roles=tuple(take.role for take in takes),
        instruments=tuple(take.instrument for take in takes),
        genre=arrangement.genre.name,
        seed=seed,
    )


def draw_genre(seed: int) -> str:
    """The genre that a seed stands for: one of those that are not held out."""
    training = tuple(name for name in GENRES if name not in HELD_OUT_GENRES)
    return str(pick(np.random.default_rng([seed, 0]), training))
