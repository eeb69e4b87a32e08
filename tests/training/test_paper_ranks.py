"""The published recipes under torchrun: two ranks that share a batch learn what one does."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import paper_ranks
import pytest
import torch

from megami.errors import UserError
from megami.presets import load_network
from megami.training import PaperPlace, PaperRecipe
from megami.training.paper import check_shares
from megami.training.ranks import count_ranks

MARGIN = 1e-5
"""Of losses near 1 between one rank and two: sums in another order, through eight steps of AdamW."""


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Folders of what one rank made, and two, which torchrun starts."""
    one, two = (tmp_path_factory.mktemp(f"paper_{ranks}") for ranks in (1, 2))
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    script = Path(paper_ranks.__file__)
    done = subprocess.run([*launch, script, two], capture_output=True, text=True, timeout=600, cwd=script.parent)
    assert done.returncode == 0, done.stderr
    threads = torch.get_num_threads()
    paper_ranks.main(one)
    torch.set_num_threads(threads)
    return one, two


@pytest.mark.parametrize("name", ["adaptor", "generator"])
def test_two_ranks_of_torchrun_have_the_losses_of_one(runs, name):
    logs = [[json.loads(line) for line in (run / name / "log.jsonl").read_text().splitlines()] for run in runs]
    assert [row["step"] for row in logs[0]] == [row["step"] for row in logs[1]] == [4, 8]
    for one, two in zip(*logs, strict=True):
        assert two["loss"] == pytest.approx(one["loss"], abs=MARGIN)
        assert two["validation_loss"] == pytest.approx(one["validation_loss"], abs=MARGIN)


@pytest.mark.parametrize("name", ["adaptor", "generator"])
def test_two_ranks_of_torchrun_have_the_weights_of_one(runs, name):
    one, two = (load_network(run / "weights", name).state_dict() for run in runs)
    assert max(float((one[key] - two[key]).abs().max()) for key in one) < 1e-3  # matrices are stored in half precision


def launched(monkeypatch, world: int, here: int) -> None:
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "test")
    monkeypatch.setenv("WORLD_SIZE", str(world))
    monkeypatch.setenv("LOCAL_WORLD_SIZE", str(here))


def test_torchrun_says_how_many_devices_and_nodes_there_are(monkeypatch):
    with pytest.raises(UserError, match="to train on 3 nodes, start torchrun on each of them"):
        count_ranks(2, 3)
    monkeypatch.setenv("MASTER_ADDR", "somewhere")
    monkeypatch.setenv("NODE_RANK", "1")
    assert count_ranks(2, 3) == (2, 3) and count_ranks(2) == (2, 1)
    launched(monkeypatch, 16, 8)
    assert count_ranks() == count_ranks(8, 2) == (8, 2)
    with pytest.raises(UserError, match="torchrun has started ranks for 8 devices, not 4: leave --devices out"):
        count_ranks(4)
    with pytest.raises(UserError, match="for 2 nodes, not 3: leave --nodes out"):
        count_ranks(8, 3)


def test_a_batch_that_ranks_and_parts_cannot_share_is_one_clear_line(monkeypatch, tmp_path):
    check_shares(PaperPlace(tmp_path, devices=2), PaperRecipe(size="tiny", accumulate=4))
    launched(monkeypatch, 16, 8)
    with pytest.raises(UserError, match="a batch of 8 does not divide by 16 devices and 1 parts"):
        check_shares(PaperPlace(tmp_path), PaperRecipe(size="tiny"))
    check_shares(PaperPlace(tmp_path), PaperRecipe(size="tiny", batch=32, accumulate=2))
