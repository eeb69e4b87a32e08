"""Content embeddings: what is played, and how to know it through the effects."""

from __future__ import annotations

from megami.adaptation.adaptor import (
    AdaptorConfig,
    DomainAdaptor,
    adaptor_loss,
    add_content_noise,
    content_tokens,
    doubt,
)
from megami.adaptation.clap import ClapConfig, ClapEncoder
from megami.adaptation.content import ContentConfig, ContentEncoder, content_loss, describe_source, join_content
from megami.adaptation.ear import hear_stem, voice_sum
from megami.adaptation.ear_encoder import EarEncoder
from megami.adaptation.musicnn import TAGS, MusiCNN, MusiCNNConfig
from megami.adaptation.stem_bank import StemBank, StemBankConfig

__all__ = [
    "TAGS",
    "AdaptorConfig",
    "ClapConfig",
    "ClapEncoder",
    "ContentConfig",
    "ContentEncoder",
    "DomainAdaptor",
    "EarEncoder",
    "MusiCNN",
    "MusiCNNConfig",
    "StemBank",
    "StemBankConfig",
    "adaptor_loss",
    "add_content_noise",
    "content_loss",
    "content_tokens",
    "describe_source",
    "doubt",
    "hear_stem",
    "join_content",
    "voice_sum",
]
