"""TensorBoard's event files, beside the log of a training run, where a package that writes them is installed."""

from __future__ import annotations

import importlib
import importlib.util
from pathlib import Path
from typing import Any

EVENTS_FOLDER = "events"
WRITERS = {"tensorboardX": "tensorboardX", "tensorboard": "torch.utils.tensorboard"}
"""Packages that write event files, and the modules that have a SummaryWriter when they are installed."""
MISSING = (
    "no event files for TensorBoard: 'pip install tensorboardX' (or megami[training]) writes them; log.jsonl has all "
    "losses"
)


def events_package() -> str | None:
    """Name the package that would write event files; None if none is installed."""
    return next((package for package in WRITERS if importlib.util.find_spec(package) is not None), None)


class Events:
    """Curves of a training run for TensorBoard; without a writer, `write` does nothing."""

    def __init__(self, writer: Any = None) -> None:
        self._writer = writer

    def write(self, step: int, values: dict[str, float]) -> None:
        """Add a point at a step to the curve of every value, under train/NAME or validation/NAME."""
        if self._writer is None:
            return
        for name, value in values.items():
            own = name.removeprefix("validation_")
            self._writer.add_scalar(f"{'train' if own == name else 'validation'}/{own}", value, step)
        self._writer.flush()

    def close(self) -> None:
        """Close the file."""
        if self._writer is not None:
            self._writer.close()


def open_events(folder: Path, step: int, wanted: bool = True) -> Events:
    """Open an event file in FOLDER/events for a run that goes on after a step; what is there of later ones is dropped.

    TensorBoard drops it as it reads: a new file tells it from which step on older files no longer count.
    """
    package = events_package() if wanted else None
    if package is None:
        return Events()
    module: Any = importlib.import_module(WRITERS[package])
    return Events(module.SummaryWriter(str(folder / EVENTS_FOLDER), purge_step=step + 1 if step else None))
