"""From a seed to a song: compose, record, hand over the tapes."""

from __future__ import annotations

import numpy as np
import torch

from megami.audio import SAMPLE_RATE, Multitrack
from megami.data.studio.composer import arrange
from megami.data.studio.patterns import pick
from megami.data.studio.renderer import record
from megami.data.studio.song import Song
from megami.data.studio.styles import HELD_OUT_STYLES, STYLES, style_named
from megami.errors import UserError


def compose_song(seed: int, style: str | None = None, seconds: float = 12.0) -> Song:
    """Compose and record a song of 4-10 dry mono tracks at 44.1 kHz; bit-identical for the same arguments.

    Without `style`, one of the styles that are not held out is drawn. Raises UserError for an unknown style, a
    negative seed, fewer than 2 seconds, or a missing SoundFont.
    """
    if seed < 0 or seconds < 2.0:
        raise UserError("a song needs a seed of 0 or more and at least 2 seconds")
    style = draw_style(seed) if style is None else style
    takes = record(arrange(style_named(style), seconds, seed), seconds, seed)
    audio = torch.from_numpy(np.stack([take.audio for take in takes]))[:, None, :]
    return Song(
        multitrack=Multitrack(tuple(take.name for take in takes), audio, SAMPLE_RATE),
        roles=tuple(take.role for take in takes),
        instruments=tuple(take.instrument for take in takes),
        style=style,
        seed=seed,
    )


def draw_style(seed: int) -> str:
    """The style that a seed stands for: one of those that are not held out."""
    training = tuple(name for name in STYLES if name not in HELD_OUT_STYLES)
    return str(pick(np.random.default_rng([seed, 0]), training))
