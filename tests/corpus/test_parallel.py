"""Caches that many processes build: what is there is not built again, and who ends it need not wait for the rest."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from megami.corpus.parallel import build_files

JOB = """
import signal, sys, time
from pathlib import Path
from megami.corpus.parallel import build_files

class Slow:
    def __call__(self, path):
        time.sleep(0.5)
        path.write_text("x")

if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(143))  # as the command line does
    signal.signal(signal.SIGINT, signal.default_int_handler)  # which what runs in the background is started without
    build_files(Slow(), [Path(sys.argv[1]) / str(number) for number in range(400)], 2)
"""


class Note:
    """Writes how often it was asked."""

    def __call__(self, path: Path) -> None:
        path.write_text("new")


def test_what_is_there_is_not_built_again(tmp_path):
    (tmp_path / "a").write_text("old")
    build_files(Note(), [tmp_path / name for name in "abc"], 1)
    assert [(tmp_path / name).read_text() for name in "abc"] == ["old", "new", "new"]


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
def test_who_ends_it_waits_only_for_what_is_under_way(tmp_path, sent):
    job, made = tmp_path / "job.py", tmp_path / "made"
    job.write_text(JOB)
    made.mkdir()
    running = subprocess.Popen([sys.executable, job, made], stderr=subprocess.DEVNULL, env=os.environ)
    try:
        while len(list(made.iterdir())) < 4:  # the workers are there
            assert running.poll() is None
            time.sleep(0.1)
        running.send_signal(sent)
        assert running.wait(60) != 0
    finally:
        running.kill()
    assert len(list(made.iterdir())) < 100  # all would have taken a hundred seconds
