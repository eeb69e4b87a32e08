"""Content embeddings: what is played, and how to know it through the effects."""

from __future__ import annotations

from megami.adaptation.content import ContentConfig, ContentEncoder, content_loss

__all__ = ["ContentConfig", "ContentEncoder", "content_loss"]
