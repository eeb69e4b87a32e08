"""Room of the presets: every size and option under one name, one table of the networks, and files of weights."""

from __future__ import annotations

from megami.presets.configs import config_from_dict, config_to_dict
from megami.presets.folders import preset_folder, read_preset, save_preset, shipped_presets, verify
from megami.presets.networks import (
    NETWORKS,
    GeneratorConfig,
    NetworkEntry,
    build_generator,
    build_network,
    load_network,
    network_config,
    network_entry,
    save_network,
    with_config,
)
from megami.presets.presets import PRESETS, PROCESSORS, Preset, preset
from megami.presets.weight_files import load_weights, read_metadata, save_weights

__all__ = [
    "NETWORKS",
    "PRESETS",
    "PROCESSORS",
    "GeneratorConfig",
    "NetworkEntry",
    "Preset",
    "build_generator",
    "build_network",
    "config_from_dict",
    "config_to_dict",
    "load_network",
    "load_weights",
    "network_config",
    "network_entry",
    "preset",
    "preset_folder",
    "read_metadata",
    "read_preset",
    "save_network",
    "save_preset",
    "save_weights",
    "shipped_presets",
    "verify",
    "with_config",
]
