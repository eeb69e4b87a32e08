"""The networks of the system by name: how each is built from its config, stored, and loaded again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_parameter_registration_hook

from megami.adaptation import (
    AdaptorConfig,
    ContentConfig,
    ContentEncoder,
    DomainAdaptor,
    EarEncoder,
    MusiCNN,
    MusiCNNConfig,
    StemBank,
    StemBankConfig,
)
from megami.embeddings import FxEncoder, FxEncoderConfig
from megami.errors import UserError
from megami.generator import Denoiser, EDMConfig, LinearDenoiser, MultitrackTransformer, TransformerConfig
from megami.presets.configs import config_from_dict, config_to_dict
from megami.presets.weight_files import check_state, check_types, read_metadata, read_weights, save_weights
from megami.processor import FilmTCN, FxNorm, FxNormConfig, StructuredConfig, StructuredProcessor, TCNConfig


@dataclass(frozen=True)
class GeneratorConfig:
    """What the generator is made of: a network, the noise levels that it works at, and a linear denoiser or none."""

    transformer: TransformerConfig
    edm: EDMConfig
    linear_denoiser: bool = False


Network = TypeVar("Network", bound=nn.Module)
NetworkConfig = (
    FxEncoderConfig
    | ContentConfig
    | MusiCNNConfig
    | StemBankConfig
    | AdaptorConfig
    | GeneratorConfig
    | StructuredConfig
    | TCNConfig
    | FxNormConfig
)


@dataclass(frozen=True)
class NetworkEntry:
    """One network of the system: how it is built, how it is stored, and what it is for."""

    name: str
    config: type[NetworkConfig]
    build: Callable[[Any], nn.Module]
    # Parts, by how their keys begin, that are stored with their learned matrices in half precision, so that all files
    # together stay small; but for `single` parts, whose rounding would be heard in what comes after them.
    half: tuple[str, ...] = ()
    single: tuple[str, ...] = ()
    # "mix": every mix needs it; "chosen": a mix needs it if its preset says so; "measure": what the generator is
    # measured against; "oracle": trained on what no mixer can know, and only when its stage is named.
    purpose: Literal["mix", "chosen", "measure", "oracle"] = "mix"


def build_generator(config: GeneratorConfig) -> Denoiser:
    """Build a denoiser with initial weights; its linear part, if it has one, is yet to be fitted."""
    sizes = config.transformer
    dim = sizes.io_channels * sizes.tokens
    linear = LinearDenoiser(dim, config.edm.sigma_data, sizes.codes) if config.linear_denoiser else None
    return Denoiser(MultitrackTransformer(sizes), config.edm, linear)


def build_content_encoder(config: ContentConfig) -> ContentEncoder | EarEncoder:
    """Build a content encoder with initial weights: by ear, MusiCNN's are to be loaded."""
    return EarEncoder(config) if config.by_ear else ContentEncoder(config)


def build_fxnorm(config: FxNormConfig) -> FxNorm:
    """Build FxNorm, which is no network but has numbers to store: its target curve, flat at first."""
    return FxNorm(torch.ones(config.bins), config)


ALL = ("",)
NETWORKS: tuple[NetworkEntry, ...] = (
    NetworkEntry("fx_encoder", FxEncoderConfig, FxEncoder),
    NetworkEntry(
        "content_encoder", ContentConfig, build_content_encoder, half=("musicnn.",), single=("musicnn.temporal.",)
    ),
    NetworkEntry("musicnn", MusiCNNConfig, MusiCNN, half=ALL, single=("temporal.",), purpose="chosen"),
    NetworkEntry("stem_bank", StemBankConfig, StemBank, half=ALL, purpose="chosen"),
    NetworkEntry("adaptor", AdaptorConfig, DomainAdaptor, half=ALL),
    NetworkEntry("generator", GeneratorConfig, build_generator, half=ALL),
    NetworkEntry("generator_regression", GeneratorConfig, build_generator, half=ALL, purpose="measure"),
    NetworkEntry("generator_per_track", GeneratorConfig, build_generator, half=ALL, purpose="measure"),
    NetworkEntry("generator_true_dry", GeneratorConfig, build_generator, half=ALL, purpose="oracle"),
    NetworkEntry("processor_structured", StructuredConfig, StructuredProcessor, purpose="chosen"),
    NetworkEntry("processor_tcn", TCNConfig, FilmTCN, purpose="chosen"),
    NetworkEntry("fxnorm", FxNormConfig, build_fxnorm, purpose="chosen"),
)


def network_entry(name: str) -> NetworkEntry:
    """Give the row of the table for a network's name. Raises UserError for an unknown name."""
    for entry in NETWORKS:
        if entry.name == name:
            return entry
    raise UserError(f"unknown network {name!r}: choose from {', '.join(entry.name for entry in NETWORKS)}")


def build_network(config: NetworkConfig) -> Any:
    """Build the network that a config describes, with initial weights: a module of the class that the table names."""
    for entry in NETWORKS:
        if isinstance(config, entry.config):
            return entry.build(config)
    raise TypeError(f"no network has a {type(config).__name__}")


def network_config(network: nn.Module) -> Any:
    """Give the config that builds a network like this one."""
    if isinstance(network, Denoiser):
        return GeneratorConfig(network.network.config, network.config, network.linear is not None)
    return network.config


def empty_network(config: NetworkConfig) -> Any:
    """Build the network of a config without memory for its weights: it has names and shapes, and is to be filled."""
    with torch.device("meta"):
        return build_network(config)


def with_config(network: Network, config: NetworkConfig) -> Network:
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


def save_network(folder: str | Path, name: str, network: nn.Module, metadata: Mapping[str, Any]) -> Path:
    """Write a network's weights to FOLDER/NAME.safetensors, and its config and `metadata` to the JSON beside it.

    metadata: `data` and `recipe` say how it was made; `metrics` and `licence` (MIT by default) may be given too. Half
    precision, where the table asks for it, is whole again when loaded. Raises TypeError if the network is not the kind
    that the name says.
    """
    entry, config = network_entry(name), network_config(network)
    if not isinstance(config, entry.config):
        raise TypeError(f"{name} cannot be a {type(network).__name__}")
    words = {"kind": name, "config": config_to_dict(config), "metrics": {}, "licence": "MIT", **metadata}
    state = halved(network, entry) if entry.half else network
    return save_weights(Path(folder) / f"{name}.safetensors", state, words, network)


def halved(network: nn.Module, entry: NetworkEntry) -> dict[str, Tensor]:
    """The state of a network with its learned matrices in half precision, where the entry says so."""
    learned = network.named_parameters()
    matrices = {
        key
        for key, value in learned
        if value.dim() > 1 and key.startswith(entry.half) and not key.startswith(entry.single)
    }
    return {key: value.half() if key in matrices else value for key, value in network.state_dict().items()}


ROOM = 4
"""A network may have so many times as many parameters as its file holds tensors and numbers: some have two names."""

FIRST_EDITION_NAMES = {"gaussian": "linear_denoiser"}
"""Options of configs, as files of the first edition name them, and as they are called now."""
FIRST_EDITION_KEYS = {"linear.": "gaussian."}
"""How keys of networks begin, and how files of the first edition have them."""


def load_network(folder: str | Path, name: str) -> Any:
    """Build the network of that name from its own config in FOLDER, with its weights: eval mode, no gradients.

    The module's class is that of the table. Raises UserError for missing, damaged or unfitting files.
    """
    path = Path(folder) / f"{name}.safetensors"
    where = path.with_suffix(".json")
    words = read_metadata(path)["config"]
    first_edition = isinstance(words, Mapping) and not FIRST_EDITION_NAMES.keys().isdisjoint(words)
    if first_edition:
        words = {FIRST_EDITION_NAMES.get(field, field): value for field, value in words.items()}
    config = config_from_dict(network_entry(name).config, words, f"{where}: config")
    stored = read_weights(path, kind=name)
    with sizes_in_words(where), no_larger_than(stored, where):
        network = build_network(config)
    ours = network.state_dict()
    keys = {key: stored_key(key) if first_edition else key for key in ours}
    check_state(stored, {keys[key]: value.shape for key, value in ours.items()}, str(path))
    state = {key: stored[keys[key]] for key in keys}
    check_types(state, network, keys, str(path))
    network.load_state_dict(state)
    return network.eval().requires_grad_(False)


@contextmanager
def sizes_in_words(where: Path) -> Iterator[None]:
    """Turn what building raises for sizes that a network cannot have into UserError."""
    try:
        yield
    except (ValueError, TypeError, RuntimeError, AssertionError, ArithmeticError, LookupError, MemoryError) as error:
        raise UserError(f"{where}: no network has such sizes ({' '.join(str(error).split())[:160]})") from None


@contextmanager
def no_larger_than(stored: Mapping[str, Tensor], where: Path) -> Iterator[None]:
    """Raise UserError as soon as what is built has far more parameters than `stored`, before they fill the memory."""
    tensors, numbers = ROOM * len(stored), ROOM * sum(value.numel() for value in stored.values())

    def registered(module: nn.Module, name: str, parameter: nn.Parameter | None) -> None:
        nonlocal tensors, numbers
        tensors, numbers = tensors - 1, numbers - (0 if parameter is None else parameter.numel())
        if tensors < 0 or numbers < 0:
            raise UserError(f"{where}: config is of a larger network than the file holds")

    hook = register_module_parameter_registration_hook(registered)
    try:
        yield
    finally:
        hook.remove()


def stored_key(key: str) -> str:
    """The name of a parameter in files of the first edition."""
    for now, then in FIRST_EDITION_KEYS.items():
        if key.startswith(now):
            return then + key.removeprefix(now)
    return key
