"""Finding a track that is a mix of the others, by its sound."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

LEAST_EXPLAINED = 0.7  # share of the track's energy that the others, each at some level, make up
LEAST_SHARE_OF_TRACKS = 0.6  # of the others that are in it: a drum bus is the sum of a few
LEAST_LEVEL = 0.05  # of a track in it, relative to the loudest
NEARLY_THE_SAME = 0.9  # correlation of a mix and its master
ROUNDING = 1e-6
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
    # With levels of either sign the others explain at least as much: mostly still too little, and there is no need to
    # import what takes half a second.
    freely = np.linalg.lstsq(root[:, 1:], root[:, 0], rcond=None)[0]
    if 1.0 - float(np.square(root[:, 1:] @ freely - root[:, 0]).sum()) < LEAST_EXPLAINED - ROUNDING:
        return False
    from scipy.optimize import nnls

    shares, rest = nnls(root[:, 1:], root[:, 0])
    return 1.0 - rest**2 >= LEAST_EXPLAINED and int((shares > LEAST_LEVEL * shares.max()).sum()) >= max(
        2, LEAST_SHARE_OF_TRACKS * len(others)
    )
