"""A folder of weights comes back as the networks that were stored, or is refused in one clear line."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch

from megami.adaptation import MusiCNNConfig, StemBankConfig
from megami.errors import UserError
from megami.mixing.pretrained import from_pretrained, weights_folder
from megami.presets import (
    NETWORKS,
    GeneratorConfig,
    build_network,
    load_network,
    network_entry,
    preset,
    save_network,
    save_preset,
    shipped_presets,
    verify,
)
from megami.presets.networks import halved
from megami.processor import FxNormConfig

SMALL = preset("small")
CONFIGS = {
    "fx_encoder": SMALL.fx_encoder,
    "content_encoder": SMALL.content,
    "musicnn": MusiCNNConfig(timbral=8, temporal=4, middle=8),
    "stem_bank": StemBankConfig(stems=5),
    "adaptor": replace(SMALL.adaptor, hidden_dim=16),  # not the preset's size: the file's own config must count
    "generator": GeneratorConfig(replace(SMALL.transformer, depth=1), SMALL.edm, SMALL.linear_denoiser),
    "generator_regression": GeneratorConfig(replace(SMALL.transformer, depth=1), SMALL.edm, SMALL.linear_denoiser),
    "generator_per_track": GeneratorConfig(replace(SMALL.transformer, depth=1), SMALL.edm, SMALL.linear_denoiser),
    "generator_true_dry": GeneratorConfig(replace(SMALL.transformer, depth=1), SMALL.edm, SMALL.linear_denoiser),
    "processor_structured": SMALL.structured,
    "processor_tcn": SMALL.tcn,
    "fxnorm": FxNormConfig(n_fft=256, window=128, hop=64),
}
HOW = {"data": "none", "recipe": "random initial weights"}


@pytest.fixture(scope="module")
def networks() -> dict[str, torch.nn.Module]:
    torch.manual_seed(0)
    made = {name: build_network(config) for name, config in CONFIGS.items()}
    for name, network in made.items():
        if network_entry(name).half:  # numbers that half precision holds, so that files give them back as they were
            network.load_state_dict(halved(network, network_entry(name)))
    return made


@pytest.fixture
def folder(tmp_path, networks):
    for name, network in networks.items():
        save_network(tmp_path, name, network, HOW)
    return tmp_path


def same(a: torch.nn.Module, b: torch.nn.Module) -> bool:
    return all(torch.equal(value, b.state_dict()[key]) for key, value in a.state_dict().items())


def test_round_trip(folder, networks):
    loaded = from_pretrained(folder)
    assert same(networks["fx_encoder"], loaded.fx_encoder)
    assert same(networks["content_encoder"], loaded.content_encoder)
    assert same(networks["adaptor"], loaded.adaptor)
    assert same(networks["generator"], loaded.generator)
    assert same(networks["processor_structured"], loaded.processor)
    assert loaded.preset.adaptor.hidden_dim == 16 and loaded.preset.transformer.depth == 1
    assert loaded.fxnorm is None
    assert same(networks["musicnn"], loaded.musicnn) and same(networks["stem_bank"], loaded.stem_bank)


def test_half_precision_is_half_the_size_and_rounds_matrices_only(tmp_path, networks):
    network = build_network(CONFIGS["generator"])
    path = save_network(tmp_path / "half", "generator", network, HOW)
    learned, moments = (sum(t.numel() * 4 for t in part) for part in (network.parameters(), network.buffers()))
    assert path.stat().st_size < 0.52 * learned + moments + 10_000
    loaded = load_network(tmp_path / "half", "generator").state_dict()
    for key, value in network.state_dict().items():
        assert loaded[key].dtype == value.dtype
        assert torch.allclose(loaded[key], value, rtol=1e-3, atol=1e-6)
    assert torch.equal(loaded["linear.axes"], network.linear.axes)


def test_all_shipped_files_together_stay_below_30_megabytes():
    files = list(weights_folder("small").iterdir())
    assert len(files) >= 16 and sum(file.stat().st_size for file in files) < 30e6


def test_generators_of_another_layout_still_fit_their_folder(folder, networks):
    older = replace(SMALL.transformer, io_channels=64, tokens=4, depth=1, own_content=False)
    save_network(folder, "generator", build_network(GeneratorConfig(older, SMALL.edm)), HOW)
    chosen = from_pretrained(folder).preset
    assert (chosen.embedding.token_dim, chosen.linear_denoiser) == (64, False)


def test_loaded_networks_are_ready_to_mix_and_not_to_train(folder):
    loaded = from_pretrained(folder)
    for part in (loaded.fx_encoder, loaded.content_encoder, loaded.adaptor, loaded.generator, loaded.processor):
        assert not part.training
        assert not any(p.requires_grad for p in part.parameters())


def test_the_other_processor_can_be_chosen(folder, networks):
    loaded = from_pretrained(folder, processor="tcn")
    assert same(networks["processor_tcn"], loaded.processor)
    assert loaded.preset.processor_kind == "tcn"
    with pytest.raises(UserError, match="structured, tcn"):
        from_pretrained(folder, processor="magic")


def test_a_folder_can_have_its_own_options(folder):
    save_preset(folder, replace(SMALL, sampling=SMALL.sampling.but(churn=3.0), processor_kind="tcn"))
    loaded = from_pretrained(folder)
    assert loaded.preset.sampling.churn == 3.0 and loaded.preset.processor_kind == "tcn"
    (folder / "preset.json").write_text("{}")
    with pytest.raises(UserError, match=r"preset\.json.* is missing"):
        from_pretrained(folder)


def test_fxnorm_comes_along_where_the_preset_wants_it(folder, networks):
    save_preset(folder, replace(SMALL, fxnorm=True))
    loaded = from_pretrained(folder)
    assert torch.equal(loaded.fxnorm.target_curve, networks["fxnorm"].target_curve)
    (folder / "fxnorm.safetensors").unlink()
    refused(folder, "fxnorm.safetensors: no such file")


def test_one_network_alone(folder, networks):
    assert same(networks["content_encoder"], load_network(folder, "content_encoder"))
    metadata = json.loads((folder / "content_encoder.json").read_text(encoding="utf-8"))
    assert metadata["kind"] == "content_encoder" and metadata["licence"] == "MIT"
    assert metadata["parameters"] == sum(p.numel() for p in networks["content_encoder"].parameters())


@pytest.mark.parametrize("name", ["fx_encoder", "generator", "processor_structured"])
def test_a_missing_file_is_named(folder, name):
    (folder / f"{name}.safetensors").unlink()
    refused(folder, f"{name}.safetensors: no such file")
    (folder / f"{name}.json").unlink()
    refused(folder, f"{name}.json: no such file")


def test_damaged_files_are_refused(folder):
    path = folder / "adaptor.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    refused(folder, "adaptor.safetensors: damaged")
    with pytest.raises(UserError, match="damaged"):
        verify(folder)


def test_a_config_that_does_not_fit_its_weights_is_refused(folder):
    change(folder / "adaptor.json", "hidden_dim", 17)
    refused(folder, r"key inner.weight has shape \[16, 512\], expected \[17, 512\]")
    change(folder / "adaptor.json", "hidden_dim", "wide")
    refused(folder, "adaptor.json: config.hidden_dim")


def test_networks_of_different_sizes_are_refused(folder):
    save_network(folder, "adaptor", build_network(replace(SMALL.adaptor, dim=64)), HOW)
    refused(folder, "content embeddings of 64 numbers")


def test_a_network_is_not_stored_under_anothers_name(tmp_path, networks):
    with pytest.raises(TypeError, match="generator cannot be a DomainAdaptor"):
        save_network(tmp_path, "generator", networks["adaptor"], HOW)


def test_names_without_weights(tmp_path, monkeypatch):
    with pytest.raises(UserError, match="unknown weights 'big': give one of small, paper, or a folder"):
        from_pretrained("big")
    monkeypatch.setenv("MEGAMI_HOME", str(tmp_path))
    with pytest.raises(UserError, match=r"FxGenerator_public\.pt .* has not been downloaded: run 'megami weights"):
        from_pretrained("paper")
    with pytest.raises(UserError, match="no such folder"):
        from_pretrained("paper", weights_dir=tmp_path / "nowhere")
    with pytest.raises(UserError, match="goes with 'paper'"):
        from_pretrained("small", weights_dir=tmp_path)


def test_every_network_is_verified(folder):
    assert [line.split(".")[0] for line in verify(folder)] == [entry.name for entry in NETWORKS]
    (folder / "processor_tcn.safetensors").unlink()
    assert len(verify(folder)) == len(NETWORKS) - 1
    assert len(shipped_presets()) == 2


def test_a_folder_is_its_own_place(folder):
    assert weights_folder(folder) == folder


def change(path, field, value):
    words = json.loads(path.read_text(encoding="utf-8"))
    words["config"][field] = value
    path.write_text(json.dumps(words), encoding="utf-8")


def refused(folder, complaint):
    with pytest.raises(UserError, match=complaint) as caught:
        from_pretrained(folder)
    assert "\n" not in str(caught.value)
