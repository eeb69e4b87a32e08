"""Running a script of the project as a user does, but in this process, where the package is loaded already."""

from __future__ import annotations

import runpy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"


@pytest.fixture
def run_script(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., object]:
    """Give run_script(name, *arguments): what scripts/NAME.py left, its exit code, stdout and stderr."""

    def run(name: str, *arguments: object) -> subprocess.CompletedProcess[str]:
        script = SCRIPTS / f"{name}.py"
        capsys.readouterr()
        with monkeypatch.context() as patch:
            patch.setattr(sys, "argv", [str(script), *map(str, arguments)])
            patch.syspath_prepend(str(SCRIPTS))  # scripts import their neighbours
            try:
                runpy.run_path(str(script), run_name="__main__")
                code = 0
            except SystemExit as left:
                code = left.code if isinstance(left.code, int) else 0 if left.code is None else 1
        captured = capsys.readouterr()
        return subprocess.CompletedProcess([str(script)], code, captured.out, captured.err)

    return run
