"""Checkpoints that are cut off, bent or no checkpoints at all are refused in one line."""

from __future__ import annotations

import io
import pickle
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from checkpoint_files import FORMATS, ZIPS, Reduced, stored, training, weights, with_pickle
from refusals import refusal

from megami.published.checkpoints import read_checkpoint, state_inside


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "checkpoint.pt"


@FORMATS
def test_a_file_that_breaks_off(path, options):
    whole = stored(training(), **options)
    for size in range(4, len(whole) - 1, len(whole) // 40):
        path.write_bytes(whole[:size])
        refusal(lambda: read_checkpoint(path), str(path))


@ZIPS
def test_a_pickle_that_breaks_off_inside_a_whole_zip_file(path, options):
    whole = stored(weights(), **options)
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        sizes = range(1, archive.getinfo("archive/data.pkl").file_size, 12)
    for size in sizes:
        path.write_bytes(with_pickle(whole, lambda words, size=size: words[:size]))
        refusal(lambda: read_checkpoint(path), str(path))


PROTOCOL_4 = b"\x80\x04"
NAMES = b"\x8c\x05posix\x94\x8c\x06system\x94"  # the words of a name, remembered as 0 and 1
WORDS = {
    "a function by words": (NAMES + b"\x93\x8c\x04true\x85R.", "it names posix.system"),
    "a function by words remembered": (NAMES + b"h\x00h\x01\x93\x8c\x04true\x85R.", "it names posix.system"),
    "a name that is computed": (NAMES + b"\x86\x8c\x01x\x93.", "it names what it computes"),
    "a name without words": (b"\x93.", "it names what it computes"),
    "a name of two lines": (b"\x8c\x13os\nmegami: all well\x8c\x04exit\x93.", "it names os megami: all well.exit"),
    "inst": (b"(iposix\nsystem\n.", "of a kind that torch.save does not write"),
    "obj": (b"(cposix\nsystem\no.", "it names posix.system"),
    "newobj_ex": (b"ccollections\nOrderedDict\n)}\x92.", "of a kind that torch.save does not write"),
    "extension": (b"\x82\x01.", "of a kind that torch.save does not write"),
    "bytearray": (b"\x96" + (3 * 10**8).to_bytes(8, "little") + b"a.", ""),
    "buffer": (b"\x97\x98.", "of a kind that torch.save does not write"),
    "text outside": (b"Pa\n.", "of a kind that torch.save does not write"),
    "remembered by a word": (b"\x8c\x01a\x94g0\n.", "of a kind that torch.save does not write"),
    "attributes of a function": (b"c_codecs\nencode\n}\x8c\x01a\x8c\x01bsb.", "more than weights"),
    "attributes of what makes tensors": (b"ctorch._utils\n_rebuild_tensor_v2\n}\x8c\x01a\x8c\x01bsb.", "more than"),
    "a dictionary's item in a tensor's maker": (b"ctorch._utils\n_rebuild_tensor_v2\nK\x01K\x02s.", "more than"),
    "a key that cannot be": (b"}]K\x01s.", ""),
    "nothing": (b".", ""),
    "never remembered": (b"h\x07.", ""),
}


@pytest.mark.parametrize("name", WORDS)
@pytest.mark.parametrize("form", ["zip", "legacy"])
def test_operations_that_weights_do_not_need_are_refused(path, name, form):
    operations, words = WORDS[name]
    path.write_bytes(with_pickle(stored(weights()), lambda _: PROTOCOL_4 + operations))
    if form == "legacy":
        start = b"".join(pickle.dumps(part, 4) for part in (0x1950A86A20F9469CFC6C, 1001, {}))
        path.write_bytes(start + PROTOCOL_4 + operations + pickle.dumps([], 4))
    refusal(lambda: read_checkpoint(path), str(path), words)


@pytest.mark.parametrize("deeper", [b"]" * 30_000 + b"a" * 29_999, b")" + b"\x85" * 30_000], ids=["lists", "tuples"])
def test_deep_nesting_is_survived(path, deeper):
    path.write_bytes(with_pickle(stored(weights()), lambda _: PROTOCOL_4 + deeper + b"."))
    refusal(lambda: state_inside(path, "ema"), str(path))


class Storage:
    """A place of numbers that a pickle refers to from outside, as `torch.save` writes them."""

    def __init__(self, key: object = "0", count: object = 3, kind: object = torch.FloatStorage) -> None:
        self.description = ("storage", kind, key, "cpu", count)


class TensorPickler(pickle.Pickler):
    def persistent_id(self, value: object) -> object:
        return value.description if isinstance(value, Storage) else None


PLACES = {
    "more numbers than there are": (Storage(count=4), 0, (4,), (1,)),
    "fewer than none": (Storage(count=-1), 0, (1,), (1,)),
    "no number of numbers": (Storage(count=2.0), 0, (1,), (1,)),
    "a larger type": (Storage(kind=torch.DoubleStorage), 0, (3,), (1,)),
    "another record": (Storage(key="1"), 0, (3,), (1,)),
    "the pickle itself": (Storage(key="../data.pkl"), 0, (3,), (1,)),
    "begun too late": (Storage(), 1, (3,), (1,)),
    "begun before": (Storage(), -1, (3,), (1,)),
    "long steps": (Storage(), 0, (3,), (2,)),
    "steps back": (Storage(), 0, (2,), (-1,)),
    "larger than can be counted": (Storage(), 0, (2**40, 2**40), (0, 0)),
    "larger than any": (Storage(), 2**62, (2**62,), (2**62,)),
    "another number of steps": (Storage(), 0, (3,), (1, 1)),
    "no storage": ("0", 0, (3,), (1,)),
    "no type": (Storage(kind="float"), 0, (3,), (1,)),
}


@pytest.mark.parametrize("name", PLACES)
@pytest.mark.parametrize("protocol", [3, 4, 5])
def test_tensors_outside_their_numbers_are_refused(path, name, protocol):
    pickled = io.BytesIO()
    tensor = Reduced(torch._utils._rebuild_tensor_v2, (*PLACES[name], False, {}))
    TensorPickler(pickled, protocol).dump({"ema": {"w": tensor}})
    path.write_bytes(with_pickle(stored({"w": torch.zeros(3)}), lambda _: pickled.getvalue()))
    refusal(lambda: state_inside(path, "ema"), str(path))


def test_numbers_that_are_packed_or_of_other_machines_are_refused(path):
    whole = stored({"ema": weights()}, pickle_protocol=4)
    path.write_bytes(with_pickle(whole, lambda pickled: pickled, zipfile.ZIP_DEFLATED))
    refusal(lambda: read_checkpoint(path), str(path), "larger than its data")
    path.write_bytes(whole.replace(sys.byteorder.encode(), b"little"[::-1]))
    refusal(lambda: read_checkpoint(path), str(path))


JUNK = {
    "empty": b"",
    "one byte": b"\x80",
    "text": b"these are not weights\n" * 9,
    "zeros": bytes(1000),
    "random": np.random.default_rng(0).bytes(3000),
    "page": b"<!DOCTYPE html>\n<html><body>404</body></html>\n",
    "start of a zip": b"PK\x03\x04",
    "zip-like": b"PK\x03\x04" + bytes(500),
}


@pytest.mark.parametrize("name", JUNK)
def test_junk_is_refused(path, name):
    path.write_bytes(JUNK[name])
    refusal(lambda: read_checkpoint(path), str(path))


def test_a_zip_file_of_something_else_is_refused(path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("letter.txt", "dear reader")
    refusal(lambda: read_checkpoint(path), str(path), "not a whole PyTorch checkpoint")


def test_a_folder_and_a_missing_file_are_named(tmp_path):
    refusal(lambda: read_checkpoint(tmp_path), str(tmp_path), "cannot be read")
    refusal(lambda: read_checkpoint(tmp_path / "none.pt"), "none.pt: no such file")
