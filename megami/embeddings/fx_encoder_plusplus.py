"""The paper's effect encoder, FxEncoder++ (Yeh et al. 2025, arXiv 2507.02273), through its own package.

Needed to train and to evaluate the paper preset, never to mix. The package `fxencoder-plusplus` (CC BY-NC 4.0) builds
two CLAP models beside the encoder, which are of no use here and reach for the network: its file is loaded by itself,
and the encoder alone is built.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from torch import Tensor, nn
from torch.nn import functional as F

from megami.errors import UserError

DIM, PROJECTION_DIM = 2048, 128
ALIAS = "megami_fxencoder_plusplus_model"
MISSING = (
    "the paper's effect encoder needs the package fxencoder-plusplus (CC BY-NC 4.0) and two others: 'make setup' in a "
    "clone, else pip install torchlibrosa huggingface_hub && pip install --no-deps fxencoder-plusplus"
)


def fxencoder_module() -> ModuleType:
    """Load the module that defines FxEncoder++, without CLAP; UserError if the package is not installed."""
    found = importlib.util.find_spec("fxencoder_plusplus")  # looks the place up, imports nothing
    if found is None or found.origin is None:
        raise UserError(MISSING)
    if ALIAS not in sys.modules:
        spec = importlib.util.spec_from_file_location(ALIAS, Path(found.origin).parent / "model.py")
        if spec is None or spec.loader is None:
            raise UserError(MISSING)
        module = importlib.util.module_from_spec(spec)
        try:
            with no_laion_clap():
                spec.loader.exec_module(module)
        except (ImportError, RuntimeError, AttributeError, OSError) as error:  # also a torchvision for another torch
            raise UserError(f"{MISSING} ({error})") from None
        sys.modules[ALIAS] = module
    return sys.modules[ALIAS]


@contextmanager
def no_laion_clap() -> Iterator[None]:
    """Let imports of laion_clap find an empty module for a while: the encoder uses nothing of it."""
    real = sys.modules.get("laion_clap")
    sys.modules["laion_clap"] = ModuleType("laion_clap")
    try:
        yield
    finally:
        del sys.modules["laion_clap"]
        if real is not None:
            sys.modules["laion_clap"] = real


class FxEncoderPlusPlus(nn.Module):
    """Stereo audio [b, 2, n] at 44.1 kHz to effect vectors [b, 2048], before the projection head; level as it comes.

    `project` gives the unit vectors [b, 128] in which cosine means likeness of effects. Raises UserError where the
    package is not installed.
    """

    def __init__(self) -> None:
        super().__init__()
        self.encoder = fxencoder_module().create_MixtureFxEncoder()
        self.projection = nn.Sequential(
            nn.Linear(DIM, PROJECTION_DIM), nn.ReLU(), nn.Linear(PROJECTION_DIM, PROJECTION_DIM)
        )

    def forward(self, audio: Tensor) -> Tensor:
        return self.encoder(audio.contiguous())["embedding"]

    def project(self, vector: Tensor) -> Tensor:
        """Unit vector of an effect vector: [b, 2048] -> [b, 128]."""
        return F.normalize(self.projection(vector), dim=-1)
