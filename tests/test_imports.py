"""What is imported when: help needs no networks, and mixing needs nothing that only training, studio or plots use."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
# Each costs at least a fifth of a second of CPU time, and none is needed to mix with the small preset.
NOT_TO_MIX = (
    "scipy.signal",
    "scipy.stats",
    "librosa",
    "matplotlib",
    "lightning_fabric",
    "requests",
    "laion_clap",
    "torchvision",
    "fxencoder_plusplus",
    "tinysoundfont",
    "IPython",
    "torch._dynamo",
    "megami.studio.band",
    "megami.published.loading",
    "megami.training",
    "megami.corpus",
    "megami.evaluation",
    "megami.notebook",
)


def loaded_after(code: str, *arguments: object) -> set[str]:
    """The modules that a new interpreter has loaded when the code has run (which may leave by SystemExit)."""
    lines = ["import sys", "try:", *(f"    {line}" for line in code.splitlines()), "except SystemExit: pass"]
    lines.append("print('modules', *sys.modules)")
    command = [sys.executable, "-c", "\n".join(lines), *map(str, arguments)]
    ran = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert ran.returncode == 0, ran.stderr
    return set(ran.stdout.rsplit("modules ", 1)[1].split())


def test_the_package_alone_loads_no_network():
    loaded = loaded_after("import megami; megami.__version__; dir(megami); megami.UserError")
    assert "megami" in loaded
    assert not loaded & {"torch", "numpy", "scipy"}


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["mix", "--help"],
        ["export", "--help"],
        ["train", "--help"],
        ["data", "--help"],
        ["weights", "--help"],
    ],
)
def test_help_loads_neither_torch_nor_numpy(arguments):
    loaded = loaded_after("from megami.cli.main import main; main(sys.argv[1:])", *arguments)
    assert "megami.cli.mix" in loaded
    assert not loaded & {"torch", "numpy", "scipy"}


def test_presets_name_instruments_without_a_studio_to_play_them():
    loaded = loaded_after("from megami.presets import preset; preset('small')")
    assert "megami.presets.presets" in loaded
    assert not loaded & {"scipy.signal", "megami.studio.band", "megami.studio.engineers"}


def test_mixing_loads_nothing_that_only_others_need(tmp_path):
    """From reading the tracks to the written mix; loudness, limiter and true peak are part of it."""
    code = "from megami.cli.main import main; main(sys.argv[1:])"
    song = ROOT / "data_samples" / "paper_boats"
    loaded = loaded_after(code, "mix", song, "--out", tmp_path / "mixes", "--num-mixes", 1, "--steps", 1)
    assert (tmp_path / "mixes" / "mix_1.wav").is_file()
    assert "torch" in loaded
    assert not loaded & set(NOT_TO_MIX)


@pytest.mark.parametrize("package", ["megami", "megami.studio"])
def test_what_is_imported_when_used_is_there(package):
    """Also for `import *`, and nothing else under another name."""
    module = importlib.import_module(package)
    assert set(module.__all__) <= {*dir(module), "__version__"}
    for name in module.__all__:
        assert getattr(module, name) is not None
    with pytest.raises(AttributeError):
        module.Orchestra  # noqa: B018
