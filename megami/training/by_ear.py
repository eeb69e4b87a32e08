"""Stages in which nothing is trained: what MusiCNN heard is projected, and studio stems are chosen for the bank."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
import torch
from torch import Tensor

from megami.adaptation import EarEncoder, StemBank, StemBankConfig
from megami.corpus.datasets import encode_content
from megami.corpus.ears import shipped_musicnn
from megami.corpus.features import dry_paths
from megami.corpus.heard import HeardStems, build_heard
from megami.presets import build_network, load_network, save_network, save_preset
from megami.studio import INSTRUMENTS
from megami.training.workplace import SmallRecipe, Workplace

BANK_SONGS = 160
MOST_OF_AN_INSTRUMENT, MOST_VOICES = 48, 96
"""So many stems of an instrument the bank takes; of voices more, for a choir is not like a singer."""


def fit_ear_encoder(place: Workplace, recipe: SmallRecipe) -> EarEncoder:
    """Project what MusiCNN heard of all dry training tracks onto its main directions."""
    config: Any = recipe.preset.content
    encoder = build_network(config)
    encoder.musicnn.load_state_dict(shipped_musicnn().state_dict())
    files = (np.load(path, allow_pickle=False) for path in dry_paths(place.cache, "train", recipe.corpus))
    encoder.fit(torch.from_numpy(np.concatenate([file["heard"] for file in files])))
    return encoder


def run_ear_encoder(place: Workplace, recipe: SmallRecipe) -> None:
    """Fit the content encoder that hears through MusiCNN, and store it."""
    words = {**where_from(recipe), "recipe": {"command": "megami train small --stages content_encoder"}}
    save_network(place.weights, "content_encoder", fit_ear_encoder(place, recipe), words)
    save_preset(place.weights, recipe.preset)


def chosen_stems(stems: HeardStems) -> Tensor:
    """Numbers of the stems that the bank takes: of each instrument the first ones."""
    voice = INSTRUMENTS.index("voice")
    seen = torch.zeros(int(stems.instrument.max()) + 1, dtype=torch.long)
    chosen = []
    for index, instrument in enumerate(stems.instrument.tolist()):
        if seen[instrument] < (MOST_VOICES if instrument == voice else MOST_OF_AN_INSTRUMENT):
            seen[instrument] += 1
            chosen.append(index)
    return torch.tensor(chosen)


def fill_stem_bank(place: Workplace, recipe: SmallRecipe) -> StemBank:
    """Hear the stems of training songs and give those chosen to a bank, with the content that the encoder says."""
    stems = build_heard(place.cache, recipe.corpus, min(BANK_SONGS, recipe.corpus.train_songs), place.workers)
    chosen = chosen_stems(stems)
    encoder, config = load_network(place.weights, "content_encoder"), StemBankConfig()
    ears = stems.heard[:, : config.features + config.tags]
    values = encode_content(encoder, (ears if encoder.config.by_ear else stems.mels.float())[chosen])
    bank = StemBank(StemBankConfig(stems=len(chosen), dim=values.shape[-1]))
    bank.fill(stems.heard[chosen], values, stems.role[chosen], stems.instrument[chosen])
    return bank


def run_stem_bank(place: Workplace, recipe: SmallRecipe) -> None:
    """Fill the bank and store it, with MusiCNN beside it."""
    how = {"songs": BANK_SONGS, "most_of_an_instrument": MOST_OF_AN_INSTRUMENT, "most_voices": MOST_VOICES}
    words = {**where_from(recipe), "recipe": {"command": "megami train small --stages stem_bank", **how}}
    save_network(place.weights, "stem_bank", fill_stem_bank(place, recipe), words)
    by_its_authors = {
        "data": {"recordings": "MagnaTagATune, real music; trained by the authors of MusiCNN"},
        "recipe": {"command": "scripts/convert_musicnn.py", "source": "PyPI musicnn 0.1.0, MTT_musicnn"},
        "licence": "ISC, see NOTICE_musicnn.md",
    }
    save_network(place.weights, "musicnn", shipped_musicnn(), by_its_authors)
    save_preset(place.weights, recipe.preset)


def where_from(recipe: SmallRecipe) -> dict[str, Any]:
    """What a file of weights says of the songs behind it."""
    return {"data": {"corpus": asdict(recipe.corpus), "songs": "synthetic studio of this package"}}
