"""The networks of the system by name: how each is built from its config, stored, and loaded again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from megami.adaptation import AdaptorConfig, ContentConfig, ContentEncoder, DomainAdaptor
from megami.embeddings import FxEncoder, FxEncoderConfig
from megami.errors import UserError
from megami.generator import Denoiser, EDMConfig, GaussianDenoiser, MultitrackTransformer, TransformerConfig
from megami.processor import FilmTCN, FxNorm, FxNormConfig, StructuredConfig, StructuredProcessor, TCNConfig
from megami.weights.configs import config_from_dict, config_to_dict
from megami.weights.store import load_weights, read_metadata, save_weights

# FxNorm is no network, but it has numbers to store: its target curve.
NETWORKS = (
    "fx_encoder",
    "content_encoder",
    "adaptor",
    "generator",
    "generator_regression",  # what the generator is measured against
    "generator_per_track",
    "generator_true_dry",  # an oracle: trained on content that no mix can give
    "processor_structured",
    "processor_tcn",
    "fxnorm",
)


@dataclass(frozen=True)
class GeneratorConfig:
    """What the generator is made of: a network, the noise levels that it works at, and a linear denoiser or none."""

    transformer: TransformerConfig
    edm: EDMConfig
    gaussian: bool = False


NetworkConfig = (
    FxEncoderConfig | ContentConfig | AdaptorConfig | GeneratorConfig | StructuredConfig | TCNConfig | FxNormConfig
)


def config_class(name: str) -> type[NetworkConfig]:
    """Say which config describes the network of that name. Raises UserError for an unknown name."""
    match name:
        case "fx_encoder":
            return FxEncoderConfig
        case "content_encoder":
            return ContentConfig
        case "adaptor":
            return AdaptorConfig
        case "generator" | "generator_regression" | "generator_per_track" | "generator_true_dry":
            return GeneratorConfig
        case "processor_structured":
            return StructuredConfig
        case "processor_tcn":
            return TCNConfig
        case "fxnorm":
            return FxNormConfig
    raise UserError(f"unknown network {name!r}: choose from {', '.join(NETWORKS)}")


def build_network(config: NetworkConfig) -> nn.Module:
    """Build the network that a config describes, with initial weights."""
    match config:
        case FxEncoderConfig():
            return FxEncoder(config)
        case ContentConfig():
            return ContentEncoder(config)
        case AdaptorConfig():
            return DomainAdaptor(config)
        case GeneratorConfig():
            return build_generator(config)
        case StructuredConfig():
            return StructuredProcessor(config)
        case TCNConfig():
            return FilmTCN(config)
        case FxNormConfig():
            return FxNorm(torch.ones(config.bins), config)
    raise TypeError(f"no network has a {type(config).__name__}")


def build_generator(config: GeneratorConfig) -> Denoiser:
    """Build a denoiser with initial weights; its linear part, if it has one, is yet to be fitted."""
    sizes = config.transformer
    dim = sizes.io_channels * sizes.tokens
    gaussian = GaussianDenoiser(dim, config.edm.sigma_data, sizes.codes) if config.gaussian else None
    return Denoiser(MultitrackTransformer(sizes), config.edm, gaussian)


def network_config(network: nn.Module) -> NetworkConfig:
    """Give the config that builds a network like this one."""
    if isinstance(network, Denoiser):
        return GeneratorConfig(network.network.config, network.config, network.gaussian is not None)
    return network.config


def empty_network(config: NetworkConfig) -> nn.Module:
    """Build the network of a config without memory for its weights: it has names and shapes, and is to be filled."""
    with torch.device("meta"):
        return build_network(config)


def with_config(network: nn.Module, config: NetworkConfig) -> nn.Module:
    """Give a network with another config that holds the same weights (shared, not copied): eval mode, no gradients.

    For options that change what a network does, not what it is made of; ValueError if the sizes differ.
    """
    twin = empty_network(config)
    weights = dict(network.named_parameters()) | dict(network.named_buffers())  # also buffers that are not stored
    shapes = {key: value.shape for key, value in (*twin.named_parameters(), *twin.named_buffers())}
    if shapes != {key: value.shape for key, value in weights.items()}:
        raise ValueError("the new config is for a network of another size")
    for key, value in weights.items():
        place, _, name = key.rpartition(".")
        shared = nn.Parameter(value.detach(), False) if isinstance(value, nn.Parameter) else value
        setattr(twin.get_submodule(place), name, shared)
    return twin.eval()


def save_network(
    folder: str | Path, name: str, network: nn.Module, metadata: Mapping[str, Any], half: bool = False
) -> Path:
    """Write a network's weights to FOLDER/NAME.safetensors, and its config and `metadata` to the JSON beside it.

    metadata: `data` and `recipe` say how it was made; `metrics` and `licence` (MIT by default) may be given too.
    `half` stores learned matrices in half precision, for half the size; they are whole again when loaded. Raises
    TypeError if the network is not the kind that the name says.
    """
    config = network_config(network)
    if not isinstance(config, config_class(name)):
        raise TypeError(f"{name} cannot be a {type(network).__name__}")
    words = {"kind": name, "config": config_to_dict(config), "metrics": {}, "licence": "MIT", **metadata}
    weights = halved(network) if half else network
    return save_weights(Path(folder) / f"{name}.safetensors", weights, words)


def halved(network: nn.Module) -> dict[str, Tensor]:
    """The state of a network with its learned matrices in half precision."""
    matrices = {key for key, value in network.named_parameters() if value.dim() > 1}
    return {key: value.half() if key in matrices else value for key, value in network.state_dict().items()}


def load_network(folder: str | Path, name: str) -> nn.Module:
    """Build the network of that name from its own config in FOLDER, with its weights: eval mode, no gradients.

    Raises UserError for missing, damaged or unfitting files.
    """
    path = Path(folder) / f"{name}.safetensors"
    config = config_from_dict(config_class(name), read_metadata(path)["config"], f"{path.with_suffix('.json')}: config")
    try:
        network = build_network(config)
    except ValueError as error:  # sizes that a network cannot have
        raise UserError(f"{path.with_suffix('.json')}: {error}") from None
    network.load_state_dict(load_weights(path, network, kind=name))
    return network.eval().requires_grad_(False)
