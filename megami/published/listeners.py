"""The listeners of a size by its name: the small preset's own, or the paper's from the published files."""

from __future__ import annotations

from pathlib import Path

import torch

from megami.corpus.recordings.listening import SIZES, Listeners, small_listeners
from megami.device import resolve_device
from megami.errors import UserError
from megami.presets import preset
from megami.published.addresses import CLAP, FEATURES, FX_ENCODER, published_folder, published_path
from megami.published.loading import load_clap, load_fx_encoder, load_fxnorm


def load_listeners(size: str, device: str | torch.device = "auto", weights_dir: str | Path | None = None) -> Listeners:
    """Load those who listen at "small" or "paper" size.

    weights_dir: where the published files are, if not where they are downloaded to. Raises UserError for another size,
    and for files that are missing or are not what they should be.
    """
    if size not in SIZES:
        raise UserError(f"unknown size {size!r}: choose from {', '.join(SIZES)}")
    if size == "small":
        return small_listeners(device=device)
    folder = published_folder(weights_dir)
    for file in (FX_ENCODER, CLAP, FEATURES):  # all are looked for before the first is read
        published_path(file, folder)
    chosen, place = preset("paper"), resolve_device(device)
    return Listeners(
        size="paper",
        embedding=chosen.embedding,
        fx_encoder=load_fx_encoder(folder),
        content_encoder=load_clap(folder),
        content_level_db=chosen.content_level_db,
        fxnorm=load_fxnorm(folder),
        most_tracks=16 if place.type == "cuda" else 4,  # two at once take 1.8 GB with the weights
    ).to(place)
