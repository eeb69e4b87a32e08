"""Choosing where networks run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from megami.errors import UserError


def resolve_device(name: str | torch.device = "auto") -> torch.device:
    """Return the device that `name` asks for; "auto" is cuda where there is one, else cpu.

    Raises UserError for an unknown name, or for cuda on a machine without it.
    """
    if isinstance(name, torch.device):
        return name
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        device = None
    if device is None or device.type not in ("cpu", "cuda"):
        raise UserError(f"unknown device {name!r}: use auto, cpu or cuda")
    if device.type == "cuda" and not torch.cuda.is_available():
        raise UserError("no CUDA device on this machine: use --device cpu or auto")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise UserError(f"no device {name!r} on this machine, which has {torch.cuda.device_count()}: use cuda")
    return device


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch compute with one thread: sums that threads share are rounded otherwise, for each number of threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


PRECISIONS = ("auto", "fp32", "bf16")


def resolve_precision(name: str) -> torch.dtype | None:
    """Return the half precision that `name` asks for, None for single precision.

    "auto" is single precision: at the published size the rounding of bf16 lies hardly 35 dB below the sound
    (`paper_processor_errors` in results/benchmarks.json), and a CPU with AVX512-BF16 was not even quicker by it: our
    single precision does far fewer products (`paper_processor` there). So it has to be asked for. Raises UserError for
    an unknown name.
    """
    if name not in PRECISIONS:
        raise UserError(f"unknown precision {name!r}: use {', '.join(PRECISIONS)}")
    return torch.bfloat16 if name == "bf16" else None


def cpu_multiplies_bf16() -> bool:
    """Whether this machine's CPU has instructions for products of bf16 numbers; without them bf16 is slow."""
    can = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    return any(bool(can.get(name)) for name in ("avx512_bf16", "amx_bf16"))


def device_of(network: nn.Module) -> torch.device:
    """The device that a network's weights are on."""
    return next(network.parameters()).device
