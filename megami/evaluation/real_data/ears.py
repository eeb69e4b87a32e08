"""By what mixes are heard: our descriptors always, and the networks whose files are at hand."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from megami.embeddings import FxEncoder
from megami.errors import UserError
from megami.evaluation.measures.descriptors import descriptors
from megami.evaluation.other_systems import Say
from megami.evaluation.real_data.afx_rep import load_afx_rep
from megami.mixing.pretrained import Networks
from megami.published import loading


@dataclass(frozen=True)
class Ear:
    """A way to hear mixes: metric and title of its column, and audio [b, 2, n] -> features [b, d].

    scaled: each feature is divided by its spread over the engineers' mixes first, for the units differ. state: changes
    with the weights.
    """

    metric: str
    title: str
    hear: Callable[[Tensor], Tensor]
    scaled: bool = False
    state: str = ""


def descriptor_ear() -> Ear:
    """The twenty descriptors that no network was trained on."""
    return Ear("kad_mix", "KAD descriptors ↓", lambda audio: descriptors(audio).float(), scaled=True)


def network_ear(metric: str, title: str, network: nn.Module, device: torch.device) -> Ear:
    """A network that hears on a device; where it has a projection, that is what is compared."""
    network = network.to(device).eval()
    project: Callable[[Tensor], Tensor] = getattr(network, "project", lambda vector: F.normalize(vector, dim=-1))

    @torch.no_grad()
    def hear(audio: Tensor) -> Tensor:
        return torch.cat([project(network(one.to(device))).cpu() for one in audio.split(1)])

    return Ear(metric, title, hear, state=state_of(network))


def state_of(network: nn.Module) -> str:
    """Sixteen digits that change with any weight of a network."""
    digest = hashlib.sha256()
    for name, tensor in sorted(network.state_dict().items()):
        digest.update(name.encode() + tensor.cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]


def ears_at_hand(networks: Networks, published: Path, device: torch.device, say: Say) -> list[Ear]:
    """Everything that can hear: descriptors, the effect encoder of `small`, and of the published ones those at hand.

    `say` hears of each that is not, and why.
    """
    ears = [descriptor_ear()]
    if isinstance(networks.fx_encoder, FxEncoder):
        ears.append(network_ear("kad_fx_encoder", "KAD our encoder ↓", networks.fx_encoder, device))
    optional: Sequence[tuple[str, str, Callable[[Path], nn.Module]]] = (
        ("kad_fx_encoder_plus_plus", "FxEncoder++", loading.load_fx_encoder),
        ("kad_clap", "CLAP", loading.load_clap),
        ("kad_afx_rep", "AFx-Rep", load_afx_rep),
    )
    for metric, name, load in optional:
        try:
            ears.append(network_ear(metric, f"KAD {name} ↓", load(published), device))
        except UserError as error:
            say(f"not measured by {name}: {error}")
    return ears
