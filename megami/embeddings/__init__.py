"""Effect embeddings: what was done to a track, as numbers."""

from __future__ import annotations

from megami.embeddings.dynamics import (
    apply_level,
    crest_factor_db,
    decode_dynamics,
    dynamics_features,
    encode_dynamics,
    log_spread_db,
    mirror_dynamics,
    standardise_dynamics,
    stereo_imbalance,
    stereo_width,
    unstandardise_dynamics,
)
from megami.embeddings.effect_embedding import (
    EffectEmbedder,
    EmbeddingConfig,
    Parts,
    decode,
    embeddings_from_tokens,
    from_tokens,
    join_features,
    join_parts,
    level_db,
    renormalise,
    split_parts,
    to_tokens,
)
from megami.embeddings.fx_encoder import MIRROR, FxEncoder, FxEncoderConfig, contrastive_loss
from megami.embeddings.fx_encoder_plusplus import FxEncoderPlusPlus
from megami.embeddings.mel import LogMel
from megami.embeddings.mel_cnn import MelCNN
from megami.embeddings.spectrum import (
    band_filters,
    decode_spectrum,
    encode_spectrum,
    mid_bands_db,
    side_bands_db,
    standardise_mid_bands,
    standardise_side_bands,
)

__all__ = [
    "MIRROR",
    "EffectEmbedder",
    "EmbeddingConfig",
    "FxEncoder",
    "FxEncoderConfig",
    "FxEncoderPlusPlus",
    "LogMel",
    "MelCNN",
    "Parts",
    "apply_level",
    "band_filters",
    "contrastive_loss",
    "crest_factor_db",
    "decode",
    "decode_dynamics",
    "decode_spectrum",
    "dynamics_features",
    "embeddings_from_tokens",
    "encode_dynamics",
    "encode_spectrum",
    "from_tokens",
    "join_features",
    "join_parts",
    "level_db",
    "log_spread_db",
    "mid_bands_db",
    "mirror_dynamics",
    "renormalise",
    "side_bands_db",
    "split_parts",
    "standardise_dynamics",
    "standardise_mid_bands",
    "standardise_side_bands",
    "stereo_imbalance",
    "stereo_width",
    "to_tokens",
    "unstandardise_dynamics",
]
