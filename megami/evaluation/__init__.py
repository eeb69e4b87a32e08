"""How good a mix, or a set of mixes, is."""

from __future__ import annotations

from megami.evaluation.measures.kad import kernel_distance, kernel_values, median_bandwidth
from megami.evaluation.measures.pairwise import pairwise_metrics

__all__ = [
    "kernel_distance",
    "kernel_values",
    "median_bandwidth",
    "pairwise_metrics",
]
