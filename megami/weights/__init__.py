"""Room of the networks' files: presets, safe storing and loading, conversion of published checkpoints."""

from __future__ import annotations

from megami.weights.configs import config_from_dict, config_to_dict
from megami.weights.networks import (
    NETWORKS,
    GeneratorConfig,
    build_generator,
    build_network,
    load_network,
    network_config,
    save_network,
    with_config,
)
from megami.weights.presets import PRESETS, PROCESSORS, Preset, preset
from megami.weights.pretrained import (
    Networks,
    from_pretrained,
    save_preset,
    shipped_presets,
    verify,
    weights_folder,
)
from megami.weights.store import load_weights, read_metadata, save_weights

__all__ = [
    "NETWORKS",
    "PRESETS",
    "PROCESSORS",
    "GeneratorConfig",
    "Networks",
    "Preset",
    "build_generator",
    "build_network",
    "config_from_dict",
    "config_to_dict",
    "from_pretrained",
    "load_network",
    "load_weights",
    "network_config",
    "preset",
    "read_metadata",
    "save_network",
    "save_preset",
    "save_weights",
    "shipped_presets",
    "verify",
    "weights_folder",
    "with_config",
]
