"""Checkpoints that nobody vouches for: no code of the file ever runs."""

from __future__ import annotations

import argparse
import os
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from checkpoint_files import FORMATS, ZIPS, Reduced, same, weights
from refusals import refusal

from megami.published.checkpoints import Inert, read_checkpoint


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "checkpoint.pt"


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
