"""Effect embeddings: what was done to a track, as numbers."""

from __future__ import annotations

from megami.embeddings.fx_encoder import FxEncoder, FxEncoderConfig, contrastive_loss

__all__ = ["FxEncoder", "FxEncoderConfig", "contrastive_loss"]
