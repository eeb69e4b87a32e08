"""Checkpoints that nobody vouches for: weights come out as they were stored, and no code of the file ever runs."""

from __future__ import annotations

import argparse
import collections
import gc
import io
import os
import pickle
import re
import sys
import typing
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from refusals import refusal

from megami.published.checkpoints import Inert, read_checkpoint, state_inside

FORMATS = pytest.mark.parametrize("options", [{}, {"_use_new_zipfile_serialization": False}], ids=["zip", "legacy"])


def weights() -> dict[str, torch.Tensor]:
    """A little state dict of several types, the same at every call."""
    generator = torch.Generator().manual_seed(0)
    half = torch.randn(3, generator=generator).half()
    return {"a.weight": torch.randn(3, 4, generator=generator), "a.bias": half, "a.count": torch.tensor(7)}


def training() -> dict[str, Any]:
    """What a training script stores: weights twice, a step, and an optimizer that has made one."""
    module = torch.nn.Linear(2, 1)
    optimizer = torch.optim.Adam(module.parameters())
    module(torch.ones(1, 2)).sum().backward()
    optimizer.step()
    ema = collections.OrderedDict((key, value + 1) for key, value in weights().items())
    notes = ("é", None, 0.5, [1])
    return {"it": 3, "network": weights(), "optimizer": optimizer.state_dict(), "ema": ema, "note": notes}


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
    assert same(read["network"], stored["network"]) and same(read["ema"], stored["ema"])
    assert (read["it"], read["note"]) == (stored["it"], stored["note"])
    moments = read["optimizer"]["state"][0]["exp_avg"]
    assert torch.equal(moments, stored["optimizer"]["state"][0]["exp_avg"])
    assert read["optimizer"]["param_groups"] == stored["optimizer"]["param_groups"]


@FORMATS
def test_each_place_gives_its_own_numbers(path, options):
    torch.save(training(), path, **options)
    assert same(state_inside(path, "network"), weights())
    assert same(state_inside(path, "ema"), {key: value + 1 for key, value in weights().items()})


def test_tensors_of_a_mapped_file_stay_right(path):
    torch.save(training(), path)
    state = state_inside(path, "network")
    gc.collect()
    path.unlink()
    assert same(state, weights())


def test_writing_to_what_was_read_leaves_the_file_alone(path):
    torch.save(training(), path)
    for value in state_inside(path, "network").values():
        value.zero_()
    assert same(state_inside(path, "network"), weights())


def test_parameters_count_as_tensors(path):
    torch.save({"ema": {"w": torch.nn.Parameter(torch.arange(3.0))}}, path)
    assert state_inside(path, "ema")["w"].tolist() == [0, 1, 2]


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
def omegaconf(request, monkeypatch) -> Iterator[Callable[[Path, dict[str, Any]], Omegaconf]]:
    """Give save(path, flags): weights beside a configuration; its package is there while saving, and later or not."""

    def save(path: Path, flags: dict[str, Any]) -> Omegaconf:
        package = Omegaconf()
        for name, module in package.modules.items():
            monkeypatch.setitem(sys.modules, name, module)
        torch.save({"args": package.config(flags), "ema": weights()}, path)
        if request.param == "absent":
            for name in package.modules:
                monkeypatch.delitem(sys.modules, name)
        package.made.clear()
        return package

    return save


def test_a_configuration_beside_the_weights_is_passed_over(omegaconf, path):
    package = omegaconf(path, collections.defaultdict(dict))
    assert same(state_inside(path, "ema"), weights())
    config = read_checkpoint(path)["args"]
    assert isinstance(config, Inert) and type(config).__name__ == "DictConfig" and not vars(config)
    assert package.made == []


def test_flags_that_are_set_are_passed_over_too(omegaconf, path):
    package = omegaconf(path, collections.defaultdict(dict, {"resolver": {"a": 1}}))
    assert same(state_inside(path, "ema"), weights())
    assert package.made == []


def test_a_configuration_of_the_real_omegaconf(path):
    package = pytest.importorskip("omegaconf")
    values = {"lr": 1e-4, "name": "é", "on": True, "sizes": [1, 2, {"a": None}], "net": {"depth": 3}, "twice": "${lr}"}
    torch.save({"args": package.OmegaConf.create(values), "ema": weights()}, path)
    assert same(state_inside(path, "ema"), weights())
    assert isinstance(read_checkpoint(path)["args"], Inert)


@pytest.mark.parametrize("number", [np.float64(0.5), np.float32(0.5), np.int64(3), np.bool_(True)], ids=repr)
def test_numpy_numbers_beside_the_weights_are_passed_over(path, number):
    torch.save({"ema": weights(), "loss": number, "best": {"at": [number]}}, path)
    assert same(state_inside(path, "ema"), weights())
    assert isinstance(read_checkpoint(path)["best"]["at"][0], Inert)


def test_options_of_the_command_line_are_passed_over(path):
    torch.save({"ema": weights(), "args": argparse.Namespace(lr=0.1, names=["a"])}, path)
    assert same(state_inside(path, "ema"), weights())


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


def test_an_evil_file_is_refused_even_if_torch_is_told_to_trust(path, marker, monkeypatch):
    monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")
    torch.save({"ema": weights(), "x": EVIL["leave_mark"](marker)}, path)
    refusal(lambda: read_checkpoint(path), "leave_mark")
    assert not marker.exists()


def test_a_whole_network_in_place_of_its_weights_is_refused(path):
    torch.save({"ema": torch.nn.Linear(2, 2)}, path)
    refusal(lambda: read_checkpoint(path), "Linear")


@FORMATS
def test_a_name_that_has_a_stand_in_gives_something_inert(path, options):
    scalar = np.float64(1).__reduce__()[0]
    calls = {"int": Reduced(int, ("5",)), "dict": Reduced(dict, ([("a", 1)],)), "scalar": Reduced(scalar, (b"x",))}
    torch.save({"ema": weights(), **calls}, path, **options)
    read = read_checkpoint(path)
    assert all(isinstance(read[name], Inert) and type(read[name]).__name__ == name for name in calls)
    assert same(read["ema"], weights())


def test_nothing_is_allowed_for_longer_than_the_reading(path, marker):
    before = set(torch.serialization.get_safe_globals())
    torch.save({"ema": weights(), "args": argparse.Namespace(lr=0.1)}, path)
    read_checkpoint(path)
    torch.save(EVIL["leave_mark"](marker), path)
    refusal(lambda: read_checkpoint(path), "leave_mark")
    assert set(torch.serialization.get_safe_globals()) == before


def stored(content: object, **options: Any) -> bytes:
    """What torch.save writes."""
    file = io.BytesIO()
    torch.save(content, file, **options)
    return file.getvalue()


def with_pickle(archive: bytes, change: Callable[[bytes], bytes]) -> bytes:
    """A checkpoint that is a whole zip file but has another pickle inside."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive)) as old, zipfile.ZipFile(made, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            new.writestr(name, change(content) if name.endswith("/data.pkl") else content)
    return made.getvalue()


def test_a_zip_file_that_breaks_off(path):
    whole = stored(training())
    for size in range(4, len(whole) - 1, len(whole) // 20):
        path.write_bytes(whole[:size])
        refusal(lambda: read_checkpoint(path), str(path))


def test_an_old_file_that_breaks_off(path):
    whole = stored(training(), _use_new_zipfile_serialization=False)
    for size in range(0, len(whole) - 1, 11):
        path.write_bytes(whole[:size])
        refusal(lambda: read_checkpoint(path), str(path))


def test_a_pickle_that_breaks_off_inside_a_whole_zip_file(path):
    whole = stored(weights())
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        sizes = range(1, archive.getinfo("archive/data.pkl").file_size, 6)
    for size in sizes:
        path.write_bytes(with_pickle(whole, lambda words, size=size: words[:size]))
        refusal(lambda: read_checkpoint(path), str(path))


def test_an_old_file_that_lists_other_tensors_than_it_uses(path):
    whole = stored(weights(), _use_new_zipfile_serialization=False)
    listed = list(re.finditer(rb"[0-9]{9,}", whole))[-1]  # tensors are numbered by where they were in memory
    path.write_bytes(whole[: listed.start()] + listed[0][::-1] + whole[listed.end() :])
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


@pytest.mark.parametrize("protocol", [3, 4, 5])
def test_another_pickle_protocol_is_read_or_refused(path, protocol):
    torch.save({"ema": weights()}, path, pickle_protocol=protocol)
    if protocol == 3:
        assert same(state_inside(path, "ema"), weights())
    else:
        refusal(lambda: read_checkpoint(path), str(path), "refused")


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
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_values_that_are_not_finite_are_named(path, number, dtype):
    bad = torch.zeros(4, 5, dtype=dtype)
    bad[3, 2] = number
    torch.save({"network": {"fine": torch.zeros(2), "bad.weight": bad}, "ema": weights()}, path)
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
def test_tensors_that_are_no_weights_are_refused(path, name):
    torch.save({"ema": {"w": strange_tensors()[name]}}, path)
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
