"""Sizes of the structured processor."""

from __future__ import annotations

from dataclasses import dataclass, field

from megami.embeddings.effect_embedding import EmbeddingConfig


@dataclass(frozen=True)
class StructuredConfig:
    """Sizes of the structured processor; the defaults give about 0.15 million parameters."""

    embedding: EmbeddingConfig = field(default_factory=lambda: EmbeddingConfig(128, 64, 64))
    hidden: int = 128
    points: int = 40  # of every equaliser curve, 30 Hz to 18 kHz
    mid_bands: int = 24  # of the spectrum code
    side_bands: int = 8
    fir_taps: int = 4096
    pre_limit_db: float = 40.0
    post_limit_db: float = 24.0
    trim_limit_db: float = 12.0  # of the last equaliser; 0 leaves it out
    net_channels: int = 24
    net_blocks: int = 4
    net_kernel: int = 5
    hop: int = 64
    early_taps: int = 16
    tail_s: float = 1.8
    tail_bands: int = 8
    # Whether there are echoes, and a tail that follows the law of rooms (`megami.processor.room`). Without: no echoes,
    # and a tail whose bands know nothing of each other (`NoiseTail`), as in the first edition.
    echoes: bool = False
    sample_rate: int = 44100

    @staticmethod
    def with_echoes(embedding: EmbeddingConfig) -> StructuredConfig:
        """The sizes of the second edition: echoes, and tails long enough for decays of 3 s."""
        return StructuredConfig(embedding, tail_s=3.2, echoes=True)
