"""Checkpoints that nobody vouches for: weights come out as they were stored, and what is no weight is named."""

from __future__ import annotations

import argparse
import collections
import gc
import sys
import typing
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from checkpoint_files import FORMATS, ZIPS, same, training, weights
from refusals import refusal

from megami.published.checkpoints import Inert, read_checkpoint, state_inside


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "checkpoint.pt"


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
