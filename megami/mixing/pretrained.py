"""Everything that mixes, loaded by one name."""

from __future__ import annotations

import copy
import hashlib
import warnings
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from megami.adaptation import ClapEncoder, ContentEncoder, DomainAdaptor, EarEncoder, MusiCNN, StemBank
from megami.device import cpu_multiplies_bf16, resolve_device, resolve_precision
from megami.embeddings import FxEncoder, FxEncoderPlusPlus
from megami.errors import UserError
from megami.generator import Denoiser
from megami.presets import Preset, load_network, preset, preset_folder, read_metadata, read_preset
from megami.processor import FilmTCN, FxNorm, StructuredProcessor
from megami.published.addresses import (
    ADAPTOR,
    FEATURES,
    GENERATOR,
    PAPER_FILES,
    PROCESSOR,
    paper_folder,
    published_folder,
    published_path,
)

PUBLISHED_ENCODER = "FxEncoder++"
ENCODER_OF_FIRST_EDITION = {"small": "45721d1853685ce7"}
"""By preset, the effect encoder of version 1.0, whose files do not say which they are from."""
OF_PUBLISHED_SIZE = {"adaptor": ADAPTOR, "generator": GENERATOR, "processor_tcn": PROCESSOR, "fxnorm": FEATURES}
"""What `megami train paper` makes, and the published file that stands in where it was not made."""


@dataclass(frozen=True)
class Networks:
    """The trained parts of the system, ready to mix: eval mode, no gradients; `preset` says their sizes and options."""

    preset: Preset
    fx_encoder: FxEncoder | FxEncoderPlusPlus | None  # not needed to mix; None for "paper" unless asked for
    content_encoder: ContentEncoder | EarEncoder | ClapEncoder
    adaptor: DomainAdaptor
    generator: Denoiser
    processor: StructuredProcessor | FilmTCN
    fxnorm: FxNorm | None
    musicnn: MusiCNN | None = None
    stem_bank: StemBank | None = None

    def to(self, device: str | torch.device) -> Networks:
        """Give these networks on a device: those that are there already are shared, of the others it has copies.

        So networks that somebody else mixes with stay where they are.
        """
        names = [item.name for item in fields(self) if item.name != "preset"]
        parts: dict[str, Any] = {name: on_device(getattr(self, name), device) for name in names}
        return replace(self, **parts)


def on_device(network: nn.Module | None, device: str | torch.device) -> nn.Module | None:
    """Give a network with all its tensors on a device: itself if they are there, else a copy."""
    if network is None:
        return None
    place = torch.empty(0, device=device).device  # "cuda" with its number
    tensors = [*network.parameters(), *network.buffers()]
    if all(tensor.device == place for tensor in tensors):
        return network
    moved: dict[int, Any] = {
        id(t): nn.Parameter(t.detach().to(place), t.requires_grad) if isinstance(t, nn.Parameter) else t.to(place)
        for t in tensors
    }
    return copy.deepcopy(network, moved)  # which copies everything but the tensors, and takes those from `moved`


def with_precision(networks: Networks, precision: str, device: torch.device) -> Networks:
    """Give networks whose processor renders in this precision (`resolve_precision`); the weights are shared.

    Raises UserError for an unknown one, and for bf16 without the convolutional processor.
    """
    dtype, processor = resolve_precision(precision), networks.processor
    if not isinstance(processor, FilmTCN):
        if precision == "bf16":
            raise UserError("precision bf16 is for the convolutional processor: choose it with 'paper', or take auto")
        return networks
    if processor.config.own_statistics:  # rendered in one pass, as published: in single precision
        dtype = None
    if dtype == processor.dtype:
        return networks
    if dtype is not None and device.type == "cpu" and not cpu_multiplies_bf16():
        warnings.warn("this CPU has no instructions for bf16: it will be slow, and fp32 is quicker", stacklevel=2)
    twin = copy.copy(processor)
    twin.dtype = dtype
    return replace(networks, processor=twin)


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
    not need. So does a folder that was trained at the published size: what it lacks is published (CLAP always is).
    Raises UserError for an unknown name, and for missing, damaged or unfitting files.
    """
    if str(name_or_folder) == "paper":
        networks = load_paper(published_folder(weights_dir), processor, fx_encoder)
    elif (trained := weights_folder(name_or_folder)) and read_preset(trained).content is None:
        networks = load_paper(published_folder(weights_dir), processor, fx_encoder, trained)
    elif weights_dir is not None:
        raise UserError("a folder of published files goes with 'paper'; name other folders of weights in its place")
    else:
        networks = load_folder(trained, processor)
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
        linear_denoiser=generator.linear is not None,
        **{chosen.processor_kind: effects.config},
    )
    fxnorm = load_network(folder, "fxnorm") if chosen.fxnorm else None
    ear = [load_network(folder, name) if chosen.stem_bank else None for name in ("musicnn", "stem_bank")]
    return Networks(fitted, fx_encoder, content_encoder, adaptor, generator, effects, fxnorm, *ear)


def load_paper(
    folder: Path, processor: str | None = None, fx_encoder: bool = False, trained: Path | None = None
) -> Networks:
    """Load the published networks from their files; all that are needed are looked for before the first is read.

    With `trained`, a folder that this project wrote, its networks stand in the place of the published ones.
    """
    from megami.published import loading  # here, because the small preset needs none of it

    chosen = preset("paper") if trained is None else read_preset(trained)
    if processor is not None:
        chosen = replace(chosen, processor_kind=processor)  # refuses what the preset does not have
    own = {name for name in OF_PUBLISHED_SIZE if trained is not None and (trained / f"{name}.safetensors").is_file()}
    for file in PAPER_FILES:
        if (file.to_mix or fx_encoder) and not any(OF_PUBLISHED_SIZE[name] is file for name in own):
            published_path(file, folder)

    def part(name: str, load: Callable[[Path], Any]) -> Any:
        return load_network(trained, name) if trained is not None and name in own else load(folder)

    return Networks(
        preset=chosen,
        fx_encoder=loading.load_fx_encoder(folder) if fx_encoder else None,
        content_encoder=loading.load_clap(folder),
        adaptor=part("adaptor", loading.load_adaptor),
        generator=part("generator", loading.load_generator),
        processor=part("processor_tcn", loading.load_processor),
        fxnorm=part("fxnorm", loading.load_fxnorm),
    )


def weights_folder(name_or_folder: str | Path) -> Path:
    """Say where the weights of a preset, or of a folder, are. Raises UserError if there are none."""
    return paper_folder() if str(name_or_folder) == "paper" else preset_folder(name_or_folder)


def encoder_of_plans(name_or_folder: str | Path) -> str:
    """Say which effect encoder plans of these weights come from: a part of its hash, or the name of the published one.

    The numbers of a plan mean what their encoder made of effects. Plans by another encoder would be rendered without
    an error, as anything. Raises UserError if there are no such weights.
    """
    if str(name_or_folder) == "paper":
        return PUBLISHED_ENCODER
    path = weights_folder(name_or_folder) / "fx_encoder.safetensors"
    return str(read_metadata(path)["sha256"])[:16] if path.is_file() else PUBLISHED_ENCODER


def weights_sha256(name_or_folder: str | Path, weights_dir: str | Path | None = None) -> str:
    """One hash of all files of a preset's weights that mixing uses, or of a folder's. Raises UserError for none."""
    if str(name_or_folder) == "paper":
        published = published_folder(weights_dir)
        paths = [published_path(file, published) for file in PAPER_FILES if file.to_mix]
    else:
        folder = weights_folder(name_or_folder)
        paths = sorted(path for path in folder.iterdir() if path.suffix in (".safetensors", ".json"))
    together = hashlib.sha256()
    for path in paths:
        try:
            with path.open("rb") as file:
                together.update(path.name.encode() + hashlib.file_digest(file, "sha256").digest())
        except OSError as error:
            raise UserError(f"{path}: cannot be read ({error.strerror})") from None
    return together.hexdigest()
