"""Presets: every size and option of the whole system, under one name."""

from __future__ import annotations

from dataclasses import dataclass

from megami.adaptation import AdaptorConfig, ContentConfig
from megami.embeddings import EmbeddingConfig, FxEncoderConfig
from megami.errors import UserError
from megami.generator import EDMConfig, SamplingOptions, TransformerConfig
from megami.processor import StructuredConfig, TCNConfig
from megami.studio import INSTRUMENTS, ROLES

PRESETS = ("small", "paper")
PROCESSORS = ("structured", "tcn")


@dataclass(frozen=True)
class Preset:
    """What the whole system is made of and how it mixes; levels of noise are per dimension, times in seconds."""

    embedding: EmbeddingConfig
    # None: the published encoders, FxEncoder++ and CLAP (HTSAT-base, music), which come from their own packages.
    fx_encoder: FxEncoderConfig | None
    content: ContentConfig | None
    adaptor: AdaptorConfig
    processor_kind: str
    structured: StructuredConfig | None
    tcn: TCNConfig
    transformer: TransformerConfig
    edm: EDMConfig
    linear_denoiser: bool  # whether the network adds to a linear denoiser (`megami.generator.linear_denoiser`)
    # Noise on content embeddings in training, so that what the adaptor leaves of the effects is not relied on. None: as
    # large as the adaptor's errors (`megami.adaptation.doubt`).
    content_noise: float | None
    # Whether the content of a dry track passes through the adaptor too before the generator gets it, as published. It
    # needs no adapting, and an adaptor that is not perfect blurs it.
    adapt_dry: bool
    sampling: SamplingOptions  # how the generator is sampled unless somebody asks otherwise
    fxnorm: bool  # whether the processor's input first loses its own level and colour
    segment_seconds: float  # how much of a track is listened to
    # Whether a bank of studio stems says what a stem is taken for, and describes it where a hint says what it is.
    stem_bank: bool = False
    content_level_db: float | None = None  # level at which the content encoder hears it; None: the encoder's business

    def __post_init__(self) -> None:
        if self.processor_kind not in PROCESSORS:
            raise UserError(f"processor must be one of {', '.join(PROCESSORS)}, not {self.processor_kind!r}")
        if self.processor_kind == "structured" and self.structured is None:
            raise UserError("this preset has no structured processor: use tcn")
        if not 0.1 <= self.segment_seconds <= 600.0:
            raise UserError(f"a segment must last from 0.1 to 600 seconds, not {self.segment_seconds}")
        if self.embedding.num_tokens != self.transformer.tokens:
            raise UserError(
                f"effect embeddings have {self.embedding.num_tokens} tokens, the generator {self.transformer.tokens}"
            )
        if self.adaptor.dim != self.transformer.cond_tokens * self.transformer.cond_dim:
            raise UserError(f"content embeddings of {self.adaptor.dim} numbers do not fill the generator's tokens")


def preset(name: str) -> Preset:
    """Give the preset of that name: "small" (trained by this project) or "paper" (the published sizes).

    Raises UserError for another name.
    """
    if name == "small":
        return _small()
    if name == "paper":
        return _paper()
    raise UserError(f"unknown preset {name!r}: choose from {', '.join(PRESETS)}")


def _small() -> Preset:
    """The teaching size: a song on two CPU cores in seconds."""
    embedding = EmbeddingConfig(fx_dim=128, dynamics_dim=64, spectrum_dim=64, token_dim=256)
    content = ContentConfig(
        dim=128,
        by_ear=True,
        spectrum_dim=embedding.spectrum_dim,
        dynamics_dim=embedding.dynamics_dim,
        instruments=len(INSTRUMENTS),
        roles=len(ROLES),
    )
    return Preset(
        embedding=embedding,
        fx_encoder=FxEncoderConfig(dim=embedding.fx_dim, echoes=True),
        content=content,
        adaptor=AdaptorConfig(
            dim=content.total_dim,
            hidden_dim=512,
            shortcut=True,
            effects_dim=embedding.dim,
            further_layers=1,
            scaled=True,
            dropout=0.3,
        ),
        processor_kind="structured",
        structured=StructuredConfig.with_echoes(embedding),
        tcn=TCNConfig(
            condition_dim=embedding.dim,
            content_dim=content.dim,
            channels=16,
            blocks=4,
            kernel_size=13,
            dilation_growth=10,
        ),
        transformer=small_transformer(embedding),
        edm=small_edm(embedding.dim),
        linear_denoiser=True,
        content_noise=None,
        adapt_dry=False,
        # Steps: the fewest as near to the engineers as 100 (sampler study). Temperature: by scripts/choose_sampling.py,
        # on validation songs. Churn keeps the mixes diverse.
        sampling=SamplingOptions(steps=8, solver="euler", churn=10.0, temperature=0.5),
        fxnorm=False,
        segment_seconds=12.0,
        stem_bank=True,
    )


def small_transformer(embedding: EmbeddingConfig) -> TransformerConfig:
    """The small generator: 3 million parameters, one token per track, effects told relative to the source.

    No track numbers, so that the order of tracks cannot matter. It adds to a linear denoiser and begins at zero.
    """
    return TransformerConfig(
        io_channels=embedding.token_dim,
        tokens=embedding.num_tokens,
        cond_dim=64,
        cond_tokens=4,
        codes=(embedding.spectrum_dim, embedding.dynamics_dim),
        width=224,
        depth=4,
        heads=4,
        ff_mult=2.0,
        time_features=128,
        position_dim=8,
        cond_position_dim=48,
        track_ids="none",
        own_content=True,
        zero_output=True,
    )


def small_edm(dim: int) -> EDMConfig:
    """Noise levels for unit vectors of `dim` numbers, in the published proportion to the data.

    One number of such a vector has RMS 1/sqrt(dim) (1/16 for 256), which is sigma_data. Published are sigma_max at 200
    times and sigma_min at a fiftieth of sigma_data: the same ratios make sampling begin and end equally far from data.
    """
    sigma_data = dim**-0.5
    return EDMConfig(sigma_data=sigma_data, sigma_min=sigma_data / 50, sigma_max=sigma_data * 200, rho=10.0)


def _paper() -> Preset:
    """The published sizes (MEGAMI; its released configuration)."""
    embedding = EmbeddingConfig(fx_dim=2048, dynamics_dim=64, spectrum_dim=0)
    return Preset(
        embedding=embedding,
        fx_encoder=None,
        content=None,
        adaptor=AdaptorConfig(dim=512, hidden_dim=512),
        processor_kind="tcn",
        structured=None,
        tcn=TCNConfig(condition_dim=embedding.dim, content_dim=512),
        # The published numbers end at 14. Further tracks get one of them again: a number that the network knows, if not
        # alone. (The published code gives them none, which it never met in training.) Which track gets which is drawn.
        transformer=TransformerConfig(extra_tracks="wrap"),
        edm=EDMConfig(),
        linear_denoiser=False,
        content_noise=0.011,
        adapt_dry=True,
        sampling=SamplingOptions(steps=99, solver="euler", churn=10.0),  # 100 noise levels
        fxnorm=True,
        segment_seconds=525312 / 44100,
        content_level_db=-25.0,
    )
