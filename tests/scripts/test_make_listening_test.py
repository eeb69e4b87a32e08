"""The script that makes the listening test: it never writes over a file that it did not write."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "make_listening_test.py"


def test_what_is_in_the_way_stays_and_is_named(tmp_path: Path) -> None:
    own = tmp_path / "listening-test.html"
    own.write_text("my own page")
    run = subprocess.run([sys.executable, SCRIPT, "--out", tmp_path], capture_output=True, text=True, check=False)
    assert run.returncode == 2 and run.stdout == ""
    assert len(run.stderr.splitlines()) == 1 and str(own) in run.stderr
    assert own.read_text() == "my own page" and list(tmp_path.iterdir()) == [own]
