"""Files like the published ones at full size, with random weights; written once (650 MB, half a minute)."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY / "scripts"))


@pytest.fixture(scope="session")
def published_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with every published file, FxEncoder++ among them."""
    for package in ("laion_clap", "fxencoder_plusplus"):
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"{package} is not installed")
    from write_random_paper_weights import write_random_weights

    return write_random_weights(tmp_path_factory.mktemp("published"), fx_encoder=True)
