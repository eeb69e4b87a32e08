"""Write files with the names, nesting, keys and shapes of the published ones, filled with random numbers.

    python scripts/write_random_paper_weights.py FOLDER [--seed 0] [--fx-encoder]
    megami mix STEMS --weights paper --weights-dir FOLDER

What they mix is nonsense, but they try everything else at full size without a download: 655 MB on disk (with
--fx-encoder 992), as the optimizers' states are left out. Needs the packages that `make setup` installs.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from megami.adaptation import ClapEncoder
from megami.embeddings import FxEncoderPlusPlus
from megami.errors import UserError
from megami.generator import MultitrackTransformer
from megami.presets import build_network, preset
from megami.processor import FilmTCN
from megami.published.addresses import ADAPTOR, CLAP, FEATURES, FX_ENCODER, GENERATOR, PAPER_FILES, PROCESSOR
from megami.published.key_tables import publish_adaptor, publish_tcn, publish_transformer
from megami.published.loading import CLAP_PARTS, FINE_BINS, FX_ENCODER_PARTS

State = dict[str, Tensor]


def write_random_weights(folder: Path, seed: int = 0, fx_encoder: bool = False) -> Path:
    """Write all files of the paper preset; FxEncoder++ only if asked for. The same seed gives the same numbers.

    Raises UserError where one of them is there already: it may be the published one.
    """
    for file in PAPER_FILES:
        if file.inside(folder).exists():
            raise UserError(f"{file.inside(folder)} is there already: move it away, or choose another folder")
    folder.mkdir(parents=True, exist_ok=True)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        torch.save(training_checkpoint(random_generator()), folder / GENERATOR.name)
        torch.save(training_checkpoint(publish_tcn(stirred(FilmTCN(preset("paper").tcn)))), folder / PROCESSOR.name)
        adaptor = build_network(preset("paper").adaptor)
        torch.save(training_checkpoint(publish_adaptor(adaptor.state_dict())), folder / ADAPTOR.name)
        clap = with_prefixes(stirred(ClapEncoder()), CLAP_PARTS)
        clap |= {"text_branch.embeddings.position_ids": torch.arange(514)[None], "logit_scale_a": torch.tensor(2.6)}
        torch.save(clap_checkpoint(clap), folder / CLAP.name)
        np.save(folder / FEATURES.name, random_curve(seed))  # as a plain array: no pickle but the published one is read
        if fx_encoder:
            torch.save(with_prefixes(stirred(FxEncoderPlusPlus()), FX_ENCODER_PARTS), folder / FX_ENCODER.name)
    return folder


def random_generator() -> State:
    """A generator whose residual branches all say something (a new one begins with zeros in them)."""
    network = MultitrackTransformer(preset("paper").transformer)
    for parameter in network.parameters():
        if not parameter.any():
            nn.init.normal_(parameter, std=0.5 / parameter.shape[-1] ** 0.5)
    return publish_transformer(network.state_dict())


def stirred(network: nn.Module) -> State:
    """The network's state with statistics of its BatchNorms that are not those of a new network."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            module.running_mean.normal_(std=0.1)
            module.running_var.uniform_(0.5, 2.0)
    return network.state_dict()


def with_prefixes(state: State, parts: dict[str, str]) -> State:
    """Give a state its published prefixes."""
    published: State = {}
    for prefix, own in parts.items():
        published |= {prefix + key.removeprefix(own): value for key, value in state.items() if key.startswith(own)}
    return published


def training_checkpoint(state: State) -> dict:
    """The nesting of the three files of the release."""
    return {"it": 100000, "network": state, "optimizer": {"state": {}, "param_groups": []}, "ema": state, "args": {}}


def clap_checkpoint(state: State) -> dict:
    """The nesting of a CLAP file, a numpy number included."""
    prefixed = {f"module.{key}": value for key, value in state.items()}
    return {"epoch": 15, "name": "random", "state_dict": prefixed, "best": np.float64(0.9)}


def random_curve(seed: int) -> np.ndarray:
    """A falling average spectrum, as music has it: [32769]."""
    frequency = np.linspace(0.0, 22050.0, FINE_BINS)
    ripple = np.random.default_rng(seed).uniform(0.8, 1.2, FINE_BINS)
    return (0.05 / (1.0 + frequency / 200.0) * ripple).astype(np.float32)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--fx-encoder", action="store_true")
    arguments = parser.parse_args()
    try:
        print(write_random_weights(arguments.folder, arguments.seed, arguments.fx_encoder))
    except UserError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
