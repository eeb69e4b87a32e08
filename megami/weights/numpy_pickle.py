"""Reading a pickled dictionary of numpy arrays (`numpy.save` of an object) without running what it says."""

from __future__ import annotations

import io
import pickle
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.lib import format as npy

from megami.errors import UserError


def empty_array(kind: type, shape: tuple[int, ...], letter: bytes) -> np.ndarray:
    """Begin an array that its state then fills, as pickled arrays do; refuses shapes that would take memory at once."""
    if kind is not np.ndarray or shape != (0,):
        raise pickle.UnpicklingError("an array that does not begin empty")
    return np.ndarray.__new__(np.ndarray, shape, letter)


ARRAY_PARTS = {
    ("numpy.core.multiarray", "_reconstruct"): empty_array,
    ("numpy._core.multiarray", "_reconstruct"): empty_array,
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
}


class ArrayUnpickler(pickle.Unpickler):
    """Admits numpy arrays, dictionaries, lists, strings and numbers, and nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in ARRAY_PARTS:
            raise pickle.UnpicklingError(f"it names {module}.{name}")
        return ARRAY_PARTS[module, name]

    def persistent_load(self, pid: Any) -> Any:
        raise pickle.UnpicklingError("it refers to something outside")


def read_array_dict(path: Path) -> dict[str, Any]:
    """Read the dictionary that `numpy.save(path, {...})` stored: names to arrays or dictionaries of the same kind.

    Raises UserError for a file that is damaged, is something else, or would need more than arrays.
    """
    try:
        with path.open("rb") as file:
            pickled = io.BytesIO(_after_header(file))
        stored = ArrayUnpickler(pickled).load()
    except FileNotFoundError:
        raise UserError(f"{path}: no such file") from None
    except pickle.UnpicklingError as error:
        raise UserError(f"{path}: refused, since it holds more than arrays ({error}); nothing of it was run") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or error})") from None
    except Exception as error:  # a damaged pickle can raise anything
        raise UserError(f"{path}: not a whole file of arrays ({error})") from None
    if isinstance(stored, np.ndarray) and stored.size == 1:
        stored = stored.reshape(-1)[0]
    if not isinstance(stored, dict):
        raise UserError(f"{path}: holds no dictionary of arrays")
    return stored


def _after_header(file: BinaryIO) -> bytes:
    """Read the .npy header, which must announce one pickled object, and return the pickle."""
    version = npy.read_magic(file)
    header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    _, _, dtype = header(file)
    if not dtype.hasobject:
        raise ValueError("it holds a plain array, not a dictionary")
    return file.read()
