"""Reading other people's checkpoints without trusting them: tensors come out, and no code of the file ever runs."""

from __future__ import annotations

import pickle
import re
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from megami.errors import UserError
from megami.presets.weight_files import State
from megami.published.pickle_protocols import load_newer, protocol_of


class Inert:
    """Stands where a checkpoint names a class that we do not need: it takes anything and does nothing."""

    def __new__(cls, *args: object, **options: object) -> Inert:
        return object.__new__(cls)

    def __init__(self, *args: object, **options: object) -> None: ...

    def __setstate__(self, state: object) -> None: ...

    def __setitem__(self, key: object, value: object) -> None: ...


# What training scripts put beside the weights: their configuration (omegaconf), and numbers as numpy scalars. These
# names are answered by inert stand-ins, never by the real classes; any other name that is not a tensor's is refused.
STANDINS = (
    "omegaconf.dictconfig.DictConfig",
    "omegaconf.listconfig.ListConfig",
    "omegaconf.base.ContainerMetadata",
    "omegaconf.base.Metadata",
    "omegaconf.nodes.AnyNode",
    "omegaconf.nodes.BooleanNode",
    "omegaconf.nodes.FloatNode",
    "omegaconf.nodes.IntegerNode",
    "omegaconf.nodes.InterpolationResultNode",
    "omegaconf.nodes.PathNode",
    "omegaconf.nodes.StringNode",
    "typing.Any",
    "builtins.bool",
    "builtins.dict",
    "builtins.float",
    "builtins.int",
    "builtins.list",
    "builtins.object",
    "builtins.str",
    "builtins.tuple",
    "argparse.Namespace",
    "numpy.core.multiarray.scalar",
    "numpy._core.multiarray.scalar",
    "numpy.dtype",
    "numpy.dtypes.Float64DType",
    "numpy.dtypes.Float32DType",
    "numpy.dtypes.Int64DType",
)


def inert_class(full_name: str) -> type[Inert]:
    """Make a stand-in that answers to a name such as "omegaconf.base.Metadata"."""
    module, _, name = full_name.rpartition(".")
    return type(name, (Inert,), {"__module__": module})


def empty_dict(*_: object) -> dict[Any, Any]:
    """Begin a defaultdict as a plain dictionary: torch fills no other kind."""
    return {}


empty_dict.__module__, empty_dict.__name__, empty_dict.__qualname__ = "collections", "defaultdict", "defaultdict"
ADMITTED: list[Callable[..., Any] | tuple[Callable[..., Any], str]] = [
    *(inert_class(name) for name in STANDINS),
    empty_dict,
]
NUMBERS = {
    torch.float16,
    torch.bfloat16,
    torch.float32,
    torch.float64,
    torch.int64,
    torch.int32,
    torch.uint8,
    torch.bool,
}
UNSAFE = re.compile(r"(?:GLOBAL |[Uu]nsupported (?:global|class): ?(?:GLOBAL )?)([\w.]+)")


def read_checkpoint(path: Path) -> Any:
    """Read what `torch.save` wrote, tensors on the CPU and where possible mapped from the file: `weights_only=True`.

    Raises UserError for a file that is damaged, and for one that would need more than weights, naming what it asks for.
    """
    try:
        with torch.serialization.safe_globals(ADMITTED), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _load(path)
    except FileNotFoundError:
        raise UserError(f"{path}: no such file") from None
    except pickle.UnpicklingError as error:
        words = f"refused, since it holds more than weights ({reason(error)}); nothing of it was run"
        raise UserError(f"{path}: {words}") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or error})") from None
    except Exception as error:  # a damaged pickle can raise anything
        words = " ".join(str(error).split())[:160]
        raise UserError(f"{path}: not a whole PyTorch checkpoint ({words}): download it again") from None


def _load(path: Path) -> Any:
    """Map the file's tensors instead of reading them where its format allows: optimizer states are never looked at."""
    if protocol_of(path) > 2:
        return load_newer(path, is_zip(path))
    return torch.load(path, map_location="cpu", weights_only=True, mmap=True if is_zip(path) else None)


def is_zip(path: Path) -> bool:
    """True for the format that `torch.save` has written since 1.6."""
    with path.open("rb") as file:
        return file.read(4) == b"PK\x03\x04"


def reason(error: Exception) -> str:
    """Say in a few words what a refused file asked for."""
    text = " ".join(str(error).split())
    found = UNSAFE.search(text)
    if "nsupported operand" in text:
        return "it is a pickle of a kind that torch.save does not write"
    if found:
        return f"it names {found[1]}"
    return text.rpartition("WeightsUnpickler error: ")[2].partition(" Check the documentation")[0][:160]


def usable(value: Tensor, path: Path) -> bool:
    """True for plain numbers that are really in the file: not sparse, and no few of them repeated to fill terabytes."""
    plain = value.layout is torch.strided and not value.is_meta and value.dtype in NUMBERS
    return plain and value.numel() * value.element_size() <= path.stat().st_size


def state_inside(
    path: Path, place: str, or_top: bool = False, wanted: Callable[[str], bool] = lambda key: True
) -> State:
    """Read the state dict at a place in a checkpoint, such as "ema": every key's tensor, nothing else.

    With `or_top` the file itself may be the state dict. Numbers are looked at for the `wanted` keys only. Raises
    UserError where there is no state dict, for values that are not tensors, and for wanted ones that are not finite.
    """
    checkpoint = read_checkpoint(path)
    inside = isinstance(checkpoint, Mapping) and place in checkpoint
    if not inside and not or_top:
        raise UserError(f"{path}: no {place!r} inside: not the checkpoint that was expected here")
    state = checkpoint[place] if inside else checkpoint
    if not isinstance(state, Mapping) or not state:
        raise UserError(f"{path}: no state dict inside")
    for key, value in state.items():
        if not isinstance(key, str) or not isinstance(value, Tensor) or not key.isprintable():
            raise UserError(f"{path}: {key!r} is not a tensor")
        if not usable(value, path):
            raise UserError(f"{path}: key {key} holds a tensor of a kind that no weights are")
        if wanted(key) and value.is_floating_point() and not bool(value.isfinite().all()):
            raise UserError(f"{path}: key {key} holds values that are not finite")
    return dict(state)
