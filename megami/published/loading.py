"""The paper preset from the published files: every network built at full size and filled key by key."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from megami.adaptation import DomainAdaptor
from megami.adaptation.clap import ClapConfig, ClapEncoder
from megami.embeddings.fx_encoder_plusplus import FxEncoderPlusPlus
from megami.errors import UserError
from megami.generator import Denoiser
from megami.presets.networks import GeneratorConfig, Network, empty_network
from megami.presets.presets import preset
from megami.presets.weight_files import State, check_state, check_types, shapes_of
from megami.processor import FilmTCN, FxNorm, FxNormConfig, target_from_fine_curve
from megami.published.addresses import (
    ADAPTOR,
    CLAP,
    FEATURES,
    FX_ENCODER,
    GENERATOR,
    PROCESSOR,
    PublishedFile,
    published_path,
)
from megami.published.checkpoints import state_inside
from megami.published.key_tables import convert_adaptor, convert_tcn, convert_transformer

FINE_BINS = 32769  # the published curve is of a 65536-point FFT

# Published prefix -> ours; the rest of a key is the package's own. Everything else in these files must be known too.
CLAP_PARTS = {"audio_branch.": "tower.", "audio_projection.": "projection."}
CLAP_UNUSED = (
    "text_branch.",
    "text_projection.",
    "text_transform.",
    "audio_transform.",
    "logit_scale_a",
    "logit_scale_t",
)
FX_ENCODER_PARTS = {"fx_encoder.": "encoder.", "fx_encoder_projection.": "projection."}
FX_ENCODER_UNUSED = (
    "fx_encoder_transform.",
    "audio_clap_model.",
    "text_clap_model.",
    "extractor.",
    "logit_scale_m",
    "logit_scale_t",
)


def load_generator(folder: Path) -> Denoiser:
    """Load the generator: the averaged weights ("ema"), as the published inference does."""
    path = published_path(GENERATOR, folder)
    chosen = preset("paper")
    denoiser = empty_network(GeneratorConfig(chosen.transformer, chosen.edm))
    state = named(path, lambda: convert_transformer(state_inside(path, "ema"), denoiser.network))
    fill(denoiser.network, state)
    return denoiser.eval()


def load_processor(folder: Path) -> FilmTCN:
    """Load the effect processor: the plain weights ("network"); the averages lack BatchNorm's statistics."""
    path = published_path(PROCESSOR, folder)
    network = empty_network(preset("paper").tcn)
    return fill(network, named(path, lambda: convert_tcn(state_inside(path, "network"), network)))


def load_adaptor(folder: Path) -> DomainAdaptor:
    """Load the domain adaptor ("network")."""
    path = published_path(ADAPTOR, folder)
    network = empty_network(preset("paper").adaptor)
    return fill(network, named(path, lambda: convert_adaptor(state_inside(path, "network"), network)))


def load_clap(folder: Path, config: ClapConfig = ClapConfig()) -> ClapEncoder:
    """Load CLAP's audio tower and projection; its text half is left in the file."""
    path = published_path(CLAP, folder)
    network = ClapEncoder(config)
    return fill(network, _parts(path, CLAP_PARTS, CLAP_UNUSED, network))


def load_fx_encoder(folder: Path) -> FxEncoderPlusPlus:
    """Load FxEncoder++ and its projection head, for training and evaluation."""
    path = published_path(FX_ENCODER, folder)
    network = FxEncoderPlusPlus()
    return fill(network, _parts(path, FX_ENCODER_PARTS, FX_ENCODER_UNUSED, network))


def load_fxnorm(folder: Path, config: FxNormConfig = FxNormConfig()) -> FxNorm:
    """Build FxNorm with the published average spectrum: its curve "other", smoothed as published.

    Raises UserError for a file that is missing, damaged, a pickle other than the published one, or has no such curve.
    """
    path = published_path(FEATURES, folder)
    curve = fine_curve(path)
    return FxNorm(target_from_fine_curve(curve, config.bins), config).eval()


def fine_curve(path: Path) -> Tensor:
    """Read the average magnitude spectrum of the class "other": [32769], from 0 Hz to half the sample rate.

    The published file is a pickle, so it is loaded only if its SHA-256 is the published one. A curve of your own is a
    plain array: `numpy.save(path, curve)`.
    """
    stored = _features(path)
    if stored.dtype.hasobject:
        stored = stored.item()["eq"]["other"]
    try:
        curve = torch.as_tensor(stored, dtype=torch.float32).squeeze()
    except (TypeError, ValueError, RuntimeError):
        raise UserError(f"{path}: holds no numbers, expected a curve of {FINE_BINS}") from None
    if curve.shape != (FINE_BINS,):
        raise UserError(f"{path}: the curve has shape {list(curve.shape)}, expected [{FINE_BINS}]")
    if not bool((curve.isfinite() & (curve >= 0)).all()):
        raise UserError(f"{path}: the curve holds values that are negative or not finite")
    return curve


def _features(path: Path) -> np.ndarray:
    """Read an array; of objects, which numpy unpickles, only if these very bytes are the published ones."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise UserError(f"{path}: no such file") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or error})") from None
    published = hashlib.sha256(content).hexdigest() == FEATURES.sha256
    try:
        return np.lib.format.read_array(io.BytesIO(content), allow_pickle=published)
    except Exception as error:  # numpy parses the header of a damaged file as Python, which can raise anything
        words = " ".join(str(error).split())[:160]
        hint = "neither the published file nor a plain array of numbers"
        raise UserError(f"{path}: {hint} ({words}): download it again") from None


def _parts(path: Path, parts: Mapping[str, str], unused: tuple[str, ...], network: nn.Module) -> State:
    """Pick the parts of a whole model's state that `network` has, under our names; refuse a key that nobody knows."""
    picked = _pick(path, parts, unused)
    check_published(path, picked, network, {ours: theirs for theirs, ours in parts.items()})
    return picked


def _pick(path: Path, parts: Mapping[str, str], unused: tuple[str, ...]) -> State:
    """Read the named parts of a whole model's state, under our names; refuse a key that nobody knows."""
    whole = state_inside(
        path, "state_dict", or_top=True, wanted=lambda key: key.removeprefix("module.").startswith(tuple(parts))
    )
    state = {key.removeprefix("module."): value for key, value in whole.items()}
    picked: State = {}
    for key, value in state.items():
        prefix = next((prefix for prefix in parts if key.startswith(prefix)), None)
        if prefix is not None:
            picked[parts[prefix] + key.removeprefix(prefix)] = value
        elif not key.startswith(unused):
            raise UserError(f"{path}: key {key} is unexpected")
    return picked


def check_content(file: PublishedFile, path: Path) -> None:
    """Raise UserError unless what came as a published file of unknown hash has the weights that are read from it.

    That needs no other package, as building the networks does: its keys are known, and none of the parts is missing.
    """
    parts, unused = {CLAP: (CLAP_PARTS, CLAP_UNUSED), FX_ENCODER: (FX_ENCODER_PARTS, FX_ENCODER_UNUSED)}[file]
    state = _pick(path, parts, unused)
    for prefix, ours in parts.items():
        if not any(key.startswith(ours) for key in state):
            raise UserError(f"{path}: has no key that begins with {prefix}")


def check_published(path: Path, state: State, network: nn.Module, prefixes: Mapping[str, str]) -> None:
    """Check keys and shapes, naming what is wrong as the file does."""

    def theirs(key: str) -> str:
        prefix = next(prefix for prefix in prefixes if key.startswith(prefix))
        return prefixes[prefix] + key.removeprefix(prefix)

    expected = {theirs(key): shape for key, shape in shapes_of(network).items()}
    check_state({theirs(key): value for key, value in state.items()}, expected, str(path))
    check_types(state, network, {key: theirs(key) for key in state}, str(path))


def fill(network: Network, state: State) -> Network:
    """Give a network its weights, in memory of its own and in single precision: eval mode, no gradients."""
    types = {key: value.dtype for key, value in network.state_dict().items()}
    own = {key: value.to(types[key], copy=True) for key, value in state.items()}
    network.load_state_dict(own, assign=True)
    return network.eval().requires_grad_(False)


def named(path: Path, read: Callable[[], State]) -> State:
    """Say which file a complaint of the key tables is about."""
    try:
        return read()
    except UserError as error:
        words = str(error)
        raise UserError(words if words.startswith(str(path)) else f"{path}: {words}") from None


LOADERS: dict[PublishedFile, Callable[[Path], nn.Module]] = {
    GENERATOR: load_generator,
    PROCESSOR: load_processor,
    ADAPTOR: load_adaptor,
    FEATURES: load_fxnorm,
    CLAP: load_clap,
    FX_ENCODER: load_fx_encoder,
}
