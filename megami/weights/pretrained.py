"""Everything that mixes, loaded by one name."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import nn

from megami.adaptation import ClapEncoder, ContentEncoder, DomainAdaptor
from megami.device import resolve_device
from megami.embeddings import FxEncoder, FxEncoderPlusPlus
from megami.errors import UserError
from megami.generator import Denoiser
from megami.processor import FxNorm
from megami.weights.configs import config_from_dict, config_to_dict
from megami.weights.networks import NETWORKS, load_network
from megami.weights.presets import PRESETS, PROCESSORS, Preset, preset
from megami.weights.published import (
    load_adaptor, load_clap, load_fx_encoder, load_fxnorm, load_generator, load_processor,
)
from megami.weights.registry import PAPER_FILES, paper_folder, published_path
from megami.weights.store import json_bytes, read_json, read_metadata, write_atomically

SHIPPED = Path(__file__).parent
PRESET_FILE = "preset.json"


@dataclass(frozen=True)
class Networks:
    """The trained parts of the system, ready to mix: eval mode, no gradients; `preset` says their sizes and options."""

    preset: Preset
    fx_encoder: FxEncoder | FxEncoderPlusPlus | None  # not needed to mix; None for "paper" unless asked for
    content_encoder: ContentEncoder | ClapEncoder
    adaptor: DomainAdaptor
    generator: Denoiser
    processor: nn.Module
    fxnorm: FxNorm | None

    def to(self, device: str | torch.device) -> Networks:
        """Move all networks to a device (in place, as torch does) and return this."""
        parts = (self.fx_encoder, self.content_encoder, self.adaptor, self.generator, self.processor, self.fxnorm)
        for part in parts:
            if part is not None:
                part.to(device)
        return self


def from_pretrained(
    name_or_folder: str | Path = "small",
    device: str | torch.device = "cpu",
    processor: str | None = None,
    weights_dir: str | Path | None = None,
    fx_encoder: bool = False,
) -> Networks:
    """Load the networks of a preset by its name ("small", "paper"), or of a folder of weights.

    `processor` ("structured" or "tcn") chooses another one than the preset's. "paper" takes the published files from
    `weights_dir`, else from where they were downloaded to, and with `fx_encoder` also FxEncoder++, which mixing does
    not need. Raises UserError for an unknown name, and for missing, damaged or unfitting files.
    """
    if str(name_or_folder) == "paper":
        networks = load_paper(published_folder(weights_dir), processor, fx_encoder)
    elif weights_dir is not None:
        raise UserError("a folder of published files goes with 'paper'; name other folders of weights in its place")
    else:
        networks = load_folder(weights_folder(name_or_folder), processor)
    return networks.to(resolve_device(device))


def load_folder(folder: Path, processor: str | None = None) -> Networks:
    """Load a folder of weights that this project wrote; every network is built from the config in its own file."""
    chosen = read_preset(folder)
    if processor is not None:
        chosen = replace(chosen, processor_kind=processor)
    fx_encoder, content_encoder, adaptor, generator, effects = (
        load_network(folder, name)
        for name in ("fx_encoder", "content_encoder", "adaptor", "generator", f"processor_{chosen.processor_kind}")
    )
    fitted = replace(
        chosen,
        embedding=replace(chosen.embedding, token_dim=generator.network.config.io_channels),
        fx_encoder=fx_encoder.config,
        content=content_encoder.config,
        adaptor=adaptor.config,
        transformer=generator.network.config,
        edm=generator.config,
        gaussian=generator.gaussian is not None,
        **{chosen.processor_kind: effects.config},
    )
    fxnorm = load_network(folder, "fxnorm") if chosen.fxnorm else None
    return Networks(fitted, fx_encoder, content_encoder, adaptor, generator, effects, fxnorm)


def load_paper(folder: Path, processor: str | None = None, fx_encoder: bool = False) -> Networks:
    """Load the published networks from their files; all that are needed are looked for before the first is read."""
    chosen = preset("paper")
    if processor is not None:
        chosen = replace(chosen, processor_kind=processor)  # refuses what the preset does not have
    for file in PAPER_FILES:
        if file.to_mix or fx_encoder:
            published_path(file, folder)
    return Networks(
        preset=chosen,
        fx_encoder=load_fx_encoder(folder) if fx_encoder else None,
        content_encoder=load_clap(folder),
        adaptor=load_adaptor(folder),
        generator=load_generator(folder),
        processor=load_processor(folder),
        fxnorm=load_fxnorm(folder),
    )


def published_folder(weights_dir: str | Path | None) -> Path:
    """Say where the published files are looked for. Raises UserError for a folder that is not there."""
    if weights_dir is None:
        return paper_folder()
    folder = Path(weights_dir)
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder of weights")
    return folder


def weights_folder(name_or_folder: str | Path) -> Path:
    """Say where the weights of a preset, or of a folder, are. Raises UserError if there are none."""
    name = str(name_or_folder)
    if name == "paper":
        return paper_folder()
    if name in PRESETS:
        folder = SHIPPED / name
        if not any(folder.glob("*.safetensors")):
            raise UserError(f"the weights of {name!r} are not part of this installation (expected in {folder})")
        return folder
    folder = Path(name_or_folder)
    if folder.is_dir():
        return folder
    raise UserError(f"unknown weights {name!r}: give one of {', '.join(PRESETS)}, or a folder of weights")


def read_preset(folder: Path) -> Preset:
    """Give the preset that a folder of weights is for: the one in its preset.json, else "small"."""
    file = folder / PRESET_FILE
    return config_from_dict(Preset, read_json(file), str(file)) if file.is_file() else preset("small")


def save_preset(folder: str | Path, chosen: Preset) -> Path:
    """Write a preset beside the weights that it is for, so that `from_pretrained(folder)` uses its options."""
    path = Path(folder) / PRESET_FILE
    write_atomically(path, json_bytes(config_to_dict(chosen)))
    return path


def shipped_presets() -> list[str]:
    """Describe each preset in one line: its name, and the files at hand with their sizes."""
    lines = []
    for name in PRESETS:
        files = sorted((SHIPPED / name).glob("*.safetensors"))
        size = sum(file.stat().st_size for file in files) / 1e6
        state = f"{len(files)} networks, {size:.1f} MB" if files else "the published files, to be downloaded"
        lines.append(f"{name}: {state}")
    return lines


def verify(name_or_folder: str | Path) -> list[str]:
    """Load every network of a preset or folder, checking hash, keys and shapes; one line for each.

    Raises UserError at the first that is missing or damaged; only what the preset does not use may be missing.
    """
    folder = weights_folder(name_or_folder)
    chosen = read_preset(folder)
    spare = {f"processor_{kind}" for kind in PROCESSORS if kind != chosen.processor_kind}
    spare |= set() if chosen.fxnorm else {"fxnorm"}
    spare |= {"generator_regression", "generator_per_track", "generator_true_dry"}  # to measure against, not to mix
    lines = []
    for name in NETWORKS:
        path = folder / f"{name}.safetensors"
        if name in spare and not path.exists():
            continue
        load_network(folder, name)
        metadata = read_metadata(path)
        lines.append(f"{path.name}: {metadata['parameters']:,} parameters, sha256 {metadata['sha256'][:16]}, ok")
    return lines
