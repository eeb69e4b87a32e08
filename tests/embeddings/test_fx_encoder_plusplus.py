"""FxEncoder++: vectors of the published size, through its own package and without CLAP."""

from __future__ import annotations

import importlib.util
import sys

import pytest
import torch

from megami.embeddings import EffectEmbedder, EmbeddingConfig, FxEncoderPlusPlus, fx_encoder_plusplus, level_db
from megami.errors import UserError

installed = pytest.mark.skipif(
    importlib.util.find_spec("fxencoder_plusplus") is None, reason="fxencoder-plusplus is not installed"
)


@installed
@torch.no_grad()
def test_it_makes_the_published_effect_embedding():
    torch.manual_seed(0)
    encoder = FxEncoderPlusPlus().eval()
    wet = 0.1 * torch.randn(2, 2, 2 * 44100) * torch.tensor([[1.0], [0.5]])
    vector = encoder(wet)
    assert vector.shape == (2, 2048) and (vector >= 0).all()  # before the projection head, after its ReLU
    projected = encoder.project(vector)
    assert projected.shape == (2, 128) and torch.allclose(projected.norm(dim=-1), torch.ones(2))
    config = EmbeddingConfig(fx_dim=2048, dynamics_dim=64, spectrum_dim=0)
    z = EffectEmbedder(config, encoder)(wet)
    assert z.shape == (2, 2112) and torch.allclose(z.norm(dim=-1), torch.ones(2), atol=1e-5)
    left, right = level_db(config, z).unbind(-1)
    assert torch.allclose(left - right, torch.full((2,), 6.02), atol=0.1)
    assert "laion_clap" not in sys.modules or hasattr(sys.modules["laion_clap"], "CLAP_Module")


def test_without_the_package_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr(fx_encoder_plusplus.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError, match="pip install --no-deps fxencoder-plusplus"):
        FxEncoderPlusPlus()
