"""Validation: the weights of the best step are the result, and looking changes nothing."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from megami.training.checkpoints import load_checkpoint
from megami.training.loop import LoopConfig, fit
from megami.training.ranks import Ranks, start_ranks
from megami.training.validation import estimate_loss

CONFIG = LoopConfig(steps=60, learning_rate=0.05, weight_decay=0.0, ema_rate=0.5, save_every=30, log_every=30)
LOOKING = replace(CONFIG, validate_every=6, validate_batches=2)


class Wide(nn.Module):
    """Has more weights than there are training examples, so that it learns their noise by heart."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layers = nn.Sequential(nn.Linear(30, 30), nn.BatchNorm1d(30), nn.Dropout(0.1), nn.Linear(30, 1))

    def forward(self, batch, generator):
        return {"loss": (self.layers(batch["x"]) - batch["y"]).square().mean()}


def examples(rng, count):
    x = torch.from_numpy(rng.standard_normal((count, 30), dtype=np.float32))
    noise = torch.from_numpy(rng.standard_normal((count, 1), dtype=np.float32))
    return {"x": x, "y": x[:, :1] + noise}


def draw_train(rng):
    """The same few examples whenever it is asked."""
    return examples(np.random.default_rng(7), 20)


def draw_validation(rng):
    return examples(rng, 64)


def rows(folder):
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


def test_an_over_fitting_run_gives_its_best_weights(tmp_path):
    told = {}
    result = fit(
        Wide(), draw_train, LOOKING, tmp_path, callback=lambda step, v: told.update({step: v["validation_loss"]}),
        draw_validation=draw_validation,
    )  # fmt: skip
    looks = {row["step"]: row["validation_loss"] for row in rows(tmp_path)}
    best = min(looks, key=looks.__getitem__)
    assert sorted(looks) == list(range(6, 61, 6)) == sorted(told) and told == pytest.approx(looks, abs=1e-6)
    assert best < 60 and looks[60] > 1.2 * looks[best]  # it does over-fit
    there = fit(Wide(), draw_train, CONFIG, tmp_path / "there", stop_after=best)
    assert all(torch.equal(result[key], there[key]) for key in there)
    kept = load_checkpoint(tmp_path / "best.pt")
    assert kept["step"] == best and kept["loss"] == pytest.approx(looks[best], abs=1e-6)


def test_looking_does_not_change_what_is_learnt(tmp_path):
    plain = fit(Wide(), draw_train, CONFIG, tmp_path / "plain")
    off = fit(Wide(), draw_train, CONFIG, tmp_path / "off", draw_validation=draw_validation)
    fit(Wide(), draw_train, LOOKING, tmp_path / "on", draw_validation=draw_validation)
    on = load_checkpoint(tmp_path / "on" / "checkpoint.pt")["average"]
    assert all(torch.equal(plain[key], off[key]) and torch.equal(plain[key], on[key]) for key in plain)
    assert not (tmp_path / "off" / "best.pt").exists()
    assert not any("validation_loss" in row for row in rows(tmp_path / "off"))


def test_the_estimate_is_of_the_average_in_eval_mode_and_always_of_the_same_batches():
    task, state = Wide(), Wide().state_dict()
    with torch.no_grad():
        for parameter in task.parameters():
            parameter.add_(1.0)  # the task has other weights than the average
    before = {key: value.clone() for key, value in task.state_dict().items()}
    first, second = (estimate_loss(task, state, draw_validation, 3, Ranks(start_ranks())) for _ in range(2))
    reference = Wide().eval()
    seeds = [np.random.default_rng([0, index, 1]) for index in range(3)]
    for rng in seeds:
        rng.integers(2**62)
    with torch.no_grad():
        expected = np.mean([float(reference(draw_validation(rng), None)["loss"]) for rng in seeds])
    assert first == second == pytest.approx(expected, rel=1e-6)
    assert all(torch.equal(before[key], value) for key, value in task.state_dict().items())


def test_what_a_former_run_left_is_not_the_best_of_a_new_one(tmp_path):
    fit(Wide(), draw_train, LOOKING, tmp_path, draw_validation=draw_validation)
    (tmp_path / "checkpoint.pt").unlink()
    torch.save({"step": 50, "loss": -1.0, "average": {}}, tmp_path / "best.pt")
    fit(Wide(), draw_train, LOOKING, tmp_path, stop_after=30, draw_validation=draw_validation)
    assert load_checkpoint(tmp_path / "best.pt")["loss"] > 0
    assert [row["step"] for row in rows(tmp_path)] == list(range(6, 31, 6))
