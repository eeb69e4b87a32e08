"""A run that is stopped anywhere and started again is the run that was not stopped: bit for bit, and so is its log."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.optim.optimizer import register_optimizer_step_post_hook

from megami.training.loop import LoopConfig, fit, load_checkpoint

CONFIG = LoopConfig(
    steps=60, learning_rate=0.02, ema_rate=0.9, save_every=7, log_every=5, validate_every=9, validate_batches=2
)


class Noisy(nn.Module):
    """Has all that a step may change: weights, running statistics, noise, and dropout that draws for itself."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layers = nn.Sequential(nn.Linear(4, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Dropout(0.3), nn.Linear(32, 1))

    def forward(self, batch, generator):
        noise = 0.1 * torch.randn(batch["x"].shape, generator=generator)
        return {"loss": (self.layers(batch["x"] + noise) - batch["y"]).square().mean()}


def draw(rng):
    x = torch.from_numpy(rng.standard_normal((16, 4), dtype=np.float32))
    return {"x": x, "y": x.square().sum(1, keepdim=True)}


def train(folder: Path) -> dict[str, torch.Tensor]:
    return fit(Noisy(), draw, CONFIG, folder, draw_validation=draw)


def train_apart(folder: Path, started) -> None:
    """In a process of its own, as the command line does it."""
    torch.set_num_threads(1)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # which shells turn off for what runs in the background
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(143))
    started.set()
    torch.save(train(folder), folder / "result.pt")


def rows(folder: Path) -> list[dict]:
    """The log but for the seconds, which only go up."""
    found = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    seconds = [row.pop("seconds") for row in found]
    assert seconds == sorted(seconds)
    return found


def run_apart(context, folder: Path, number: int = 0, delay: float = 0.0) -> tuple[int | None, float]:
    """Run it in a process, to which a signal is sent after a while; returns its exit code and how long it took."""
    started = context.Event()
    process = context.Process(target=train_apart, args=(folder, started))
    process.start()
    started.wait()
    began = time.perf_counter()
    if number:
        time.sleep(delay)
        if process.is_alive():
            os.kill(process.pid, number)
    process.join()
    return process.exitcode, time.perf_counter() - began


def stop_at_random(folder: Path, stops: int) -> None:
    """Start runs, stop so many of them by signals in turn before they have ended, resume them, and compare."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["torch", "megami.training.loop"])
    _, duration = run_apart(context, folder / "whole")
    whole = torch.load(folder / "whole" / "result.pt", weights_only=True)
    rng, stopped, trial = np.random.default_rng(0), 0, 0
    while stopped < stops:
        own, number = folder / str(trial), (signal.SIGKILL, signal.SIGINT, signal.SIGTERM)[stopped % 3]
        code, took = run_apart(context, own, number, rng.uniform(0, duration))
        if code == 0:  # it had ended before
            duration = min(duration, took)
        else:
            stopped += 1
            assert run_apart(context, own)[0] == 0
        result = torch.load(own / "result.pt", weights_only=True)
        assert all(torch.equal(whole[key], result[key]) for key in whole), (trial, number)
        assert rows(own) == rows(folder / "whole"), (trial, number)
        trial += 1


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no fork and other signals")
def test_stopped_at_random_and_resumed_it_is_the_same_run(tmp_path):
    stop_at_random(tmp_path, 3)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_between_the_optimisers_step_and_the_counter(tmp_path, number):
    whole = train(tmp_path / "whole")
    steps = []

    def interrupt(optimizer, args, kwargs):
        steps.append(len(steps) + 1)
        if len(steps) == 30:
            signal.raise_signal(number)

    hook = register_optimizer_step_post_hook(interrupt)
    former = signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(143))
    interrupts = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises((KeyboardInterrupt, SystemExit)):
            train(tmp_path / "cut")
    finally:
        hook.remove()
        signal.signal(signal.SIGTERM, former)
        signal.signal(signal.SIGINT, interrupts)
    assert load_checkpoint(tmp_path / "cut" / "checkpoint.pt")["step"] == 30  # the step was finished and saved
    resumed = train(tmp_path / "cut")
    assert all(torch.equal(whole[key], resumed[key]) for key in whole)
    assert rows(tmp_path / "cut") == rows(tmp_path / "whole")


def test_a_step_that_fails_is_not_saved(tmp_path):
    """The network has moved its running statistics already, so that this is no state to go on from."""
    calls = []

    def fail_once(rng):
        calls.append(1)
        batch = draw(rng)
        return {**batch, "y": batch["y"] * float("nan")} if len(calls) == 29 else batch

    with pytest.raises(FloatingPointError, match="step 28"):
        fit(Noisy(), fail_once, CONFIG, tmp_path / "cut", draw_validation=draw)
    assert load_checkpoint(tmp_path / "cut" / "checkpoint.pt")["step"] == 28  # of the last save, after 4 times 7 steps
    whole, resumed = train(tmp_path / "whole"), train(tmp_path / "cut")
    assert all(torch.equal(whole[key], resumed[key]) for key in whole)


def test_handlers_are_as_before_afterwards(tmp_path):
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    train(tmp_path)
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before
