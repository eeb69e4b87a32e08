"""The content encoder by ear: main directions of what was heard, unit vectors, the measured part beside them."""

from __future__ import annotations

import pytest
import torch

from megami.adaptation import ContentConfig, EarEncoder, describe_source, join_content
from megami.corpus.ears import shipped_musicnn
from megami.presets import build_network, load_network, preset, save_network

CONFIG = ContentConfig(dim=16, by_ear=True)


@pytest.fixture(scope="module")
def heard() -> torch.Tensor:
    """Answers to 300 tracks that vary in 16 directions and hardly in others; units differ."""
    generator = torch.Generator().manual_seed(0)
    directions = torch.linalg.qr(torch.randn(250, 16, generator=generator)).Q
    strengths = torch.linspace(4.0, 2.0, 16)
    latent = torch.randn(300, 16, generator=generator) * strengths
    return latent @ directions.T + 0.01 * torch.randn(300, 250, generator=generator)


@pytest.fixture(scope="module")
def encoder(heard) -> EarEncoder:
    encoder = EarEncoder(CONFIG).eval()
    encoder.musicnn.load_state_dict(shipped_musicnn().state_dict())
    encoder.fit(heard)
    return encoder


def test_the_projection_keeps_what_varies(encoder, heard):
    rows = encoder.projection
    assert torch.allclose(rows @ rows.T, torch.eye(16), atol=1e-4)
    standard = (heard - encoder.centre) / encoder.spread
    kept = (standard @ rows.T).square().sum() / standard.square().sum()
    assert kept > 0.98
    variances = (standard @ rows.T).var(dim=0)
    assert (variances.diff() <= 1e-3).all()  # largest first


def test_units_do_not_matter_and_fitting_twice_gives_the_same(encoder, heard):
    units = torch.logspace(-1, 2, 250)
    scaled = EarEncoder(CONFIG)
    scaled.fit(heard * units)
    again = EarEncoder(CONFIG)
    again.fit(heard)
    assert torch.equal(again.projection, encoder.projection)
    near = torch.nn.functional.cosine_similarity(
        scaled.encode(heard * torch.logspace(-1, 2, 250)), encoder.encode(heard)
    )
    assert near.min() > 0.98


def test_unit_vectors_from_audio_and_from_what_is_cached_agree(encoder):
    audio = 0.1 * torch.randn(2, 2, 44100, generator=torch.Generator().manual_seed(3))
    learned = encoder.learned(audio)
    assert torch.allclose(learned.norm(dim=-1), torch.ones(2), atol=1e-5)
    assert torch.equal(learned, encoder.encode(encoder.features(audio)))
    assert torch.equal(encoder(audio), learned)  # nothing measured in this config
    assert encoder(torch.zeros(1, 1, 100)).isfinite().all()


def test_what_is_measured_stands_beside(heard):
    config = ContentConfig(dim=64, spectrum_dim=64, dynamics_dim=64, by_ear=True)
    encoder = EarEncoder(config).eval()
    encoder.fit(heard)
    audio = 0.1 * torch.randn(2, 1, 44100, generator=torch.Generator().manual_seed(4))
    assert torch.allclose(encoder(audio), join_content(config, encoder.learned(audio), describe_source(audio)))
    assert encoder(audio).shape == (2, 192)


def test_it_is_stored_and_read_as_the_content_encoder(encoder, tmp_path):
    save_network(tmp_path, "content_encoder", encoder, {"data": "none", "recipe": "a test"})
    loaded = load_network(tmp_path, "content_encoder")
    assert isinstance(loaded, EarEncoder) and loaded.config == CONFIG
    asked = torch.randn(3, 250, generator=torch.Generator().manual_seed(5))
    assert torch.allclose(loaded.encode(asked), encoder.encode(asked), atol=1e-5)


def test_the_preset_that_is_trained_hears_by_ear():
    assert isinstance(build_network(preset("small").content), EarEncoder)
