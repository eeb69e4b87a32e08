"""Processes that a DataLoader starts: how many, and how they begin."""

from __future__ import annotations

import multiprocessing
import os
from multiprocessing import connection
from threading import Thread
from typing import Any

import torch

PRELOADED = ["megami.corpus.recordings.drawn_items", "megami.corpus.recordings.shard_loader"]
"""Imported once, by the process that all others are forked from, and not by every one of them."""


def core_count() -> int:
    """How many cores there are."""
    return os.cpu_count() or 1


def loader_options(workers: int, ahead: int) -> dict[str, Any]:
    """How a DataLoader is to start so many processes, each with so much ready; nothing to say for none.

    They are not forked from this process: a fork after torch has started threads, or CUDA, can hang.
    """
    if not workers:
        return {}
    context = multiprocessing.get_context("forkserver" if os.name == "posix" else "spawn")
    if os.name == "posix":
        context.set_forkserver_preload(PRELOADED)
    return {
        "multiprocessing_context": context,
        "prefetch_factor": ahead,
        "worker_init_fn": begin_worker,
    }


def begin_worker(number: int) -> None:
    """Begin a process of a DataLoader: the processes share the cores, so each computes with one thread."""
    torch.set_num_threads(1)
    parent = multiprocessing.parent_process()
    if parent is not None:
        end_with(parent.sentinel)


def end_with(sentinel: int) -> None:
    """End this process when another one ends, whose sentinel this is.

    torch looks whether the parent is there; but the parent of these processes is the one that they are forked from,
    which stays as long as they do: after a kill of the training they would wait for work for ever.
    """

    def wait_for_end() -> None:
        connection.wait([sentinel])
        os._exit(1)

    Thread(target=wait_for_end, daemon=True).start()
