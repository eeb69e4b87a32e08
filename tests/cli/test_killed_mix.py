"""`megami mix` as its own process, ended by SIGKILL anywhere: the old mixes or the new ones, and whole."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from killing import contents

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="processes cannot be killed so there")

MINE = {"notes.txt": b"mine", "mix_1_tracks/notes.txt": b"mine too"}
PATIENCE_S = 120


class Runs:
    """Starts `megami mix` on one folder of stems, with few steps and small random weights."""

    def __init__(self, stems: Path, weights: Path) -> None:
        self.stems, self.weights = stems, weights

    def start(self, out: Path, seed: int, mixes: int = 2) -> subprocess.Popen[bytes]:
        quick = ["--weights", self.weights, "--steps", 1, "--device", "cpu", "--stems"]
        words = [sys.executable, "-m", "megami.cli", "mix", self.stems, "--out", out, "--seed", seed]
        arguments = [str(word) for word in [*words, "--num-mixes", mixes, *quick]]
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "MEGAMI_TEMP": str(out.parent.parent)}
        return subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment)

    def finish(self, out: Path, seed: int, mixes: int = 2) -> None:
        process = self.start(out, seed, mixes)
        _, errors = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 0, errors

    def kill(self, out: Path, seed: int, delay_s: float) -> bool:
        """Kill a run so long after it began to write; false if it had ended before."""
        before = set(out.parent.rglob(".*"))
        process = self.start(out, seed)
        begun = time.monotonic()
        while set(out.parent.rglob(".*")) == before and process.poll() is None:
            assert time.monotonic() - begun < PATIENCE_S
            time.sleep(0.001)
        time.sleep(delay_s)
        process.kill()
        process.communicate(timeout=PATIENCE_S)
        return process.returncode == -signal.SIGKILL

    def writing_s(self, out: Path, seed: int) -> float:
        """How long a run takes from its first hidden file on."""
        before = set(out.parent.rglob(".*"))
        process = self.start(out, seed)
        while set(out.parent.rglob(".*")) == before and process.poll() is None:
            time.sleep(0.001)
        begun = time.monotonic()
        process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 0
        return time.monotonic() - begun


def seen(out: Path) -> dict[str, bytes]:
    """The files of a folder but for hidden ones."""
    found = contents(out) if out.exists() else {}
    return {name: held for name, held in found.items() if held is not None and not name.startswith(".")}


@pytest.mark.parametrize("kills", [2, pytest.param(60, marks=pytest.mark.slow)])
def test_a_mix_that_is_killed_anywhere(stems, tiny_weights, tmp_path, kills):
    """The stems and the user's files stay; the next run clears what the dead one left."""
    runs, kept, root = Runs(stems, tiny_weights), tmp_path / "kept", tmp_path / "root"
    out, untouched, draw = root / "mixes", contents(stems), random.Random(0)
    runs.finish(kept / "mixes", seed=1)
    for name, held in MINE.items():
        (kept / "mixes" / name).write_bytes(held)
    old = seen(kept / "mixes")

    shutil.copytree(kept, root)
    longest_s = runs.writing_s(out, seed=2)
    new = seen(out)
    assert new.keys() == old.keys() and new["mix_1.wav"] != old["mix_1.wav"]
    shutil.rmtree(root)
    runs.finish(kept / "next", seed=3, mixes=1)
    following = seen(kept / "next") | MINE
    shutil.rmtree(kept / "next")

    killed = 0
    for _ in range(4 * kills):  # some come to their end before they are killed
        shutil.copytree(kept, root)
        killed += runs.kill(out, seed=2, delay_s=draw.uniform(0, longest_s))
        assert seen(out) in (old, new)
        runs.finish(out, seed=3, mixes=1)
        after = seen(out)
        assert after.keys() == following.keys()
        assert all(after[name] == following[name] for name in after if name != "mixes.json")
        assert list(root.iterdir()) == [out] and not list(out.rglob(".*"))
        assert contents(stems) == untouched
        shutil.rmtree(root)
        if killed == kills:
            return
    raise AssertionError(f"only {killed} runs were killed")
