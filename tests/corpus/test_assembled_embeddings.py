"""Effect embeddings from cached features are those that the embedder hears in the audio itself."""

from __future__ import annotations

import torch

from megami.corpus import assemble_embeddings
from megami.corpus.features import describe
from megami.embeddings import EffectEmbedder, EmbeddingConfig, FxEncoder, FxEncoderConfig


def test_cached_features_give_the_embedding_of_the_audio() -> None:
    torch.manual_seed(0)
    audio = 0.1 * torch.randn(3, 2, 44100, generator=torch.Generator().manual_seed(0))
    audio[1, 1] *= 0.3
    for config in (EmbeddingConfig(), EmbeddingConfig(spectrum_dim=0), EmbeddingConfig(dynamics_dim=128)):
        encoder = FxEncoder(FxEncoderConfig()).eval()
        with torch.no_grad():
            heard = EffectEmbedder(config, encoder)(audio)
        kept = assemble_embeddings(config, encoder, describe(audio), batch=2)
        torch.testing.assert_close(kept, heard, atol=1e-3, rtol=0)  # log-mels are kept in half precision
