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

__all__ = [
    "AdaptorConfig",
    "ClapConfig",
    "ClapEncoder",
    "ContentConfig",
    "ContentEncoder",
    "DomainAdaptor",
    "adaptor_loss",
    "add_content_noise",
    "content_loss",
    "content_tokens",
    "describe_source",
    "doubt",
    "join_content",
]
