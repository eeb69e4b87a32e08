"""Building caches on all cores: one item, one file; what is already there is not built again."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm


def write_arrays(path: Path, arrays: dict[str, np.ndarray], compressed: bool = False) -> None:
    """Write an .npz so that it is there whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".part")
    with partial.open("wb") as file:
        (np.savez_compressed if compressed else np.savez)(file, **arrays)
    os.replace(partial, path)


def build_files(
    build: Callable[[Path], None], paths: Sequence[Path], workers: int | None = None, title: str = "building"
) -> None:
    """Call `build(path)` for every path that does not exist, in `workers` processes (default: one per core).

    `build` is picklable, depends on the path and its own fields only, and writes the file atomically; so an
    interrupted build goes on where it stopped, and the result does not depend on the number of workers.
    """
    missing = [path for path in paths if not path.exists()]
    progress = tqdm(total=len(paths), initial=len(paths) - len(missing), desc=title, mininterval=1.0)
    workers = min(workers or os.cpu_count() or 1, max(1, len(missing)))
    if workers == 1:
        for path in missing:
            build(path)
            progress.update()
    else:
        context = multiprocessing.get_context("spawn")  # fork after torch has started threads can hang
        with ProcessPoolExecutor(workers, mp_context=context, initializer=_one_thread) as pool:
            pending = [pool.submit(build, path) for path in missing]
            try:
                for future in as_completed(pending):
                    future.result()
                    progress.update()
            except BaseException:
                for future in pending:  # leaving the pool would wait for all of them
                    future.cancel()
                raise
    progress.close()


def _one_thread() -> None:
    torch.set_num_threads(1)
