"""What tests of several rooms share: networks with random weights, short dry songs, and scripts as modules."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch

from megami.adaptation import MusiCNN, MusiCNNConfig, StemBank, StemBankConfig
from megami.presets import GeneratorConfig, Preset, build_network, preset, save_network
from megami.studio import ROLES

TINY_EAR = MusiCNNConfig(timbral=8, temporal=4, middle=8)
Tracks = dict[str, np.ndarray]


@pytest.fixture(autouse=True)
def no_downloads(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep what a developer has downloaded out of the tests."""
    monkeypatch.setenv("MEGAMI_HOME", str(tmp_path_factory.getbasetemp() / "empty_home"))


@pytest.fixture(scope="session")
def load_script() -> Callable[[str], ModuleType]:
    """Give load_script(name): the module of scripts/NAME.py, its main part not run."""

    def load(name: str) -> ModuleType:
        path = Path(__file__).resolve().parents[1] / "scripts" / f"{name}.py"
        spec = importlib.util.spec_from_file_location(f"script_{name}", path)
        assert spec and spec.loader
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module  # its dataclasses look for it there
        spec.loader.exec_module(module)
        return module

    return load


@pytest.fixture(scope="session")
def random_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the small preset's networks with random weights: they mix badly, but everything else holds for them."""
    return save_random_networks(tmp_path_factory.mktemp("random_weights"), preset("small"))


@pytest.fixture(scope="session")
def tiny_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As `random_weights`, of networks that are small for speed: short filters, few channels, one layer."""
    small = preset("small")
    tiny = replace(
        small,
        fx_encoder=replace(small.fx_encoder, width=8, hidden=16),
        content=replace(small.content, width=8, hidden=16),
        adaptor=replace(small.adaptor, hidden_dim=16),
        structured=replace(small.structured, hidden=16, fir_taps=512, tail_s=0.1, net_channels=4, net_blocks=1),
        tcn=replace(small.tcn, channels=4, blocks=2),
        transformer=replace(small.transformer, width=112, depth=1, heads=2),
    )
    return save_random_networks(tmp_path_factory.mktemp("tiny_weights"), tiny)


def save_random_networks(folder: Path, small: Preset) -> Path:
    """Write the networks of a preset with random weights."""
    # Also the generators answer something, which they begin to do only when they are trained.
    generator = GeneratorConfig(replace(small.transformer, zero_output=False), small.edm, small.linear_denoiser)
    configs = {
        "fx_encoder": small.fx_encoder,
        "content_encoder": small.content,
        "adaptor": small.adaptor,
        "generator": generator,
        "generator_regression": generator,
        "generator_per_track": generator,
        "generator_true_dry": generator,
        "processor_structured": small.structured,
        "processor_tcn": small.tcn,
    }
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        networks = {name: build_network(config) for name, config in configs.items()}
        networks |= {"musicnn": MusiCNN(TINY_EAR), "stem_bank": random_bank(small.content.dim)}
        for name, network in networks.items():
            save_network(folder, name, network, {"data": "none", "recipe": "random initial weights"})
    return folder


def random_bank(dim: int, stems: int = 28) -> StemBank:
    """A stem bank of noises, four of every role."""
    bank = StemBank(StemBankConfig(stems=stems, dim=dim))
    classes = torch.arange(stems) % len(ROLES)
    bank.fill(torch.randn(stems, bank.keys.shape[1]), torch.randn(stems, dim), classes, classes)
    return bank


@pytest.fixture(scope="session")
def dry_tracks() -> Callable[..., Tracks]:
    """Give dry_tracks(number, seconds, rate): named mono tracks [samples], each other notes with a clear attack."""

    def make(number: int = 3, seconds: float = 1.5, rate: int = 44100, seed: int = 0) -> Tracks:
        rngs = [np.random.default_rng([seed, index]) for index in range(number)]
        return {f"track {index:02d}": notes(rng, seconds, rate) for index, rng in enumerate(rngs)}

    return make


def notes(rng: np.random.Generator, seconds: float, rate: int) -> np.ndarray:
    """A repeated note with three harmonics and a little noise, [samples] float32."""
    time = np.arange(max(1, round(seconds * rate))) / rate
    pitch_hz, beat_s = float(rng.uniform(80.0, 800.0)), float(rng.choice([0.125, 0.25, 0.375]))
    tone = sum(np.sin(2 * np.pi * pitch_hz * k * time) / k for k in (1, 2, 3)) + 0.1 * rng.standard_normal(time.size)
    return (0.2 * tone * np.exp(-(time % beat_s) / 0.08)).astype(np.float32)
