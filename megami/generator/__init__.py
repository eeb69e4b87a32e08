"""Room of the generator: diffusion over one effect embedding per track, conditioned on what every track plays."""

from __future__ import annotations

from megami.generator.attention import AttentionRecord, record_attention
from megami.generator.edm import (
    Coefficients,
    Denoiser,
    EDMConfig,
    LossTerms,
    coefficients,
    drop_condition,
    level_position,
    loss_terms,
    noise_level,
    sample_sigma,
    schedule,
    training_loss,
)
from megami.generator.evidence import Evidence
from megami.generator.known_tracks import Known
from megami.generator.linear_denoiser import LinearDenoiser
from megami.generator.phase_rotation import rotate_phases, rotate_tokens
from megami.generator.points import PointConfig, PointNetwork, label_tokens, points_to_tokens, tokens_to_points
from megami.generator.recorder import Recorder
from megami.generator.sampler import (
    Callback,
    SamplingOptions,
    canonical_order,
    churn_amounts,
    mix_generator,
    sample,
    sample_mixes,
)
from megami.generator.shapes import Stage, trace_shapes
from megami.generator.solvers import SOLVERS, Solver, Step
from megami.generator.temperature import check_temperature, score_factor
from megami.generator.transformer import MultitrackTransformer, TransformerConfig

__all__ = [
    "SOLVERS",
    "AttentionRecord",
    "Callback",
    "Coefficients",
    "Denoiser",
    "EDMConfig",
    "Evidence",
    "Known",
    "LinearDenoiser",
    "LossTerms",
    "MultitrackTransformer",
    "PointConfig",
    "PointNetwork",
    "Recorder",
    "SamplingOptions",
    "Solver",
    "Stage",
    "Step",
    "TransformerConfig",
    "canonical_order",
    "check_temperature",
    "churn_amounts",
    "coefficients",
    "drop_condition",
    "label_tokens",
    "level_position",
    "loss_terms",
    "mix_generator",
    "noise_level",
    "points_to_tokens",
    "record_attention",
    "rotate_phases",
    "rotate_tokens",
    "sample",
    "sample_mixes",
    "sample_sigma",
    "schedule",
    "score_factor",
    "tokens_to_points",
    "trace_shapes",
    "training_loss",
]
