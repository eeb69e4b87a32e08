"""Room `processor`: rendering an effect embedding onto a dry track, and how well that went."""

from __future__ import annotations

from megami.processor.block_pass import BlockPass, render_in_blocks
from megami.processor.fxnorm import FxNorm, FxNormConfig, average_curve, smooth_curve, target_from_fine_curve
from megami.processor.losses import (
    SpectralTerms,
    decay_errors_db,
    embedding_loss,
    level_per_channel,
    match_level_per_channel,
    mid_side_error_db,
    processor_loss_paper,
    small_spectral_errors,
    small_spectral_loss,
    spectral_loss_terms,
)
from megami.processor.render import ContentOf, EffectProcessor, Known, render_tracks, set_level
from megami.processor.space_head import SpaceHead, SpaceKnobs, time_error
from megami.processor.structured import StructuredProcessor
from megami.processor.structured_config import StructuredConfig
from megami.processor.tcn import FilmTCN, TCNConfig

__all__ = [
    "BlockPass",
    "ContentOf",
    "EffectProcessor",
    "FilmTCN",
    "FxNorm",
    "FxNormConfig",
    "Known",
    "SpaceHead",
    "SpaceKnobs",
    "SpectralTerms",
    "StructuredConfig",
    "StructuredProcessor",
    "TCNConfig",
    "average_curve",
    "decay_errors_db",
    "embedding_loss",
    "level_per_channel",
    "match_level_per_channel",
    "mid_side_error_db",
    "processor_loss_paper",
    "render_in_blocks",
    "render_tracks",
    "set_level",
    "small_spectral_errors",
    "small_spectral_loss",
    "smooth_curve",
    "spectral_loss_terms",
    "target_from_fine_curve",
    "time_error",
]
