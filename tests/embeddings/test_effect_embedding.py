"""Joining, splitting, packing and reading of effect embeddings."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from megami.embeddings import (
    EffectEmbedder,
    EmbeddingConfig,
    FxEncoder,
    FxEncoderConfig,
    decode,
    dynamics_features,
    embeddings_from_tokens,
    encode_dynamics,
    from_tokens,
    join_features,
    join_parts,
    level_db,
    mid_bands_db,
    renormalise,
    side_bands_db,
    split_parts,
    to_tokens,
)

SMALL = EmbeddingConfig(fx_dim=128, dynamics_dim=64, spectrum_dim=64)
PAPER = EmbeddingConfig(fx_dim=2048, dynamics_dim=64, spectrum_dim=0)
RATE = 44100


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)) * 0.1


def parts_of(config: EmbeddingConfig) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]:
    spectrum = noise(3, config.spectrum_dim, seed=2) if config.spectrum_dim else None
    return noise(3, config.fx_dim), noise(3, config.dynamics_dim, seed=1), spectrum


def test_sizes():
    assert (SMALL.dim, SMALL.num_tokens) == (256, 4)
    assert (PAPER.dim, PAPER.num_tokens) == (2112, 33)
    with pytest.raises(ValueError, match="tokens"):
        EmbeddingConfig(fx_dim=100)


@pytest.mark.parametrize("config", [SMALL, PAPER], ids=["small", "paper"])
def test_joined_parts_have_unit_norm_and_come_apart_again(config):
    fx, dynamics, spectrum = parts_of(config)
    z = join_parts(config, fx, dynamics, spectrum)
    torch.testing.assert_close(z.norm(dim=-1), torch.ones(3))
    parts = split_parts(config, z)
    torch.testing.assert_close(parts.fx, F.normalize(fx, dim=-1))
    torch.testing.assert_close(parts.dynamics, F.normalize(dynamics, dim=-1))
    if spectrum is None:
        assert parts.spectrum is None
    else:
        torch.testing.assert_close(parts.spectrum, F.normalize(spectrum, dim=-1))


def test_dynamics_come_last():
    fx, dynamics, spectrum = parts_of(SMALL)
    other = join_parts(SMALL, fx, -dynamics, spectrum)
    changed = (join_parts(SMALL, fx, dynamics, spectrum) != other).any(0).nonzero().flatten()
    assert changed.min() == SMALL.fx_dim + SMALL.spectrum_dim


def test_a_missing_or_surplus_spectrum_is_refused():
    fx, dynamics, spectrum = parts_of(SMALL)
    with pytest.raises(ValueError, match="spectral"):
        join_parts(SMALL, fx, dynamics)
    with pytest.raises(ValueError, match="spectral"):
        join_parts(PAPER, noise(3, 2048), dynamics, spectrum)


@pytest.mark.parametrize("config", [SMALL, PAPER], ids=["small", "paper"])
def test_renormalising_is_a_projection(config):
    z = join_parts(config, *parts_of(config))
    torch.testing.assert_close(renormalise(config, z), z)
    scaled = torch.cat([z[..., : config.fx_dim] * 3, z[..., config.fx_dim :] * 0.2], dim=-1)
    torch.testing.assert_close(renormalise(config, scaled), z)
    assert (renormalise(config, torch.zeros(2, config.dim)) == 0).all()


def test_tokens_are_row_major_and_come_back():
    z = torch.arange(2 * 5 * 256.0).reshape(2, 5, 256)
    tokens = to_tokens(SMALL, z)
    assert tokens.shape == (2, 5, 64, 4)
    assert tokens[0, 0, :, 1].tolist() == list(range(1, 256, 4))
    assert torch.equal(from_tokens(SMALL, tokens), z)


@pytest.mark.parametrize("config", [SMALL, PAPER], ids=["small", "paper"])
def test_drawn_tokens_become_embeddings_of_unit_norm(config):
    z = join_parts(config, *parts_of(config))
    uneven = torch.cat([z[..., : config.fx_dim] * 3, z[..., config.fx_dim :] * 0.2], dim=-1)
    torch.testing.assert_close(embeddings_from_tokens(config, to_tokens(config, uneven)), z)


@pytest.mark.parametrize("config", [SMALL, PAPER], ids=["small", "paper"])
def test_measured_features_are_joined_as_the_config_says(config):
    fx, dynamics = noise(3, config.fx_dim), dynamics_features(noise(3, 2, RATE))
    mid, side = torch.linspace(-60, 0, 24).expand(3, -1), torch.linspace(-50, 10, 8).expand(3, -1)
    z = join_features(config, fx, dynamics, mid, side)
    named = decode(config, z)
    torch.testing.assert_close(split_parts(config, z).fx, F.normalize(fx, dim=-1))
    torch.testing.assert_close(named["level_db"], dynamics[:, :2], atol=2e-3, rtol=0)
    if config.spectrum_dim:
        torch.testing.assert_close(named["mid_bands_db"], mid, atol=1e-2, rtol=0)
        torch.testing.assert_close(named["side_bands_db"], side, atol=1e-2, rtol=0)
        with pytest.raises(ValueError, match="spectral"):
            join_features(config, fx, dynamics)
    else:
        assert torch.equal(z, join_features(config, fx, dynamics))


def test_heard_descriptors_are_read_back_from_z():
    torch.manual_seed(0)
    audio = noise(3, 2, RATE) * torch.tensor([[1.0, 0.5], [0.1, 0.1], [0.3, 1.0]])[..., None]
    embedder = EffectEmbedder(SMALL, FxEncoder(FxEncoderConfig())).eval()
    z = embedder(audio)
    torch.testing.assert_close(z.norm(dim=-1), torch.ones(3))
    named, features = decode(SMALL, z), dynamics_features(audio)
    torch.testing.assert_close(named["level_db"], features[:, :2], atol=2e-3, rtol=0)
    torch.testing.assert_close(named["crest_db"], features[:, 2:4], atol=2e-3, rtol=0)
    torch.testing.assert_close(named["width"], features[:, 6], atol=1e-3, rtol=0)
    torch.testing.assert_close(named["imbalance"], features[:, 7], atol=1e-3, rtol=0)
    torch.testing.assert_close(named["mid_bands_db"], mid_bands_db(audio), atol=1e-2, rtol=0)
    torch.testing.assert_close(named["side_bands_db"], side_bands_db(audio), atol=1e-2, rtol=0)
    torch.testing.assert_close(level_db(SMALL, z), named["level_db"])


def test_paper_form_has_no_spectrum():
    z = join_parts(PAPER, noise(2, 2048), encode_dynamics(dynamics_features(noise(2, 2, RATE))))
    assert set(decode(PAPER, z)) == {"level_db", "crest_db", "spread_db", "width", "imbalance"}


def test_silence_has_a_finite_embedding():
    embedder = EffectEmbedder(SMALL, FxEncoder(FxEncoderConfig())).eval()
    assert embedder(torch.zeros(1, 2, RATE)).isfinite().all()


def test_embedding_is_differentiable():
    embedder = EffectEmbedder(SMALL, FxEncoder(FxEncoderConfig())).eval()
    audio = noise(1, 2, RATE // 2).requires_grad_()
    embedder(audio)[:, ::7].sum().backward()
    assert audio.grad.isfinite().all()
    assert audio.grad.abs().max() > 0
