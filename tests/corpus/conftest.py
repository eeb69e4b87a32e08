"""What tests of the book's caches share."""

from __future__ import annotations

import pytest
import torch

from megami.audio import Multitrack
from megami.mixing import Networks, from_pretrained
from megami.studio import Song


@pytest.fixture(scope="session")
def networks() -> Networks:
    """The networks that ship."""
    return from_pretrained("small")


@pytest.fixture
def small_song() -> Song:
    """A song that needs no SoundFont: noise and tones."""
    g = torch.Generator().manual_seed(0)
    seconds = torch.arange(44100 * 6) / 44100
    tone = 0.2 * torch.sin(2 * torch.pi * 110 * seconds) * (1 + torch.sin(2 * torch.pi * 2 * seconds))
    noise = 0.1 * torch.randn(44100 * 6, generator=g) * torch.exp(-4 * (seconds % 0.5))
    tracks = Multitrack(("drums", "bass"), torch.stack([noise, tone])[:, None], 44100)
    return Song(tracks, ("drums", "bass"), ("drum kit", "electric bass"), "rock", 7)
