"""Files of a training run: checkpoints that are whole or not there, and a log that agrees with them."""

from __future__ import annotations

import json
import os
from pathlib import Path

import torch

from megami.errors import UserError


def save_checkpoint(path: Path, state: dict) -> None:
    """Write a checkpoint so that a reader sees the old one or the new one, never half of it."""
    partial = path.with_suffix(".part")
    torch.save(state, partial)
    os.replace(partial, path)


def load_checkpoint(path: Path) -> dict:
    """Read a checkpoint of `save_checkpoint`; raises UserError if it cannot be read."""
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UserError(f"{path} is not a readable checkpoint ({reason}): delete it to start again") from None


def append_row(path: Path, row: dict[str, float]) -> None:
    """Add a row to a log."""
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps({k: round(v, 6) if isinstance(v, float) else v for k, v in row.items()}) + "\n")


def cut_log(path: Path, step: int) -> None:
    """Remove from a log what lies after a step, which is about to be done again, and what was written half."""
    if not path.is_file():
        return
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)
    kept = [line for line in lines if _row_step(line) <= step]
    if len(kept) < len(lines):
        partial = path.with_suffix(".part")
        partial.write_text("".join(kept), encoding="utf-8")
        os.replace(partial, path)


def _row_step(line: str) -> float:
    """The step that a line of a log is about; infinite for half a line."""
    try:
        return json.loads(line)["step"] if line.endswith("\n") else float("inf")
    except (ValueError, TypeError, KeyError):
        return float("inf")
