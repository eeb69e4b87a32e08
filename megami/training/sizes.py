"""The published system in three sizes: one form, with networks as large as there is time to train.

"paper" is the published system. "tiny" and "small" have its form, its losses and its order of work, but listen through
the shipped encoders of the small preset in the place of FxEncoder++ and CLAP, so that nothing needs to be downloaded.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from megami.adaptation import AdaptorConfig, ContentConfig
from megami.embeddings import FxEncoderConfig
from megami.errors import UserError
from megami.generator import SamplingOptions, TransformerConfig
from megami.presets import Preset, network_entry, preset, preset_folder, read_metadata
from megami.presets.configs import config_from_dict
from megami.presets.presets import small_edm
from megami.processor import TCNConfig

SIZES = ("tiny", "small", "paper")
LISTENERS = ("fx_encoder", "content_encoder")
"""The frozen encoders. At size "paper" they are FxEncoder++ and CLAP, from their own files."""
CONTENT_NOISE = 0.011  # per number of a unit vector of 512, which is a quarter of its length
TOKEN = 64


def listening_size(size: str) -> str:
    """Which listeners a size has: features for "small" serve "tiny" too. Raises UserError for an unknown size."""
    if size not in SIZES:
        raise UserError(f"unknown size {size!r}: choose from {', '.join(SIZES)}")
    return "paper" if size == "paper" else "small"


def listener_config(name: str, folder: Path) -> FxEncoderConfig | ContentConfig:
    """The config of a shipped listener, as its own file says."""
    path = folder / f"{name}.safetensors"
    config = config_from_dict(network_entry(name).config, read_metadata(path)["config"], f"{path}: config")
    assert isinstance(config, FxEncoderConfig | ContentConfig)
    return config


def sized_preset(size: str) -> Preset:
    """The published system at a size ("tiny", "small", "paper"). Raises UserError for another."""
    return preset("paper") if listening_size(size) == "paper" else scaled_down(size)


def scaled_down(size: str) -> Preset:
    """The published form with small networks, for the embeddings that the shipped encoders make.

    Numbers that go with the size of an embedding keep the published proportion: noise levels (`small_edm`) and the
    noise on content, which is a quarter of its length.
    """
    folder = preset_folder("small")
    fx_encoder, content = (listener_config(name, folder) for name in LISTENERS)
    assert isinstance(fx_encoder, FxEncoderConfig) and isinstance(content, ContentConfig)
    embedding = replace(preset("small").embedding, fx_dim=fx_encoder.dim, token_dim=TOKEN)
    if size == "tiny":
        hidden, tcn = 16, TCNConfig(channels=4, blocks=3)
        transformer = TransformerConfig(
            width=96, depth=1, heads=2, ff_mult=0.5, time_features=16, position_dim=32, cond_position_dim=32,
            tokens=embedding.num_tokens,
        )  # fmt: skip
    else:
        hidden, tcn = 512, TCNConfig(channels=32, blocks=10)
        transformer = TransformerConfig(width=256, depth=6, heads=8, tokens=embedding.num_tokens)
    return replace(
        preset("paper"),
        embedding=embedding,
        fx_encoder=fx_encoder,
        content=content,
        adaptor=AdaptorConfig(dim=content.total_dim, hidden_dim=hidden),
        tcn=replace(tcn, condition_dim=embedding.dim, content_dim=content.dim),
        transformer=replace(
            transformer, io_channels=TOKEN, cond_tokens=content.total_dim // TOKEN, extra_tracks="wrap"
        ),
        edm=small_edm(embedding.dim),
        content_noise=CONTENT_NOISE * (512 / content.total_dim) ** 0.5,
        sampling=SamplingOptions(steps=8 if size == "tiny" else 30, solver="euler", churn=10.0),
        content_level_db=None,  # the shipped encoder sets the level that it hears by itself
    )
