"""Checkpoints that nobody vouches for: weights come out as they were stored, and no code of the file ever runs."""

from __future__ import annotations

import argparse
import collections
import gc
import io
import os
import pickle
import sys
import typing
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from refusals import refusal

from megami.published.checkpoints import Inert, read_checkpoint, state_inside

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


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "checkpoint.pt"


def same(state: dict[str, torch.Tensor], expected: dict[str, torch.Tensor]) -> bool:
    """Whether two states have the same keys, types and numbers."""
    return list(state) == list(expected) and all(
        state[key].dtype == value.dtype and torch.equal(state[key], value) for key, value in expected.items()
    )


@FORMATS
def test_what_training_stores_comes_back(path, options):
    stored = training()
    torch.save(stored, path, **options)
    read = read_checkpoint(path)
    assert list(read) == ["it", "network", "optimizer", "ema", "note"]
    assert (read["it"], read["note"]) == (stored["it"], stored["note"])
    moments = read["optimizer"]["state"][0]["exp_avg"]
    assert torch.equal(moments, stored["optimizer"]["state"][0]["exp_avg"])
    assert read["optimizer"]["param_groups"] == stored["optimizer"]["param_groups"]
    assert same(state_inside(path, "network"), weights())
    assert same(state_inside(path, "ema"), {key: value + 1 for key, value in weights().items()})


@FORMATS
def test_views_parameters_and_long_words_come_back(path, options):
    table = torch.arange(24.0).view(2, 3, 4)
    stored = {"whole": table, "part": table[1:, ::2].transpose(1, 2), "none": torch.zeros(0, 3), "one": torch.ones(())}
    torch.save({"ema": {**stored, "parameter": torch.nn.Parameter(table[0])}, "note": ["é" * 300] * 2}, path, **options)
    state = state_inside(path, "ema")
    assert torch.equal(state.pop("parameter"), table[0]) and same(state, stored)
    assert read_checkpoint(path)["note"] == ["é" * 300] * 2


@pytest.mark.skipif(sys.platform == "win32", reason="a mapped file cannot be changed there")
@ZIPS
def test_a_zip_file_is_mapped_and_not_read(path, options):
    torch.save({"ema": weights(), "optimizer": torch.zeros(20_000)}, path, **options)
    read = read_checkpoint(path)
    with path.open("r+b") as file:
        file.seek(file.read().index(bytes(40_000)) + 20_000)
        file.write(b"\1" * 8)
    assert read["optimizer"].count_nonzero() == 2  # a copy would not show it


@ZIPS
def test_writing_to_what_was_read_leaves_the_file_alone(path, options):
    torch.save({"ema": weights()}, path, **options)
    for value in state_inside(path, "ema").values():
        value.zero_()
    state = state_inside(path, "ema")
    gc.collect()
    path.unlink()
    assert same(state, weights())


class Omegaconf:
    """The package omegaconf in outline, as modules that can be there and not be there."""

    NAMES: ClassVar = {
        "omegaconf": (),
        "omegaconf.dictconfig": ("DictConfig",),
        "omegaconf.listconfig": ("ListConfig",),
        "omegaconf.base": ("ContainerMetadata", "Metadata"),
        "omegaconf.nodes": ("AnyNode",),
    }

    def __init__(self) -> None:
        self.made: list[str] = []
        self.modules = {name: ModuleType(name) for name in self.NAMES}
        for name, classes in self.NAMES.items():
            for each in classes:
                setattr(self.modules[name], each, self.class_of(name, each))

    def class_of(self, module: str, name: str) -> type:
        """A class that notes whenever one is made, or given what it held."""

        def make(cls: type, *_: object) -> object:
            self.made.append(name)
            return object.__new__(cls)

        def refill(one: object, state: dict[str, Any]) -> None:
            self.made.append(name)
            one.__dict__.update(state)

        methods = {"__new__": make, "__getstate__": lambda one: dict(one.__dict__), "__setstate__": refill}
        return type(name, (), {"__module__": module, **methods})

    def new(self, module: str, name: str, **fields: Any) -> Any:
        """An object of a class, with these fields."""
        one = getattr(self.modules[f"omegaconf.{module}"], name)()
        one.__dict__.update(fields)
        return one

    def config(self, flags: dict[str, Any]) -> Any:
        """A configuration of two values and a list, with what omegaconf notes about each."""
        about = {"ref_type": typing.Any, "object_type": dict, "optional": True, "key": None, "flags": flags}
        about |= {"key_type": typing.Any, "element_type": typing.Any}
        leaf = self.new("base", "Metadata", ref_type=typing.Any, object_type=int, optional=True, key="lr")
        values = {"lr": self.new("nodes", "AnyNode", _metadata=leaf, _parent=None, _val=1e-4)}
        values["sizes"] = self.new("listconfig", "ListConfig", _content=[values["lr"]], _metadata=leaf)
        metadata = self.new("base", "ContainerMetadata", **about)
        return self.new("dictconfig", "DictConfig", _content=values, _metadata=metadata, _parent=None)


@pytest.fixture(params=["absent", "present"])
def omegaconf(request, monkeypatch) -> Callable[[Path, dict[str, Any], int], Omegaconf]:
    """Give save(path, flags, protocol): weights beside a configuration, whose package is there later or is not."""

    def save(path: Path, flags: dict[str, Any], protocol: int) -> Omegaconf:
        package = Omegaconf()
        for name, module in package.modules.items():
            monkeypatch.setitem(sys.modules, name, module)
        torch.save({"args": package.config(flags), "ema": weights()}, path, pickle_protocol=protocol)
        if request.param == "absent":
            for name in package.modules:
                monkeypatch.delitem(sys.modules, name)
        package.made.clear()
        return package

    return save


@pytest.mark.parametrize("flags", [{}, {"resolver": {"a": 1}}], ids=["no flags", "flags"])
@pytest.mark.parametrize("protocol", [2, 4])
def test_a_configuration_beside_the_weights_is_passed_over(omegaconf, path, flags, protocol):
    package = omegaconf(path, collections.defaultdict(dict, flags), protocol)
    assert same(state_inside(path, "ema"), weights())
    config = read_checkpoint(path)["args"]
    assert isinstance(config, Inert) and type(config).__name__ == "DictConfig" and not vars(config)
    assert package.made == []


@FORMATS
def test_numbers_of_numpy_and_options_beside_the_weights_are_passed_over(path, options):
    numbers = [np.float64(0.5), np.float32(0.5), np.int64(3), np.bool_(True)]
    args = argparse.Namespace(lr=0.1, names=["a"])
    torch.save({"epoch": 15, "ema": weights(), "best": {"at": numbers}, "args": args}, path, **options)
    assert same(state_inside(path, "ema"), weights())
    read = read_checkpoint(path)
    assert read["epoch"] == 15 and all(isinstance(value, Inert) for value in (*read["best"]["at"], read["args"]))


class Reduced:
    """Comes back, where it is unpickled without care, as what a function gives: (function, arguments, state)."""

    def __init__(self, *words: object) -> None:
        self.words = words

    def __reduce__(self) -> tuple[object, ...]:
        return self.words


class Trap:
    """A class that acts on the state that it is given."""

    def __setstate__(self, state: str) -> None:
        leave_mark(state)


def leave_mark(name: str) -> None:
    Path(name).touch()


EVIL = {
    "system": lambda marker: Reduced(os.system, (f"touch '{marker}'",)),
    "eval": lambda marker: Reduced(eval, (f"open({str(marker)!r}, 'w')",)),
    "leave_mark": lambda marker: Reduced(leave_mark, (str(marker),)),
    "Trap": lambda marker: Reduced(Trap, (), str(marker)),
    "getattr": lambda marker: Reduced(getattr, (torch.nn.Linear, "__init__")),
    "numpy.load": lambda marker: Reduced(np.load, (str(marker),)),
}


@FORMATS
@pytest.mark.parametrize("name", EVIL)
def test_a_call_is_refused_by_name_and_not_made(path, marker, name, options):
    torch.save({"ema": weights(), "deep": [{"x": (EVIL[name](marker),)}]}, path, **options)
    refusal(lambda: read_checkpoint(path), str(path), f"{name})", "more than weights")
    assert not marker.exists()


def test_the_evil_files_would_do_harm_elsewhere(marker):
    for name in ("system", "eval", "leave_mark", "Trap"):
        pickle.loads(pickle.dumps(EVIL[name](marker)))
        assert marker.exists(), name
        marker.unlink()


@ZIPS
def test_an_evil_file_is_refused_even_if_torch_is_told_to_trust(path, marker, monkeypatch, options):
    monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")
    torch.save({"ema": weights(), "x": EVIL["leave_mark"](marker)}, path, **options)
    refusal(lambda: read_checkpoint(path), "leave_mark")
    assert not marker.exists()


@FORMATS
def test_a_whole_network_in_place_of_its_weights_is_refused(path, options):
    torch.save({"ema": torch.nn.Linear(2, 2)}, path, **options)
    refusal(lambda: read_checkpoint(path), "Linear")


@FORMATS
def test_a_name_that_has_a_stand_in_gives_something_inert(path, options):
    scalar = np.float64(1).__reduce__()[0]
    calls = {"int": Reduced(int, ("5",)), "dict": Reduced(dict, ([("a", 1)],)), "scalar": Reduced(scalar, (b"x",))}
    torch.save({"ema": weights(), **calls}, path, **options)
    read = read_checkpoint(path)
    assert all(isinstance(read[name], Inert) and type(read[name]).__name__ == name for name in calls)
    assert same(read["ema"], weights())


@ZIPS
def test_nothing_is_allowed_for_longer_than_the_reading(path, marker, options):
    before = set(torch.serialization.get_safe_globals())
    torch.save({"ema": weights(), "args": argparse.Namespace(lr=0.1)}, path, **options)
    read_checkpoint(path)
    torch.save(EVIL["leave_mark"](marker), path, **options)
    refusal(lambda: read_checkpoint(path), "leave_mark")
    assert set(torch.serialization.get_safe_globals()) == before


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


def test_a_place_that_is_not_there(path):
    torch.save({"network": weights()}, path)
    refusal(lambda: state_inside(path, "ema"), str(path), "no 'ema' inside")
    torch.save([weights()], path)
    refusal(lambda: state_inside(path, "ema"), "no 'ema' inside")
    torch.save(torch.zeros(3), path)
    refusal(lambda: state_inside(path, "ema"), "no 'ema' inside")


@pytest.mark.parametrize("inside", [torch.zeros(3), [torch.zeros(3)], {}, None, "weights", np.float64(1)])
def test_a_place_that_holds_no_state(path, inside):
    torch.save({"ema": inside}, path)
    refusal(lambda: state_inside(path, "ema"), str(path), "no state dict inside")


@pytest.mark.parametrize("value", [1.0, None, "x", [torch.zeros(1)], {"w": torch.zeros(1)}, np.float64(1)])
def test_a_value_that_is_no_tensor_is_named(path, value):
    torch.save({"ema": {**weights(), "a.extra": value}}, path)
    refusal(lambda: state_inside(path, "ema"), str(path), "'a.extra' is not a tensor")


def test_a_key_that_is_no_name(path):
    torch.save({"ema": {3: torch.zeros(1)}}, path)
    refusal(lambda: state_inside(path, "ema"), str(path), "3 is not a tensor")


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
@FORMATS
def test_values_that_are_not_finite_are_named(path, number, options):
    bad = torch.zeros(4, 5, dtype=torch.float16)
    bad[3, 2] = number
    torch.save({"network": {"fine": torch.zeros(2), "bad.weight": bad}, "ema": weights()}, path, **options)
    refusal(lambda: state_inside(path, "network"), str(path), "bad.weight", "not finite")
    assert same(state_inside(path, "ema"), weights())


def strange_tensors() -> dict[str, torch.Tensor]:
    """Tensors that no network's weights are: of other layouts, without numbers, or far larger than their file."""
    return {
        "sparse": torch.eye(3).to_sparse(),
        "meta": torch.zeros(3, device="meta"),
        "eight bits": torch.zeros(3).to(torch.float8_e4m3fn),
        "terabytes": torch.zeros(1).expand(10**6, 10**6),
        "complex": torch.full((2,), complex("nan")),
    }


@pytest.mark.parametrize("name", strange_tensors())
@ZIPS
def test_tensors_that_are_no_weights_are_refused(path, name, options):
    torch.save({"ema": {"w": strange_tensors()[name]}}, path, **options)
    refusal(lambda: state_inside(path, "ema"), str(path), "w")


def test_the_file_itself_may_be_the_state(path):
    torch.save(weights(), path)
    assert same(state_inside(path, "state_dict", or_top=True), weights())
    refusal(lambda: state_inside(path, "state_dict"), "no 'state_dict' inside")
    torch.save({"epoch": torch.tensor(3), "state_dict": weights()}, path)
    assert same(state_inside(path, "state_dict", or_top=True), weights())
    torch.save({"epoch": 3, "model": weights()}, path)
    refusal(lambda: state_inside(path, "state_dict", or_top=True), "'epoch' is not a tensor")
    torch.save([weights()], path)
    refusal(lambda: state_inside(path, "state_dict", or_top=True), "no state dict inside")
