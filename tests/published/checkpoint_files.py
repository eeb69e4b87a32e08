"""Checkpoints made for the tests: small ones, in every format, and ones that have been tampered with."""

from __future__ import annotations

import collections
import io
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
import torch

ZIP = [{"pickle_protocol": protocol} for protocol in (2, 3, 4, 5)]
LEGACY = [{"pickle_protocol": protocol, "_use_new_zipfile_serialization": False} for protocol in (2, 4)]
FORMATS = pytest.mark.parametrize("options", [*ZIP, *LEGACY], ids=["zip2", "zip3", "zip4", "zip5", "old2", "old4"])
ZIPS = pytest.mark.parametrize("options", ZIP, ids=["zip2", "zip3", "zip4", "zip5"])


def weights() -> dict[str, torch.Tensor]:
    """A little state dict of several types, the same at every call."""
    generator = torch.Generator().manual_seed(0)
    half = torch.randn(3, generator=generator).half()
    return {"a.weight": torch.randn(3, 4, generator=generator), "a.bias": half, "a.count": torch.tensor(7)}


def training() -> dict[str, Any]:
    """What a training script stores: weights twice, a step, and the state of an optimizer, in its form."""
    moments = {"step": torch.tensor(1.0), "exp_avg": torch.ones(3, 4), "exp_avg_sq": torch.ones(3, 4)}
    groups = [{"lr": 1e-3, "betas": (0.9, 0.999), "amsgrad": False, "foreach": None, "params": [0]}]
    ema = collections.OrderedDict((key, value + 1) for key, value in weights().items())
    ema._metadata = collections.OrderedDict({"": {"version": 1}})  # as state_dict() gives it
    notes = ("é", None, 0.5, [1])
    optimizer = {"state": {0: moments}, "param_groups": groups}
    return {"it": 3, "network": weights(), "optimizer": optimizer, "ema": ema, "note": notes}


def same(state: dict[str, torch.Tensor], expected: dict[str, torch.Tensor]) -> bool:
    """Whether two states have the same keys, types and numbers."""
    return list(state) == list(expected) and all(
        state[key].dtype == value.dtype and torch.equal(state[key], value) for key, value in expected.items()
    )


class Reduced:
    """Comes back, where it is unpickled without care, as what a function gives: (function, arguments, state)."""

    def __init__(self, *words: object) -> None:
        self.words = words

    def __reduce__(self) -> tuple[object, ...]:
        return self.words


def stored(content: object, **options: Any) -> bytes:
    """What torch.save writes."""
    file = io.BytesIO()
    torch.save(content, file, **options)
    return file.getvalue()


def with_pickle(archive: bytes, change: Callable[[bytes], bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    """A checkpoint that is a whole zip file but has another pickle inside."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive)) as old, zipfile.ZipFile(made, "w", method) as new:
        for name in old.namelist():
            content = old.read(name)
            new.writestr(name, change(content) if name.endswith("/data.pkl") else content)
    return made.getvalue()
