"""Reading a pickled dictionary of numpy arrays (`numpy.save` of an object) without running what it says."""

from __future__ import annotations

import io
import math
import pickle
import re
from pathlib import Path
from typing import Any, BinaryIO, ClassVar

import numpy as np
from numpy.lib import format as npy

from megami.errors import UserError


class StoredType:
    """What a pickle says of an array's type. A real np.dtype would let the pickle set its flags, which numpy trusts:
    bytes of the file could then be taken for addresses of objects.
    """

    def __init__(self, name: str, align: bool = False, copy: bool = False) -> None:
        if not (isinstance(name, str) and re.fullmatch(r"[biufcUS][0-9]{1,6}|O8?", name)):
            raise pickle.UnpicklingError(f"an array of type {name!r}")
        self.name, self.order = name, "|"

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.order = state[1]

    def dtype(self) -> np.dtype:
        """The plain type of that name."""
        return np.dtype(object if self.name.startswith("O") else {"<": "<", ">": ">"}.get(self.order, "=") + self.name)


class StoredArray(np.ndarray):
    """An array that takes its type from a StoredType."""

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        version, shape, kind, fortran, data = state
        if type(kind) is not StoredType:
            raise pickle.UnpicklingError("an array without a type")
        if type(shape) is not tuple or not all(type(size) is int and size >= 0 for size in shape):
            raise pickle.UnpicklingError("an array without a shape")
        # numpy checks the length of bytes, but not that of a list of objects.
        objects = kind.dtype().hasobject
        if type(data) is not (list if objects else bytes) or (objects and len(data) != math.prod(shape)):
            raise pickle.UnpicklingError("an array with other contents than it says")
        super().__setstate__((version, shape, kind.dtype(), bool(fortran), data))


NDARRAY = "numpy.ndarray"  # only ever named as what is to be built; as a class it could be called


def empty_array(kind: str, shape: tuple[int, ...], letter: bytes) -> StoredArray:
    """Begin an array that its state then fills, as pickled arrays do; refuses shapes that would take memory at once."""
    if kind is not NDARRAY or shape != (0,):
        raise pickle.UnpicklingError("an array that does not begin empty")
    return StoredArray.__new__(StoredArray, (0,), np.int8)


ARRAY_PARTS = {
    ("numpy.core.multiarray", "_reconstruct"): empty_array,
    ("numpy._core.multiarray", "_reconstruct"): empty_array,
    ("numpy", "ndarray"): NDARRAY,
    ("numpy", "dtype"): StoredType,
}


# What arrays never need: objects of other kinds, and a buffer that takes memory before it is filled.
NOT_NEEDED = {
    code[0]
    for code in (
        pickle.INST,
        pickle.OBJ,
        pickle.NEWOBJ,
        pickle.NEWOBJ_EX,
        pickle.EXT1,
        pickle.EXT2,
        pickle.EXT4,
        pickle.BYTEARRAY8,
        pickle.NEXT_BUFFER,
        pickle.READONLY_BUFFER,
    )
}


class ArrayUnpickler(pickle._Unpickler):
    """Admits numpy arrays, dictionaries, lists, strings and numbers, and nothing else.

    The unpickler written in Python, because there BUILD can be kept to what it is for: it would set attributes of any
    object at hand, of the functions and classes above too.
    """

    stack: list[Any]
    dispatch: ClassVar[dict[int, Any]] = {
        code: read for code, read in pickle._Unpickler.dispatch.items() if code not in NOT_NEEDED
    }

    def load_build(self) -> None:
        if len(self.stack) < 2 or type(self.stack[-2]) not in (StoredArray, StoredType):
            raise pickle.UnpicklingError("it sets attributes of what is no array")
        super().load_build()  # type: ignore[misc]  # it has one, which typeshed leaves out

    dispatch[pickle.BUILD[0]] = load_build

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
        said = f"refused, since it holds more than arrays ({words(error)}); nothing of it was run"
        raise UserError(f"{path}: {said}") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or error})") from None
    except Exception as error:  # a damaged pickle can raise anything
        raise UserError(f"{path}: not a whole file of arrays ({words(error)})") from None
    if isinstance(stored, np.ndarray) and stored.size == 1:
        stored = stored.reshape(-1)[0]
    if not isinstance(stored, dict):
        raise UserError(f"{path}: holds no dictionary of arrays")
    return stored


def words(error: Exception) -> str:
    """An error's text on one line."""
    return " ".join(str(error).split())[:160]


def _after_header(file: BinaryIO) -> bytes:
    """Read the .npy header, which must announce one pickled object, and return the pickle."""
    version = npy.read_magic(file)
    header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    _, _, dtype = header(file)
    if not dtype.hasobject:
        raise ValueError("it holds a plain array, not a dictionary")
    return file.read()
