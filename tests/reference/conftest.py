"""Access to the golden numbers: inputs, random weights and outputs of the published implementation.

The folder is `MEGAMI_REFERENCE`, else `../shared/reference` beside the repository; what is not there is taken from
`tests/reference/data`, and what is in neither is skipped with a message.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]


def reference_folders() -> list[Path]:
    """Where golden files are looked for; a folder named by the user is the only one."""
    named = os.environ.get("MEGAMI_REFERENCE")
    if named:
        return [Path(named)]
    return [REPOSITORY.parent / "shared" / "reference", HERE / "data"]


def read_golden(name: str) -> tuple[dict, dict[str, torch.Tensor]]:
    """Read NAME.json and NAME.safetensors; half-precision tensors come back as float32."""
    for folder in reference_folders():
        tensors_file, words_file = folder / f"{name}.safetensors", folder / f"{name}.json"
        if tensors_file.is_file() and words_file.is_file():
            tensors = load_file(tensors_file)
            upcast = {k: v.float() if v.dtype == torch.float16 else v for k, v in tensors.items()}
            return json.loads(words_file.read_text(encoding="utf-8")), upcast
    pytest.skip(f"golden file {name} is not in {', '.join(map(str, reference_folders()))}")


def read_words(name: str) -> dict:
    """Read NAME.json alone."""
    for folder in reference_folders():
        if (folder / f"{name}.json").is_file():
            return json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    pytest.skip(f"golden file {name}.json is not in {', '.join(map(str, reference_folders()))}")


@pytest.fixture(scope="session")
def golden():
    """Return the reader of golden files: golden("tcn") -> (words, tensors)."""
    return read_golden


@pytest.fixture(scope="session")
def golden_words():
    """Return the reader of a golden file's words alone: golden_words("checkpoints") -> words."""
    return read_words
