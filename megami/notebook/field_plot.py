"""A field of arrows as lines, for `animation`: which way things move at each place, from frame to frame."""

from __future__ import annotations

import numpy as np

from megami.errors import UserError

_HEAD = 0.35  # length of an arrow's head, of the whole
_SPREAD = np.deg2rad(25)  # between the shaft and each side of the head


def arrow_lines(starts: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """Arrows as one broken line for each frame: [frames, 6 vertices an arrow, 2].

    starts: [n, 2]. vectors: [frames, n, 2], from the start to the tip, in the units of the picture's axes. A vertex of
    NaN parts an arrow from the next, as `animation` expects. The head is drawn in those units too, so it looks right
    where both axes have one scale. Raises UserError for other shapes.
    """
    starts, vectors = np.asarray(starts, dtype=float), np.asarray(vectors, dtype=float)
    if starts.ndim != 2 or starts.shape[1] != 2 or vectors.ndim != 3 or vectors.shape[1:] != starts.shape:
        raise UserError(
            f"arrows need starts [n, 2] and vectors [frames, n, 2], got {list(starts.shape)} and {list(vectors.shape)}"
        )
    tips = starts + vectors
    sides = [tips - _HEAD * _turned(vectors, angle) for angle in (_SPREAD, -_SPREAD)]
    begins, gaps = np.broadcast_to(starts, tips.shape), np.full_like(tips, np.nan)
    # Start, tip, one side of the head, back to the tip, the other side, gap.
    corners = np.stack([begins, tips, sides[0], tips, sides[1], gaps], axis=2)
    return corners.reshape(len(vectors), -1, 2)


def _turned(vectors: np.ndarray, angle: float) -> np.ndarray:
    """Vectors [..., 2] turned by an angle in radians."""
    cosine, sine = np.cos(angle), np.sin(angle)
    x, y = vectors[..., 0], vectors[..., 1]
    return np.stack([cosine * x - sine * y, sine * x + cosine * y], axis=-1)
