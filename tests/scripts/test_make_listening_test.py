"""The script that makes the listening test: it never writes over a file that it did not write."""

from __future__ import annotations

from pathlib import Path


def test_what_is_in_the_way_stays_and_is_named(run_script, tmp_path: Path) -> None:
    own = tmp_path / "listening-test.html"
    own.write_text("my own page")
    run = run_script("make_listening_test", "--out", tmp_path)
    assert run.returncode == 2 and run.stdout == ""
    assert len(run.stderr.splitlines()) == 1 and str(own) in run.stderr
    assert own.read_text() == "my own page" and list(tmp_path.iterdir()) == [own]
