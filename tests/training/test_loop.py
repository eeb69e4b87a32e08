"""The loop: learns, resumes to the same weights, keeps its files whole."""

import itertools

import numpy as np
import pytest
import torch
from torch import nn

from megami.errors import UserError
from megami.training.loop import LoopConfig, fit, learning_rate_at, load_checkpoint, update_average


class Line(nn.Module):
    """Fits y = 3 x - 1; noise from the generator makes the step depend on random state."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.line = nn.Linear(1, 1)

    def forward(self, batch, generator):
        noise = 0.01 * torch.randn(batch["x"].shape, generator=generator, device=batch["x"].device)
        return {"loss": (self.line(batch["x"] + noise) - batch["y"]).square().mean()}


def draw(rng):
    x = torch.from_numpy(rng.standard_normal((32, 1), dtype=np.float32))
    return {"x": x, "y": 3 * x - 1}


CONFIG = LoopConfig(steps=300, learning_rate=0.1, weight_decay=0.0, ema_rate=0.9, save_every=50)


def test_learns_the_line(tmp_path):
    weights = fit(Line(), draw, CONFIG, tmp_path)
    assert weights["line.weight"].item() == pytest.approx(3, abs=0.02)
    assert weights["line.bias"].item() == pytest.approx(-1, abs=0.02)
    assert len((tmp_path / "log.jsonl").read_text().splitlines()) == 300 // CONFIG.log_every


def test_resumed_run_equals_uninterrupted_run(tmp_path):
    whole = fit(Line(), draw, CONFIG, tmp_path / "whole")
    fit(Line(), draw, CONFIG, tmp_path / "cut", stop_after=123)
    resumed = fit(Line(), draw, CONFIG, tmp_path / "cut")
    assert all(torch.equal(whole[k], resumed[k]) for k in whole)


def test_interrupt_saves_what_was_learnt(tmp_path):
    def impatient(step, values):
        if step == 100:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(Line(), draw, CONFIG, tmp_path, callback=impatient)
    assert load_checkpoint(tmp_path / "checkpoint.pt")["step"] == 100


def test_truncated_checkpoint_is_a_clear_error(tmp_path):
    fit(Line(), draw, CONFIG, tmp_path, stop_after=10)
    path = tmp_path / "checkpoint.pt"
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(UserError, match="not a readable checkpoint"):
        fit(Line(), draw, CONFIG, tmp_path)


def test_checkpoint_of_another_network_is_refused(tmp_path):
    class Other(Line):
        def __init__(self):
            super().__init__()
            self.line = nn.Linear(1, 2)

    fit(Line(), draw, CONFIG, tmp_path, stop_after=5)
    with pytest.raises(UserError, match="another configuration"):
        fit(Other(), draw, CONFIG, tmp_path)


def test_learning_rate_warms_up_and_decays():
    config = LoopConfig(steps=1000, learning_rate=1.0, warmup_steps=10, final_fraction=0.1)
    rates = [learning_rate_at(step, config) for step in range(1000)]
    assert rates[0] == pytest.approx(0.1) and max(rates) == pytest.approx(1.0)
    assert rates[-1] == pytest.approx(0.1, abs=0.01)
    assert all(a >= b for a, b in itertools.pairwise(rates[10:]))


def test_average_of_a_constant_is_the_constant():
    line = Line()
    average = {k: v.detach().clone() for k, v in line.state_dict().items()}
    for _ in range(5):
        update_average(average, line, 0.9)
    assert torch.allclose(average["line.weight"], line.line.weight)
