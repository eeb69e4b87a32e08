"""Published files fill our networks key by key, each from its own place; what does not fit is named."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from refusals import refusal
from torch import Tensor, nn

from megami.adaptation import DomainAdaptor
from megami.adaptation.clap import ClapConfig, ClapEncoder
from megami.mixing import Mixer, from_pretrained
from megami.presets import GeneratorConfig, build_network, preset
from megami.processor import TCNConfig
from megami.published import loading as published
from megami.published.addresses import (
    ADAPTOR,
    CLAP,
    FEATURES,
    FX_ENCODER,
    GENERATOR,
    PROCESSOR,
    PublishedFile,
)
from megami.published.key_tables import publish_adaptor, publish_tcn, publish_transformer
from megami.published.loading import (
    FINE_BINS,
    fill,
    load_adaptor,
    load_clap,
    load_fx_encoder,
    load_generator,
    load_processor,
)

State = dict[str, Tensor]
SMALL_PAPER = replace(
    preset("paper"),
    transformer=replace(preset("paper").transformer, width=128, depth=2, heads=4, ff_mult=0.5, time_features=16),
    tcn=TCNConfig(condition_dim=2112, content_dim=512, channels=4, blocks=3, kernel_size=3),
)
SMALL_CLAP = ClapConfig(embed_dim=16, depths=(1, 1, 1, 1), heads=(1, 2, 4, 8))
CLAP_PACKAGES = ("laion_clap", "torchvision", "torchlibrosa", "h5py")
NO_CLAP = any(importlib.util.find_spec(name) is None for name in CLAP_PACKAGES)
needs_clap = pytest.mark.skipif(NO_CLAP, reason="the packages of CLAP are not installed")


@pytest.fixture
def small_paper(monkeypatch) -> None:
    """The published sizes, but for a small generator and processor."""
    monkeypatch.setattr(published, "preset", lambda name: SMALL_PAPER if name == "paper" else preset(name))


def store(folder: Path, file: PublishedFile, content: object) -> Path:
    """Write a checkpoint under its published name."""
    torch.save(content, folder / file.name)
    return folder / file.name


def checkpoint(network: State, ema: State) -> dict[str, Any]:
    """A checkpoint as the published training nests it."""
    return {"it": 5, "network": network, "optimizer": {"state": {}}, "ema": ema, "args": {"lr": 1e-4}}


def random_adaptor(seed: int = 0) -> DomainAdaptor:
    """An adaptor of the published size."""
    torch.manual_seed(seed)
    return build_network(preset("paper").adaptor)


def assert_holds(network: nn.Module, expected: State) -> None:
    """Check a loaded network: these numbers in single precision, ready for use and not for training."""
    state = network.state_dict()
    assert set(state) == set(expected)
    for key, value in expected.items():
        assert torch.equal(state[key], value.float() if value.is_floating_point() else value), key
    assert not any(module.training for module in network.modules())
    assert not any(value.requires_grad or value.is_meta for value in (*network.parameters(), *network.buffers()))
    assert all(value.dtype == torch.float32 for value in network.parameters())


def published_adaptor(seed: int = 0) -> State:
    return publish_adaptor(random_adaptor(seed).state_dict())


def test_adaptor(tmp_path):
    store(tmp_path, ADAPTOR, checkpoint(published_adaptor(0), published_adaptor(1)))
    loaded, original = load_adaptor(tmp_path), random_adaptor(0)
    assert_holds(loaded, original.state_dict())
    content = torch.randn(2, 512)
    torch.testing.assert_close(loaded(content), original(content))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_precisions_become_single(tmp_path, dtype):
    state = {key: value.to(dtype) for key, value in published_adaptor().items()}
    store(tmp_path, ADAPTOR, {"network": state})
    assert_holds(load_adaptor(tmp_path), {key: value.to(dtype) for key, value in random_adaptor().state_dict().items()})


@pytest.mark.parametrize("dtype", [torch.int32, torch.bool, torch.complex64])
def test_weights_of_a_type_that_cannot_be_used_are_refused(tmp_path, dtype):
    state = published_adaptor()
    state["model.2.weight"] = state["model.2.weight"].to(dtype)
    path = store(tmp_path, ADAPTOR, {"network": state})
    refusal(lambda: load_adaptor(tmp_path), str(path), "model.2.weight")


@pytest.mark.parametrize("key", ["model.0.weight", "model.0.bias", "model.2.weight", "model.2.bias"])
def test_keys_of_the_adaptor_that_do_not_fit_are_named(tmp_path, key):
    state = published_adaptor()
    path = store(tmp_path, ADAPTOR, {"network": {name: value for name, value in state.items() if name != key}})
    refusal(lambda: load_adaptor(tmp_path), str(path), f"key {key} is missing")
    store(tmp_path, ADAPTOR, {"network": state | {key: torch.zeros(3, 2)}})
    refusal(lambda: load_adaptor(tmp_path), str(path), f"key {key} has shape [3, 2], expected [512")
    store(tmp_path, ADAPTOR, {"network": state | {f"{key}_g": torch.zeros(1)}})
    refusal(lambda: load_adaptor(tmp_path), str(path), f"key {key}_g is unexpected")


def test_a_file_without_the_right_place_is_refused(tmp_path, small_paper):
    path = store(tmp_path, ADAPTOR, {"ema": published_adaptor()})
    refusal(lambda: load_adaptor(tmp_path), str(path), "no 'network' inside")
    store(tmp_path, ADAPTOR, published_adaptor())
    refusal(lambda: load_adaptor(tmp_path), str(path), "no 'network' inside")
    path = store(tmp_path, PROCESSOR, {"ema": {"output.bias": torch.zeros(2)}})
    refusal(lambda: load_processor(tmp_path), str(path), "no 'network' inside")
    path = store(tmp_path, GENERATOR, {"network": {"preprocess_conv.weight": torch.zeros(2)}})
    refusal(lambda: load_generator(tmp_path), str(path), "no 'ema' inside")


def test_a_file_of_another_network_is_refused(tmp_path, small_paper):
    processor = publish_tcn(build_network(SMALL_PAPER.tcn).state_dict())
    path = store(tmp_path, ADAPTOR, checkpoint(processor, processor))
    refusal(lambda: load_adaptor(tmp_path), str(path), "model.0.weight is missing")
    path = store(tmp_path, PROCESSOR, checkpoint(published_adaptor(), published_adaptor()))
    refusal(lambda: load_processor(tmp_path), str(path), "is missing")


def test_a_damaged_value_is_named(tmp_path):
    state = published_adaptor()
    state["model.0.bias"][3] = float("nan")
    path = store(tmp_path, ADAPTOR, {"network": state})
    assert refusal(lambda: load_adaptor(tmp_path), "model.0.bias", "not finite").count(str(path)) == 1


def test_a_network_keeps_nothing_of_its_file(tmp_path):
    path = store(tmp_path, ADAPTOR, checkpoint(published_adaptor(0), published_adaptor(1)))
    loaded = load_adaptor(tmp_path)
    with path.open("r+b") as file:  # the same file, so that a mapping of it would show this
        file.write(bytes(path.stat().st_size))
    assert_holds(loaded, random_adaptor(0).state_dict())


def test_filling_a_network_copies():
    source = {key: value.clone() for key, value in random_adaptor(0).state_dict().items()}
    network = random_adaptor(1)
    assert fill(network, source) is network
    for value in source.values():
        value.fill_(7.0)
    assert_holds(network, random_adaptor(0).state_dict())


def test_filling_keeps_counts_as_they_are():
    network = nn.BatchNorm1d(3)
    state = {key: value.clone() for key, value in network.state_dict().items()}
    state["num_batches_tracked"] += 2**40 + 1
    assert int(fill(network, state).num_batches_tracked) == 2**40 + 1


def random_generator(seed: int) -> nn.Module:
    torch.manual_seed(seed)
    return build_network(GeneratorConfig(SMALL_PAPER.transformer, SMALL_PAPER.edm))


def published_generator(seed: int) -> State:
    return publish_transformer(random_generator(seed).network.state_dict())


def test_generator_is_the_averaged_one(tmp_path, small_paper):
    store(tmp_path, GENERATOR, checkpoint(published_generator(0), published_generator(1)))
    loaded, original = load_generator(tmp_path), random_generator(1).eval()
    assert_holds(loaded.network, original.network.state_dict())
    assert loaded.config == SMALL_PAPER.edm
    assert_denoises_alike(loaded, original)


def assert_denoises_alike(loaded: nn.Module, original: nn.Module) -> None:
    """Also compare what the two do, which depends on more than the numbers in the file."""
    sizes = SMALL_PAPER.transformer
    noisy = torch.randn(1, 2, sizes.io_channels, sizes.tokens)
    content = torch.randn(1, 2, sizes.cond_tokens, sizes.cond_dim)
    answers = [denoise(network, noisy, content) for network in (loaded, original)]
    torch.testing.assert_close(*answers)
    assert answers[0].isfinite().all()


def denoise(network: nn.Module, noisy: Tensor, content: Tensor) -> Tensor:
    with torch.no_grad():
        return network(noisy, torch.tensor([0.5]), content, torch.ones(1, 2, dtype=torch.bool))


def test_processor_is_the_plain_one(tmp_path, small_paper):
    networks = []
    for seed in (0, 1):
        torch.manual_seed(seed)
        networks.append(build_network(SMALL_PAPER.tcn))
        for module in networks[-1].modules():
            if isinstance(module, nn.BatchNorm1d):  # statistics that are not the initial ones
                module.running_mean.normal_()
                module.running_var.uniform_(0.5, 2.0)
                module.num_batches_tracked.fill_(seed + 11)
    store(tmp_path, PROCESSOR, checkpoint(*(publish_tcn(network.state_dict()) for network in networks)))
    loaded, original = load_processor(tmp_path), networks[0].eval()
    assert_holds(loaded, original.state_dict())
    audio, condition = torch.randn(2, 1, 300), torch.randn(2, 2112 + 512)
    torch.testing.assert_close(process(loaded, audio, condition), process(original, audio, condition))


def process(network: nn.Module, audio: Tensor, condition: Tensor) -> Tensor:
    with torch.no_grad():
        return network(audio, *condition.split([2112, 512], dim=-1))


@pytest.mark.parametrize(
    ("file", "load", "config", "publish", "place"),
    [
        (GENERATOR, load_generator, SMALL_PAPER.transformer, publish_transformer, "ema"),
        (PROCESSOR, load_processor, SMALL_PAPER.tcn, publish_tcn, "network"),
    ],
    ids=["generator", "processor"],
)
def test_keys_that_do_not_fit_are_named(tmp_path, small_paper, file, load, config, publish, place):
    state = publish(published_source(config).state_dict())
    for key in list(state)[::9]:
        path = store(tmp_path, file, {place: {name: value for name, value in state.items() if name != key}})
        refusal(lambda: load(tmp_path), str(path), f"key {key} is missing")
        store(tmp_path, file, {place: state | {key: torch.zeros(1, 2, 3, 1)}})
        refusal(lambda: load(tmp_path), str(path), f"key {key} has shape [1, 2, 3, 1]")
    store(tmp_path, file, {place: state | {"surprise.weight": torch.zeros(1)}})
    refusal(lambda: load(tmp_path), str(path), "key surprise.weight is unexpected")


def published_source(config: Any) -> nn.Module:
    """The network whose state a file holds: of the generator, its transformer."""
    if config is SMALL_PAPER.tcn:
        return build_network(config)
    return build_network(GeneratorConfig(config, SMALL_PAPER.edm)).network


def test_another_number_of_blocks_is_refused(tmp_path, small_paper):
    deeper = GeneratorConfig(replace(SMALL_PAPER.transformer, depth=3), SMALL_PAPER.edm)
    path = store(tmp_path, GENERATOR, {"ema": publish_transformer(build_network(deeper).network.state_dict())})
    refusal(lambda: load_generator(tmp_path), str(path), "transformer.layers.2.")


@pytest.fixture(scope="module")
def clap() -> ClapEncoder:
    """A small content encoder with numbers of its own everywhere, statistics included."""
    torch.manual_seed(0)
    encoder = ClapEncoder(SMALL_CLAP).eval()
    for value in (*encoder.parameters(), *encoder.buffers()):
        if value.is_floating_point():
            value.data.uniform_(0.01, 0.1)
    return encoder


def published_clap(encoder: nn.Module) -> State:
    """The whole model's state, as from a training on several GPUs; the text half in outline."""
    parts = {"tower.": "module.audio_branch.", "projection.": "module.audio_projection."}
    state = {}
    for key, value in encoder.state_dict().items():
        prefix = next(prefix for prefix in parts if key.startswith(prefix))
        state[parts[prefix] + key.removeprefix(prefix)] = value.clone()
    text = {"module.text_branch.embeddings.position_ids": torch.arange(4)[None]}
    unused = ("text_branch.x", "text_projection.0.weight", "logit_scale_a")
    text |= {f"module.{name}": torch.zeros(2) for name in unused}
    return state | text | {"module.audio_transform.sequential.0.weight": torch.zeros(2)}


@needs_clap
@pytest.mark.parametrize(("nested", "prefixed"), [(True, True), (False, False)])
def test_clap_without_its_text_half(tmp_path, clap, nested, prefixed):
    state = published_clap(clap)
    if not prefixed:
        state = {key.removeprefix("module."): value for key, value in state.items()}
    store(tmp_path, CLAP, {"epoch": 15, "name": "x", "state_dict": state} if nested else state)
    assert_holds(load_clap(tmp_path, SMALL_CLAP), clap.state_dict())


@needs_clap
def test_keys_of_clap_that_do_not_fit_are_named(tmp_path, clap):
    state = published_clap(clap)
    path = store(tmp_path, CLAP, {"state_dict": state | {"module.surprise.weight": torch.zeros(1)}})
    refusal(lambda: load_clap(tmp_path, SMALL_CLAP), str(path), "key surprise.weight is unexpected")
    store(tmp_path, CLAP, {"state_dict": state | {"module.audio_branch.surprise": torch.zeros(1)}})
    refusal(lambda: load_clap(tmp_path, SMALL_CLAP), str(path), "key audio_branch.surprise is unexpected")
    store(tmp_path, CLAP, {key: value for key, value in state.items() if key != "module.audio_branch.norm.weight"})
    refusal(lambda: load_clap(tmp_path, SMALL_CLAP), str(path), "key audio_branch.norm.weight is missing")
    store(tmp_path, CLAP, {"state_dict": state | {"module.audio_projection.2.bias": torch.zeros(2, 3)}})
    words = "key audio_projection.2.bias has shape [2, 3], expected ["
    refusal(lambda: load_clap(tmp_path, SMALL_CLAP), str(path), words)


@needs_clap
def test_the_text_half_alone_is_refused(tmp_path, clap):
    path = store(tmp_path, CLAP, {key: value for key, value in published_clap(clap).items() if ".text_" in key})
    refusal(lambda: load_clap(tmp_path, SMALL_CLAP), str(path), "key audio_", "is missing")


class ToyFxEncoder(nn.Module):
    """As many parts as FxEncoder++, and hardly a number in them."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder, self.projection = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3)), nn.Linear(3, 1)


def published_fx_encoder(network: nn.Module) -> State:
    """The state of the whole published model: the encoder, its head, and what it was trained with."""
    state = {f"fx_encoder.{key}": value for key, value in network.encoder.state_dict().items()}
    state |= {f"fx_encoder_projection.{key}": value for key, value in network.projection.state_dict().items()}
    unused = ("fx_encoder_transform.0.w", "audio_clap_model.a", "text_clap_model.b", "extractor.c", "logit_scale_m")
    return state | {name: torch.zeros(1) for name in unused}


def test_fx_encoder_without_what_it_was_trained_with(tmp_path, monkeypatch):
    monkeypatch.setattr(published, "FxEncoderPlusPlus", ToyFxEncoder)
    original = ToyFxEncoder()
    state = published_fx_encoder(original)
    path = store(tmp_path, FX_ENCODER, {"state_dict": {f"module.{key}": value for key, value in state.items()}})
    assert_holds(load_fx_encoder(tmp_path), original.state_dict())
    store(tmp_path, FX_ENCODER, state | {"surprise.weight": torch.zeros(1)})
    refusal(lambda: load_fx_encoder(tmp_path), str(path), "key surprise.weight is unexpected")
    del state["fx_encoder_projection.bias"]
    store(tmp_path, FX_ENCODER, state)
    refusal(lambda: load_fx_encoder(tmp_path), str(path), "key fx_encoder_projection.bias is missing")


def test_the_call_that_the_readme_shows(tmp_path, small_paper, monkeypatch):
    """`megami.mixing.from_pretrained("paper", fx_encoder=True)` gives FxEncoder++ beside the networks that mix."""
    folder = tmp_path / "weights" / "paper"
    folder.mkdir(parents=True)
    monkeypatch.setenv("MEGAMI_HOME", str(tmp_path))
    monkeypatch.setattr(published, "FxEncoderPlusPlus", ToyFxEncoder)
    monkeypatch.setattr(published, "target_from_fine_curve", lambda fine, bins: fine[:bins])
    monkeypatch.setattr(published, "load_clap", lambda folder: nn.Identity())  # full size: see tests/paper
    processor = publish_tcn(build_network(SMALL_PAPER.tcn).state_dict())
    store(folder, GENERATOR, checkpoint(published_generator(0), published_generator(0)))
    store(folder, PROCESSOR, checkpoint(processor, processor))
    store(folder, ADAPTOR, checkpoint(published_adaptor(), published_adaptor()))
    store(folder, CLAP, {})
    np.save(folder / FEATURES.name, np.ones(FINE_BINS))
    assert from_pretrained("paper").fx_encoder is None
    refusal(lambda: from_pretrained("paper", fx_encoder=True), FX_ENCODER.name, "--all")
    original = ToyFxEncoder()
    store(folder, FX_ENCODER, published_fx_encoder(original))
    networks = from_pretrained("paper", fx_encoder=True)
    assert_holds(networks.fx_encoder, original.state_dict())
    assert networks.fxnorm is not None and Mixer(networks, "cpu").preset == networks.preset
