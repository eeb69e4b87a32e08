"""What `megami train` makes of its options."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch

import megami.device
import megami.training
from megami.cli.train import train
from megami.errors import UserError
from megami.training import SmallRecipe


@pytest.fixture
def asked(monkeypatch):
    """The workplaces and recipes of trainings that were asked for, which do not take place."""
    found = []

    def note(place, recipe, stages):
        found.append((place, recipe))
        return Path("weights")

    monkeypatch.setattr(megami.training, "train_small", note)
    return found


def test_the_device_is_the_one_that_was_named(asked, monkeypatch, tmp_path):
    monkeypatch.setattr(megami.device, "resolve_device", torch.device)
    for device in ("cuda:1", "cuda", "cpu"):
        train("small", out=tmp_path / "run", device=device)
    assert [place.device for place, _ in asked] == ["cuda:1", "cuda", "cpu"]


def test_validation_is_off_unless_it_is_asked_for(asked, tmp_path):
    options = ({}, {"validate": True}, {"validate_every": 7})
    for option in options:
        train("small", out=tmp_path / "run", device="cpu", **option)
    plain, often, every = (recipe for _, recipe in asked)
    assert plain == SmallRecipe().with_seed(0) and not plain.validates
    assert {name: loop.steps // loop.validate_every for name, loop in often.loops.items()} == dict.fromkeys(
        plain.loops, 20
    )
    assert {loop.validate_every for loop in every.loops.values()} == {7}
    with pytest.raises(UserError, match="--validate-every"):
        train("small", out=tmp_path / "run", device="cpu", validate_every=-1)


def test_more_devices_than_there_are_is_one_line_and_nothing_is_written(tmp_path):
    many = (os.cpu_count() or 1) + 1
    with pytest.raises(UserError, match=f"^{many} devices are more than the"):
        train("small", out=tmp_path / "run", device="cpu", devices=many)
    assert not (tmp_path / "run" / "cache").exists()
