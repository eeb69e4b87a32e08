"""The stage that fills the stem bank: nothing is trained, studio stems are chosen and heard."""

from __future__ import annotations

from dataclasses import asdict

import torch
from torch import Tensor

from megami.adaptation import StemBank, StemBankConfig
from megami.corpus.datasets import encode_content
from megami.corpus.ears import shipped_musicnn
from megami.corpus.heard import HeardStems, build_heard
from megami.presets import load_network, save_network, save_preset
from megami.training.workplace import SmallRecipe, Workplace

SONGS = 160
MOST = 48  # stems of one instrument


def chosen_stems(stems: HeardStems, most: int = MOST) -> Tensor:
    """Numbers of the stems that the bank takes: of each instrument the first ones, so many at most."""
    seen = torch.zeros(int(stems.instrument.max()) + 1, dtype=torch.long)
    chosen = []
    for index, instrument in enumerate(stems.instrument.tolist()):
        if seen[instrument] < most:
            seen[instrument] += 1
            chosen.append(index)
    return torch.tensor(chosen)


def fill_stem_bank(place: Workplace, recipe: SmallRecipe) -> StemBank:
    """Hear the stems of training songs and give those chosen to a bank, with the content that the encoder says."""
    songs = min(SONGS, recipe.corpus.train_songs)
    stems = build_heard(place.cache, recipe.corpus, songs, place.workers)
    chosen = chosen_stems(stems)
    values = encode_content(load_network(place.weights, "content_encoder"), stems.mels[chosen].float())
    bank = StemBank(StemBankConfig(stems=len(chosen), dim=values.shape[-1]))
    bank.fill(stems.heard[chosen], values, stems.role[chosen], stems.instrument[chosen])
    return bank


def run_stem_bank(place: Workplace, recipe: SmallRecipe) -> None:
    """Fill the bank and store it, with MusiCNN beside it; needs no device."""
    bank = fill_stem_bank(place, recipe)
    words = {
        "data": {"corpus": asdict(recipe.corpus), "songs": "synthetic studio of this package"},
        "recipe": {"command": "megami train small --stages stem_bank", "songs": SONGS, "most_of_an_instrument": MOST},
    }
    save_network(place.weights, "stem_bank", bank, words)
    musicnn_words = {"data": {}, "recipe": {"command": "scripts/convert_musicnn.py"}, "licence": "ISC"}
    save_network(place.weights, "musicnn", shipped_musicnn(), musicnn_words)
    save_preset(place.weights, recipe.preset)
