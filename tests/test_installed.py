"""The installed package is found from anywhere."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def test_a_script_beside_the_clone_imports_the_package_and_not_the_folder(tmp_path: Path):
    (tmp_path / "megami").mkdir()
    script = tmp_path / "mine.py"
    script.write_text("import megami; print(megami.read_multitrack.__name__)", encoding="utf-8")
    answer = subprocess.run([sys.executable, script.name], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert answer.stdout.strip() == "read_multitrack", answer.stderr
