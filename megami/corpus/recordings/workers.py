"""Processes that a DataLoader starts: how many, and how they begin."""

from __future__ import annotations

import os

import torch


def core_count() -> int:
    """How many cores there are."""
    return os.cpu_count() or 1


def one_thread_worker(number: int) -> None:
    """Begin a process of a DataLoader: the processes share the cores, so each computes with one thread."""
    torch.set_num_threads(1)
