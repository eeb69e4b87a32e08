"""Where tracks stand between left and right, in many takes of a song."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from megami.errors import UserError
from megami.notebook.figures import PageFigure, Sheet, figure
from megami.notebook.palette import COLOURS, INK, PAPER

SCATTER = 0.3  # of the height of a row, so that takes at one place do not hide each other


def plot_track_places(takes: Mapping[str, torch.Tensor | np.ndarray], names: Sequence[str], *, alt: str) -> PageFigure:
    """One row for each track, from left (-1) to right (1): a dot for each take, a diamond where there is but one.

    takes: name of a group -> places [takes, tracks], for example the imbalance that `megami.embeddings.decode` reads
    off plans. names: of the tracks, from the top down. alt: what there is to see. Raises UserError where a group has
    another number of tracks.
    """
    groups = {name: np.asarray(places, dtype=np.float64) for name, places in takes.items()}
    for name, places in groups.items():
        if places.ndim != 2 or places.shape[1] != len(names):
            raise UserError(f"{name}: places [takes, {len(names)}] for {len(names)} tracks, got {list(places.shape)}")

    def draw(sheet: Sheet) -> None:
        axis = sheet.axis()
        for colour, (name, places) in zip(COLOURS[1:], groups.items(), strict=False):
            single = len(places) == 1
            # The same scatter in every drawing: it means nothing, and is to move nothing between two pictures.
            off = np.zeros(1) if single else SCATTER * np.linspace(-1, 1, len(places))
            rows = np.arange(len(names)) + np.random.default_rng(0).permutation(off)[:, None]
            marks = {"marker": "D", "color": INK, "markersize": 7} if single else {"marker": "o", "color": colour}
            style: dict[str, Any] = {"markersize": 4.5, "alpha": 0.6, "markeredgewidth": 0, **marks}
            if single:
                style |= {"alpha": 1.0, "markeredgewidth": 1.0, "markeredgecolor": PAPER}
            axis.plot(places.ravel(), rows.ravel(), linestyle="", label=name, **style)
        axis.set_yticks(range(len(names)), names)
        axis.set_xticks([-1, 0, 1], ["left", "middle", "right"])
        axis.set(xlim=(-1.08, 1.08), ylim=(len(names) - 0.5, -0.5))
        sheet.legend(axis)

    return figure(draw, alt=alt, height_px=90 + 30 * len(names))
