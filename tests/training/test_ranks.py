"""Several devices: they share the recipe's batch, and what they learn is what one would."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from megami.errors import UserError
from megami.training import ranks
from megami.training.ranks import find_devices

SCRIPT = Path(__file__).with_name("two_ranks.py")
MARGIN = 1e-5
"""Between one rank and two, in units of weights of about 1: sums in another order, magnified by 30 steps of AdamW."""


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Folders of what one rank made, and two."""
    folders = []
    for devices in (1, 2):
        folder = tmp_path_factory.mktemp(f"ranks_{devices}")
        command = [sys.executable, SCRIPT, folder, str(devices)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr
        folders.append(folder)
    return folders


def result(folder: Path, name: str, rank: int = 0) -> dict[str, torch.Tensor]:
    return torch.load(folder / f"{name}_{rank}.pt", weights_only=True)


def apart(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> float:
    return max(float((one[key].double() - other[key].double()).abs().max()) for key in one)


@pytest.mark.parametrize("name", ["noisy", "contrast"])
def test_two_ranks_learn_what_one_does(runs, name):
    one, two = (result(folder, name) for folder in runs)
    assert apart(one, two) < MARGIN


def test_running_statistics_of_batchnorm_are_those_of_all_ranks(runs):
    """A CPU rank normalises by its own 32 items of 64, so that weights differ a little; the mean it keeps is of all."""
    one, two = (result(folder, "norm") for folder in runs)
    mean, spread = one["layers.1.running_mean"], one["layers.1.running_var"].sqrt()
    assert float(((two["layers.1.running_mean"] - mean) / spread).abs().max()) < 0.1


@pytest.mark.parametrize("name", ["noisy", "contrast", "norm"])
def test_all_ranks_have_one_result_and_rank_0_alone_logs(runs, name):
    assert apart(result(runs[1], name, 0), result(runs[1], name, 1)) == 0
    logs = [[json.loads(line) for line in (folder / name / "log.jsonl").read_text().splitlines()] for folder in runs]
    assert [row["step"] for row in logs[0]] == [row["step"] for row in logs[1]] == [10, 20, 30]
    if name != "norm":
        for one, two in zip(*logs, strict=True):
            assert two["loss"] == pytest.approx(one["loss"], abs=1e-5)
            assert two["validation_loss"] == pytest.approx(one["validation_loss"], abs=1e-5)


def test_devices_are_those_that_were_asked_for(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert find_devices("cuda", 1) == ("cuda", 1) and find_devices("cuda", 2) == ("cuda", 2)
    assert find_devices("cuda:1", 1) == ("cuda", [1])
    monkeypatch.setattr(ranks.os, "cpu_count", lambda: 2)
    assert find_devices("cpu", 2) == ("cpu", 2)


@pytest.mark.parametrize(
    ("device", "devices", "message"),
    [
        ("cuda", 3, "cannot train on 3 GPUs: this machine has 2 GPUs"),
        ("cuda:2", 1, "cannot train on cuda:2: this machine has 2 GPUs"),
        ("cuda:1", 2, "cuda:1 is one GPU: to train on 2, ask for cuda"),
        ("cpu", 3, "3 devices are more than the 2 CPU cores of this machine"),
    ],
)
def test_devices_that_are_not_there_are_one_clear_line(monkeypatch, device, devices, message):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(ranks.os, "cpu_count", lambda: 2)
    with pytest.raises(UserError) as refused:
        find_devices(device, devices)
    assert str(refused.value) == message
