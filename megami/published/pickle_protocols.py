"""Checkpoints that were pickled with protocol 3 to 5.

PyTorch's restricted unpickler (`weights_only=True`) knows the operations of protocol 2. The newer protocols say the
same in other operations. Here a pickle is rewritten in those of protocol 2, one after the other and without running
any, and PyTorch reads the result. So it refuses from these files what it refuses from all others.
"""

from __future__ import annotations

import io
import pickle
import pickletools
import struct
import sys
import zipfile
from pathlib import Path
from typing import Any, BinaryIO

import torch
from torch import Tensor

TEXT = {"SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8"}
BYTES = {"SHORT_BINBYTES", "BINBYTES", "BINBYTES8"}
PUT = {"MEMOIZE", "BINPUT", "LONG_BINPUT"}
GET = {"BINGET", "LONG_BINGET"}
LONGEST_NAME = 255  # of a module or a class; longer text is not repeated, so that a file does not grow much
LEGACY_PICKLES = 5  # magic number, version, about the machine, content, keys of the storages


def protocol_of(path: Path) -> int:
    """Give the pickle protocol of what `torch.save` wrote; 2 also for files in which none is found."""
    try:
        with path.open("rb") as file:
            start = file.read(2)
        if start == b"PK":
            with zipfile.ZipFile(path) as archive, archive.open(_prefix(archive) + "data.pkl") as pickled:
                start = pickled.read(2)
    except (zipfile.BadZipFile, KeyError, NotImplementedError, EOFError):  # PyTorch will say what is wrong with it
        return 2
    return start[1] if len(start) == 2 and start[:1] == pickle.PROTO else 2


def load_newer(path: Path, is_zip: bool) -> Any:
    """Read a checkpoint of protocol 3 to 5, as `torch.load(path, weights_only=True)` reads one of protocol 2.

    The tensors of a zip file are mapped, so that those nobody looks at are never read. Raises what `torch.load` raises.
    """
    if not is_zip:
        stream = io.BytesIO(path.read_bytes())
        pickles = [in_protocol_2(stream) for _ in range(LEGACY_PICKLES)]
        return torch.load(io.BytesIO(b"".join(pickles) + stream.read()), map_location="cpu", weights_only=True)
    with zipfile.ZipFile(path) as archive:
        mapped = MappedTensors(path, archive)
        pickled = in_protocol_2(io.BytesIO(archive.read(mapped.prefix + "data.pkl")), mapped.tensor.__qualname__)
    only_pickle = io.BytesIO()
    with zipfile.ZipFile(only_pickle, "w") as archive:
        archive.writestr("archive/data.pkl", pickled)
        archive.writestr("archive/version", "3\n")
    only_pickle.seek(0)
    with torch.serialization.safe_globals([mapped.tensor]):
        return torch.load(only_pickle, map_location="cpu", weights_only=True)


def in_protocol_2(stream: BinaryIO, maker: str | None = None) -> bytes:
    """Rewrite the pickle at which a stream stands in the operations of protocol 2; the stream then stands behind it.

    maker: what in this module is to make the tensors, in place of PyTorch's own function. It is given the description
    of a storage in place of the storage. What has no counterpart in protocol 2 stays as it is, for PyTorch to refuse.
    """
    written: list[bytes | str] = []  # text that may turn out to be part of a name waits as it is
    memo: dict[int, bytes | str] = {}
    argument: Any
    begin = stream.tell()
    for operation, argument, _ in pickletools.genops(stream):
        end, kind, last = stream.tell(), operation.name, written[-1] if written else b""
        if kind in TEXT:
            written.append(argument if len(argument) <= LONGEST_NAME else _text(argument))
        elif kind in BYTES:
            written.append(_global("_codecs", "encode") + _text(argument.decode("latin1")) + _text("latin1") + b"\x86R")
        elif kind in PUT:
            number = len(memo) if argument is None else argument
            memo[number] = last
            written += [] if isinstance(last, str) else [pickle.LONG_BINPUT + struct.pack("<I", number)]
        elif kind in GET:
            value = memo.get(argument, b"")
            written.append(value if isinstance(value, str) else pickle.LONG_BINGET + struct.pack("<I", argument))
        elif kind == "GLOBAL":
            module, _, name = argument.partition(" ")
            written.append(_global(module, name, maker))
        elif kind == "STACK_GLOBAL":
            written[-2:] = [_stack_global(written[-2:], maker)]
        elif kind == "PROTO":
            written.append(pickle.PROTO + b"\x02")
        elif kind != "FRAME" and not (kind == "BINPERSID" and maker):
            stream.seek(begin)
            written.append(stream.read(end - begin))
        begin = end
    return b"".join(_text(part) if isinstance(part, str) else part for part in written)


def _text(words: str) -> bytes:
    content = words.encode("utf-8", "surrogatepass")
    return pickle.BINUNICODE + struct.pack("<I", len(content)) + content


def _stack_global(names: list[bytes | str], maker: str | None) -> bytes:
    """Write the class or function that the two pieces of text before it name."""
    if len(names) != 2 or not all(isinstance(name, str) for name in names):
        raise pickle.UnpicklingError("it names what it computes")
    return _global(str(names[0]), str(names[1]), maker)


def _global(module: str, name: str, maker: str | None = None) -> bytes:
    if maker and f"{module}.{name}" == "torch._utils._rebuild_tensor_v2":
        module, name = __name__, maker
    if "\n" in module + name:
        raise pickle.UnpicklingError(f"it names {' '.join(f'{module}.{name}'.split())}")
    return pickle.GLOBAL + f"{module}\n{name}\n".encode()


class MappedTensors:
    """The tensors of a zip file, mapped from it where a pickle says that they are."""

    def __init__(self, path: Path, archive: zipfile.ZipFile) -> None:
        self.prefix = _prefix(archive)
        self.size = path.stat().st_size
        # Not shared: whoever writes to a tensor leaves the file alone.
        self.whole = torch.UntypedStorage.from_file(str(path), False, self.size)
        self.records = {info.filename: info for info in archive.infolist()}
        order = self.prefix + "byteorder"
        if order in self.records and archive.read(order) != sys.byteorder.encode():
            raise ValueError("its numbers are stored in the byte order of other machines")

    def _content(self, info: zipfile.ZipInfo) -> int:
        """Give the position of a record's first byte."""
        lengths = bytes(self.whole[info.header_offset + 26 : info.header_offset + 30].tolist())
        return info.header_offset + 30 + sum(struct.unpack("<HH", lengths))

    def tensor(self, storage: Any, offset: int, shape: tuple[int, ...], stride: tuple[int, ...], *_: Any) -> Tensor:
        """Give the tensor that a pickle describes. Raises ValueError or RuntimeError if it is not all in its record."""
        _, storage_type, key, _, count = storage
        record = self.records[f"{self.prefix}data/{key}"]
        begin, size = self._content(record), count * storage_type.dtype.itemsize
        plain = record.compress_type == zipfile.ZIP_STORED and begin + record.file_size <= self.size
        if type(count) is not int or not 0 <= size <= record.file_size or not plain:
            raise ValueError("a tensor that is larger than its data")
        # A part of a mapping cannot grow, so PyTorch checks offset, shape and stride against its size.
        return torch.empty(0, dtype=storage_type.dtype).set_(self.whole[begin : begin + size], offset, shape, stride)


def _prefix(archive: zipfile.ZipFile) -> str:
    """Give the name of the folder in which everything of a checkpoint is, with the slash."""
    names = (name for name in archive.namelist() if name.endswith("/data.pkl"))
    return next(names, "").removesuffix("data.pkl")
