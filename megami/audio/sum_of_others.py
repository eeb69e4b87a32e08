"""Finding a track that is a mix of the others, by its sound."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

LEAST_EXPLAINED = 0.7  # share of the track's energy that the others, each at some level, make up
LEAST_SHARE_OF_TRACKS = 0.6  # of the others that are in it: a drum bus is the sum of a few
LEAST_LEVEL = 0.05  # of a track in it, relative to the loudest
NEARLY_THE_SAME = 0.9  # correlation of a mix and its master
ROUNDING = 1e-12
MOST_SECONDS = 120.0  # of the song that are compared, in pieces all over it
PIECE = 1 << 15


def mixes_of_others(audio: Tensor, sample_rate: int) -> list[int]:
    """Which of the tracks [tracks, channels, samples] are sums of most of the others, each at a level of its own.

    The levels are found by least squares without negative ones (Lawson and Hanson), for a track is also the mix less
    the others. Needs three tracks; silent ones do not count.
    """
    products = _products(audio, sample_rate)
    playing = [index for index in range(len(audio)) if products[index, index] > 0]
    found: list[int] = []
    for index in playing:
        others = [other for other in playing if other != index]
        # Beside a master the mix is that, and no more: also without those that are nearly the same.
        unlike = [other for other in others if _correlation(products, index, other) < NEARLY_THE_SAME]
        if any(len(some) >= 2 and _is_sum(products, index, some) for some in (others, unlike)):
            found.append(index)
    return found


def _correlation(products: np.ndarray, one: int, other: int) -> float:
    """The cosine between two tracks."""
    return float(products[one, other] / np.sqrt(products[one, one] * products[other, other]))


def _products(audio: Tensor, sample_rate: int) -> np.ndarray:
    """Scalar products of all pairs of tracks, folded to mono, over pieces of the song: [tracks, tracks]."""
    pieces = range(0, audio.shape[-1], PIECE)
    every = max(1, int(len(pieces) * PIECE / (MOST_SECONDS * sample_rate)))
    products = torch.zeros(len(audio), len(audio), dtype=torch.float64)
    for start in pieces[::every]:
        piece = audio[..., start : start + PIECE].mean(dim=1).double()
        products += piece @ piece.T
    return products.numpy()


def _is_sum(products: np.ndarray, index: int, others: list[int]) -> bool:
    """Whether a track is a sum of most of the others."""
    # With products = A'A, least squares on the columns of A are least squares on those of its root.
    scale = 1.0 / np.sqrt(np.diag(products)[[index, *others]])
    scaled = products[np.ix_([index, *others], [index, *others])] * np.outer(scale, scale)
    values, vectors = np.linalg.eigh(scaled)
    root = vectors.T * np.sqrt(np.maximum(values, 0.0))[:, None]
    shares = non_negative_least_squares(root[:, 1:], root[:, 0])
    rest = float(np.square(root[:, 1:] @ shares - root[:, 0]).sum())
    return 1.0 - rest >= LEAST_EXPLAINED and int((shares > LEAST_LEVEL * shares.max()).sum()) >= max(
        2, LEAST_SHARE_OF_TRACKS * len(others)
    )


def non_negative_least_squares(columns: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The levels, none below zero, at which columns [n, k] come nearest to a target [n]: [k].

    Lawson and Hanson, Solving Least Squares Problems, chapter 23, for the few columns that a song has tracks. (As
    `nnls` of scipy.optimize, which takes longer to import than many a song to be mixed.)
    """
    shares, chosen = np.zeros(columns.shape[1]), np.zeros(columns.shape[1], dtype=bool)
    for _ in range(3 * len(shares)):
        gain = np.where(chosen, -np.inf, columns.T @ (target - columns @ shares))
        if gain.max(initial=-np.inf) <= ROUNDING:
            break
        chosen[gain.argmax()] = True
        while chosen.any():
            trial = np.zeros_like(shares)
            trial[chosen] = np.linalg.lstsq(columns[:, chosen], target, rcond=None)[0]
            falling = chosen & (trial <= ROUNDING)
            if not falling.any():
                shares = trial
                break
            # Only as far towards it as all levels stay above zero; the first that reaches zero goes.
            way = (shares[falling] / np.maximum(shares[falling] - trial[falling], ROUNDING)).min()
            shares = shares + min(way, 1.0) * (trial - shares)
            chosen &= shares > ROUNDING
            shares[~chosen] = 0.0
    return shares
