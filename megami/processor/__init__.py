"""Room `processor`: rendering an effect embedding onto a dry track, and how well that went."""

from __future__ import annotations

from megami.processor.losses import (
    SpectralTerms,
    embedding_loss,
    level_per_channel,
    match_level_per_channel,
    processor_loss_paper,
    small_spectral_errors,
    small_spectral_loss,
    spectral_loss_terms,
)
from megami.processor.render import EffectProcessor, iterate_rendered_tracks, render_tracks, set_level
from megami.processor.structured import StructuredConfig, StructuredProcessor

__all__ = [
    "EffectProcessor",
    "SpectralTerms",
    "StructuredConfig",
    "StructuredProcessor",
    "embedding_loss",
    "iterate_rendered_tracks",
    "level_per_channel",
    "match_level_per_channel",
    "processor_loss_paper",
    "render_tracks",
    "set_level",
    "small_spectral_errors",
    "small_spectral_loss",
    "spectral_loss_terms",
]
