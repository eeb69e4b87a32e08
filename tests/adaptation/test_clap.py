"""CLAP's audio half: which 10 s are heard, what comes out, and that nothing else of the package is touched."""

from __future__ import annotations

import ast
import importlib.util
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from megami.adaptation import ClapConfig, ClapEncoder, clap
from megami.errors import UserError

pytestmark = pytest.mark.skipif(importlib.util.find_spec("laion_clap") is None, reason="laion-clap is not installed")
TINY = ClapConfig(embed_dim=16, depths=(1, 1, 1, 1), heads=(1, 2, 4, 8))


@pytest.fixture(scope="module")
def encoder() -> ClapEncoder:
    torch.manual_seed(0)
    return ClapEncoder(TINY).eval().requires_grad_(False)


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return 0.1 * torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("samples", [1, 4410, 44100 * 3, 44100 * 12])
def test_any_length_gives_unit_vectors(encoder, samples):
    out = encoder(noise(2, 1, samples))
    assert out.shape == (2, 512) and torch.allclose(out.norm(dim=-1), torch.ones(2), atol=1e-5)


def test_channels_are_averaged_and_items_are_heard_alone(encoder):
    stereo = noise(3, 2, 60_000)
    together = encoder(stereo)
    for item, one in zip(stereo, together, strict=True):
        assert torch.allclose(encoder(item.mean(0)[None, None])[0], one, atol=1e-5)
    assert torch.allclose(ClapEncoder.forward(encoder, stereo.flip(0)), together.flip(0), atol=1e-5)


def test_many_clips_are_heard_some_at_a_time(encoder):
    clips = noise(TINY.batch + 2, TINY.window)
    assert torch.allclose(encoder.encode(clips)[-1:], encoder.encode(clips[-1:]), atol=1e-5)


def package_function(name: str):
    """One function of laion_clap.training.data, without importing that module (it fetches tokenizers)."""
    place = Path(importlib.util.find_spec("laion_clap").origin).parent / "training" / "data.py"
    tree = ast.parse(place.read_text(encoding="utf-8"))
    tree.body = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == name]
    space = {"torch": torch, "F": F, "np": np, "suppress": suppress}
    exec(compile(tree, str(place), "exec"), space)
    return space[name]


@pytest.mark.parametrize("samples", [100_000, 159_999, 240_000, 479_999, 480_000])
def test_short_audio_is_filled_up_as_the_package_does(encoder, samples):
    audio = noise(1, samples)
    prepare = package_function("get_audio_features")
    expected = prepare({}, audio[0], 480_000, "rand_trunc", "repeatpad", {})["waveform"]
    assert torch.equal(encoder.clip(audio)[0], expected)


def test_the_loudest_ten_seconds_are_heard(encoder):
    audio = noise(2, 700_000)
    audio[0, :150_000] = audio[0, 630_000:] = audio[1, 480_000:] = 0.0
    clips = encoder.clip(audio)
    assert torch.equal(clips[0], audio[0, 150_000:630_000]) and torch.equal(clips[1], audio[1, :480_000])


def test_random_cuts_come_from_the_generator(encoder):
    audio = noise(1, 700_000)
    one, same, other = (encoder.clip(audio, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2))
    assert torch.equal(one, same) and not torch.equal(one, other) and one.shape == (1, 480_000)


def test_the_level_is_not_changed(encoder):
    assert not torch.allclose(encoder(noise(1, 1, 50_000)), encoder(10 * noise(1, 1, 50_000)), atol=1e-4)


def test_full_size_has_the_published_number_of_weights():
    encoder = ClapEncoder()
    assert encoder.tower.num_features == 1024
    assert {key.split(".")[0] for key in encoder.state_dict()} == {"tower", "projection"}
    assert len(encoder.tower.state_dict()) == 287


def test_nothing_else_of_the_package_is_loaded_and_nothing_is_fetched():
    code = """
import socket, sys
def refuse(*arguments, **options): raise AssertionError("it reached for the network")
socket.socket.connect = refuse
from megami.adaptation import ClapConfig, ClapEncoder
ClapEncoder(ClapConfig(embed_dim=16, depths=(1, 1, 1, 1), heads=(1, 2, 4, 8)))
print([name for name in ("laion_clap", "clap_module", "transformers", "wandb", "webdataset") if name in sys.modules])
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (ran.returncode, ran.stdout.strip(), ran.stderr) == (0, "[]", ""), ran


def test_a_torchvision_for_another_torch_is_a_clear_error(monkeypatch):
    def broken(name):
        raise RuntimeError("operator torchvision::nms does not exist")

    monkeypatch.delitem(sys.modules, f"{clap.ALIAS}.htsat")
    monkeypatch.setattr(clap.importlib, "import_module", broken)
    with pytest.raises(UserError, match="torchvision::nms"):
        clap.htsat_module()


def test_without_the_package_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr(clap.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError, match="pip install --no-deps laion-clap"):
        ClapEncoder(TINY)
