"""MusiCNN's answers to the tracks of a corpus, which are kept like log-mels: no training changes them."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path

import torch
from torch import Tensor

from megami.adaptation import MusiCNN
from megami.adaptation.ear import stem_windows
from megami.presets.weight_files import load_weights

FILE = "musicnn.safetensors"


@cache
def shipped_musicnn() -> MusiCNN:
    """MusiCNN with the published weights, which are part of the package."""
    network = MusiCNN().eval().requires_grad_(False)
    # By the file alone: what other networks are made of has no say in what was heard (`megami.corpus.code_mark`).
    network.load_state_dict(load_weights(Path(str(files("megami") / "presets" / "small" / FILE)), network, "musicnn"))
    return network


@torch.no_grad()
def hear_tracks(tracks: Tensor) -> Tensor:
    """What the mono averages of tracks [b, c, n] sound like: features and tags [b, 250]."""
    return hear_variants(tracks)[0]


@torch.no_grad()
def hear_variants(tracks: Tensor) -> Tensor:
    """The same over all that is listened to, over its first half and over its second half: [3, b, 250]."""
    heard = []
    for track in tracks.mean(dim=1):
        windows = stem_windows(shipped_musicnn(), track)
        half = -(-len(windows) // 2)
        heard.append(torch.stack([part.mean(dim=0) for part in (windows, windows[:half], windows[-half:])]))
    return torch.stack(heard, dim=1)
